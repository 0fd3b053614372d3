"""How gunicorn serves pages and API: `gunicorn --config python:portfolio_site.serving portfolio_site.wsgi`.

Sync Django in threads: little here waits long, and through asyncio each request would change threads several times.
"""

import gc
import os
from typing import Any

from portfolio_site.conf.environment import env

workers = env.int("WEB_PROCESSES", default=os.cpu_count() or 1)
# Each keeps a database connection. What a thread waits for is PostgreSQL and Redis, which answer in milliseconds; but a
# refresh waits for Plaid, and a dozen people who press it must not keep the rest waiting.
threads = env.int("WEB_THREADS", default=16)
worker_class = "gthread"
keepalive = 75  # seconds, longer than a proxy's, so that none sends into a connection that is being closed
graceful_timeout = 30  # seconds in which what is under way may end when asked to stop
timeout = 120  # seconds without a sign of life, the start on a busy machine included; long answers are no silence
control_socket_disable = True
limit_request_line = 8190  # bytes, the most there is: `filter_account` repeated for hundreds of accounts


def post_worker_init(_worker: Any) -> None:
    """What is loaded by now stays. Whoever asked while all of it was looked through for garbage waited longest."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def child_exit(_server: Any, worker: Any) -> None:
    """What a process that has ended had measured is no longer told as now."""
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        from prometheus_client.multiprocess import mark_process_dead

        mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]

"""Processes of the product on the benchmark's own database: web, worker, beat, each under its role."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

if TYPE_CHECKING:
    from portfolio_site.demo.processes import Supervisor

CHECKOUT = Path(__file__).resolve().parent.parent
BROKER = 14  # a Redis database that nothing else uses
GUNICORN = ("gunicorn", "--config=python:portfolio_site.serving", "--log-level=error")
CELERY = ("celery", "-A", "portfolio_site")


def web(port: int, *more: str, application: str = "portfolio_site.wsgi") -> tuple[str, ...]:
    """The command that serves pages and API on a port, as production does."""
    return (*GUNICORN, f"--bind=127.0.0.1:{port}", *more, application)


@contextmanager
def processes(
    folder: Path, commands: Mapping[str, tuple[str, ...]], *, port: int, environment: Mapping[str, str]
) -> Iterator["Supervisor"]:
    """Python modules by name, with their arguments; `web` runs under row security, all others as workers.

    Yields who watches over them, when the web answers on `port`.
    """
    from django.conf import settings
    from django.db import connection

    from portfolio_site.demo.processes import Supervisor
    from portfolio_site.lib.embedded.redis import with_database

    database = urlunsplit(urlsplit(settings.DATABASE_URL)._replace(path=f"/{connection.settings_dict['NAME']}"))
    supervisor = Supervisor(directory=CHECKOUT, log_directory=folder / "log")
    own = {
        "DATABASE_URL": database, "REDIS_URL": with_database(settings.REDIS_URL, BROKER), "LOG_LEVEL": "ERROR",
        "API_REQUESTS_PER_MINUTE": "0", "API_BULK_REQUESTS_PER_MINUTE": "0",
        **environment,
    }  # fmt: skip
    try:
        for name, command in commands.items():
            role = "web" if name == "web" else "worker"
            supervisor.start(name, sys.executable, "-m", *command, environment={**own, "LONGVIEW_ROLE": role})
        _wait_for_web(port)
        yield supervisor
    finally:
        supervisor.stop()


def _wait_for_web(port: int) -> None:
    import httpx

    from portfolio_site.demo.waiting import wait_until

    def answers() -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{port}/health", timeout=1).status_code == 200
        except httpx.HTTPError:
            return False

    if not wait_until(answers, seconds=180):
        raise SystemExit("The web process does not answer")

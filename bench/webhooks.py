"""10,000 webhooks in a minute: are all stored, how soon is each acknowledged, and how few syncs do they cause?

A real gunicorn process under row security, worker, beat, PostgreSQL, Redis and the local Plaid server. Sending is paced
by the clock, and a webhook's time counts from when it was due, so a server that stalls cannot hide behind the sender.
"""

import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

from _database import own_database
from _figures import Figure, arguments, show
from _stack import CELERY, processes, web
from _webhook_load import Answered, request, send_all

CHECKOUT = Path(__file__).resolve().parent.parent
# quick sends at the same rate for a fifth of the time.
SCALES = {"quick": (2_000, 12.0), "full": (10_000, 60.0)}
ITEMS = 50
CONNECTIONS = 32
QUIET_SECONDS = 120.0
CODES = (("HOLDINGS", "DEFAULT_UPDATE"), ("INVESTMENTS_TRANSACTIONS", "DEFAULT_UPDATE"))


def main() -> None:
    options = arguments(__doc__ or "")
    count, seconds = SCALES[options.scale]
    with own_database(), tempfile.TemporaryDirectory() as folder:
        figures = run(Path(folder), count=count, seconds=seconds)
    show(f"{count:,} webhooks in {seconds:.0f} s about {ITEMS} items", figures, as_json=options.json)


def run(folder: Path, *, count: int, seconds: float) -> list[Figure]:
    from plaid_link.sandbox.testing import running
    from portfolio_site.demo.stack import free_port

    port = free_port()
    schedule_sweep()
    with (
        running(state=folder / "plaid.json") as plaid,
        processes(folder, commands(folder, port), port=port, environment={"PLAID_HOST": plaid.url}),
    ):
        item_ids = link(plaid)
        key = json.loads((folder / "plaid.json").read_text())["keys"][-1]
        requests = signed(item_ids, key, count=count)
        # The first of a process pays for its imports and for Plaid's key.
        send_all(requests[:CONNECTIONS], port=port, seconds=3, connections=CONNECTIONS)
        answered = send_all(requests[CONNECTIONS:], port=port, seconds=seconds, connections=CONNECTIONS)
        return figures_of(answered, wait_until_handled())


def link(plaid: Any) -> list[str]:
    """Items as linking leaves them, each with an owner of its own; their ids at Plaid."""
    from investments.models import Institution
    from plaid_link.models import Item
    from plaid_link.tokens import seal_token
    from portfolio_site.models import User

    institution = Institution.objects.create(external_id="bench", name="Bench")
    owners = User.objects.bulk_create([User(email=f"bench{number}@example.com") for number in range(ITEMS)])
    for owner in owners:
        access_token, item_id = plaid.link()
        sealed = seal_token(access_token, item_id=item_id)
        Item.objects.create(owner=owner, institution=institution, item_id=item_id, access_token_encrypted=sealed)
    return list(Item.objects.values_list("item_id", flat=True))


def signed(item_ids: list[str], key: dict[str, Any], *, count: int) -> list[bytes]:
    """Webhooks that take turns over items and codes, and those that warm the server up, signed now."""
    from plaid_link.sandbox.keys import signature

    requests = []
    for number in range(count + CONNECTIONS):
        webhook_type, webhook_code = CODES[number % len(CODES)]
        body = json.dumps(
            {
                "webhook_type": webhook_type,
                "webhook_code": webhook_code,
                "item_id": item_ids[number % len(item_ids)],
                "error": None,
                "number": number,
                "environment": "sandbox",
            }
        ).encode()
        requests.append(request(body, signature(key, body)))
    return requests


def commands(folder: Path, port: int) -> dict[str, tuple[str, ...]]:
    return {
        "web": web(port, "--workers=1"),
        "worker": (*CELERY, "worker", "--concurrency=1", "--queues=default", "--loglevel=ERROR"),
        "beat": (*CELERY, "beat", "--loglevel=ERROR", f"--pidfile={folder / 'beat.pid'}"),
    }


def schedule_sweep() -> None:
    """Beat's sweep of webhooks, and nothing else of what it does."""
    from django_celery_beat.models import PeriodicTask

    from portfolio_site.schedule import ensure_schedule

    ensure_schedule()
    PeriodicTask.objects.exclude(task="plaid_link.handle_waiting_webhooks").update(enabled=False)


def wait_until_handled() -> float:
    """Seconds until no webhook waits any more."""
    from plaid_link.models import WebhookEvent
    from portfolio_site.demo.waiting import wait_until

    start = time.perf_counter()
    wait_until(lambda: not WebhookEvent.objects.unfinished().exists(), seconds=QUIET_SECONDS)
    return time.perf_counter() - start


def figures_of(answered: list[Answered], handled_after: float) -> list[Figure]:
    from plaid_link.models import SyncRun, WebhookEvent

    taken = sum(one.status == 200 for one in answered)
    stored = WebhookEvent.objects.count() - CONNECTIONS
    done = WebhookEvent.objects.filter(status="done").count() - CONNECTIONS
    syncs = SyncRun.objects.count()
    since_due = sorted(one.since_due for one in answered)
    since_sent = sorted(one.since_sent for one in answered)
    return [
        figure("acknowledged", taken, "of", len(answered), ""),
        figure("stored", stored, "of", len(answered), ""),
        figure("handled", done, "of", len(answered), ""),
        figure("syncs that they caused", syncs, "webhooks", done, ""),
        figure("acknowledgement, p50", percentile(since_due, 50), "once sent", percentile(since_sent, 50), "ms"),
        figure("acknowledgement, p99", percentile(since_due, 99), "allowed", 100.0, "ms"),
        figure("acknowledgement, slowest", since_due[-1], "once sent", since_sent[-1], "ms"),
        figure("all handled, after the last", handled_after, "", None, "s"),
    ]


def figure(name: str, ours: float, other_name: str, other: float | None, unit: str) -> Figure:
    return Figure(name, ours, other, other_name, None, unit)


def percentile(ordered: list[float], percent: int) -> float:
    return ordered[min(len(ordered) * percent // 100, len(ordered) - 1)]


if __name__ == "__main__":
    os.environ.setdefault("LOG_LEVEL", "ERROR")
    main()

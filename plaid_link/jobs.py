"""Syncs that somebody waits for, as jobs: rows that tell how far they are and outlive any worker."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from celery import signature
from django.db import transaction

from investments.models import Account
from plaid_link.models import Item, SyncRun
from plaid_link.snapshots import Upserts
from plaid_link.sources.base import SourceError
from plaid_link.sync import sync_item, whole_window, window_due
from portfolio_site.lib import rls
from portfolio_site.models import Job

LINK, SYNC = "link", "sync"
KINDS = (LINK, SYNC)
RUN_TASK = "plaid_link.run_sync_job"
NOTHING_LINKED = "Nothing is linked yet."


def queue_link(*, item: Item) -> Job:
    """The job that reads a new item, queued once the transaction that stores the item has committed."""
    return _queue(owner_id=item.owner_id, kind=LINK, items=[item])


def queue_sync(*, user_id: int) -> Job:
    """One job that syncs all items of a user; the one under way where there is one."""
    under_way = Job.objects.filter(owner_id=user_id, kind=SYNC).unfinished().order_by("created_at").first()
    if under_way:
        return under_way
    return _queue(owner_id=user_id, kind=SYNC, items=list(Item.objects.filter(owner_id=user_id).connected()))


def _queue(*, owner_id: int, kind: str, items: Sequence[Item]) -> Job:
    job = Job.objects.create(owner_id=owner_id, kind=kind, result={"items": [item.pk for item in items]})
    # Robust: when the broker is down the row is still there, and the sweep finds it.
    transaction.on_commit(lambda: enqueue(job), robust=True)
    return job


def enqueue(job: Job) -> None:
    """Hand the job to a worker; somebody who has just linked is waiting at the screen."""
    signature(RUN_TASK, args=[str(job.pk)], queue="high" if job.kind == LINK else "default").apply_async(retry=False)


def run(job: Job) -> None:
    """Sync the job's items one after another. Raises SourceError where not one of them could be synced."""
    items = list(Item.objects.filter(pk__in=(job.result or {}).get("items", [])).order_by("pk"))
    if not items:
        job.fail(NOTHING_LINKED)
        return
    upserts, failures = Upserts(), []
    for number, item in enumerate(items):
        try:
            upserts += _sync_one(job, item, partial(_advance, job, number, len(items)))
        except SourceError as error:
            failures.append((item, error))
    if len(failures) == len(items):
        raise failures[0][1]
    job.succeed(_result(items, upserts, failures))


def _sync_one(job: Job, item: Item, report: Callable[[str, float], None]) -> Upserts:
    link = job.kind == LINK
    start, end = whole_window() if link else window_due(item)
    trigger = SyncRun.Trigger.LINK if link else SyncRun.Trigger.USER
    return sync_item(item=item, trigger=trigger, start=start, end=end, report=report)


def _advance(job: Job, number: int, count: int, message: str, progress: float) -> None:
    with rls.tenant(job.owner_id):
        job.advance((number + progress) / count, message)


def _result(items: Sequence[Item], upserts: Upserts, failures: Sequence[tuple[Item, SourceError]]) -> dict[str, Any]:
    failed = {item.pk for item, _ in failures}
    accounts = Account.objects.filter(linked_account__item__in=[item for item in items if item.pk not in failed])
    account_ids = sorted(accounts.values_list("pk", flat=True))
    return {
        "accounts": len(account_ids),
        "account_ids": account_ids,
        "securities": upserts.securities,
        "holdings": upserts.holdings,
        "transactions": upserts.investment_transactions,
        "failed": [{"item_id": item.item_id, "error": str(error)} for item, error in failures],
    }

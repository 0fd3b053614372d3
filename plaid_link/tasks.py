"""Background work of plaid_link. Every task takes an id, may run twice, and is found by the sweep when it is lost."""

import logging
import random
from datetime import datetime, timedelta

from celery import Task, shared_task
from django.utils import timezone

from plaid_link import jobs, link, sync
from plaid_link.models import Item, SyncRun
from plaid_link.sources.base import SourceError
from portfolio_site.models import Job

logger = logging.getLogger(__name__)

FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS = 10, 300
# A queued task that the broker lost is queued again after this.
LOST_AFTER = timedelta(minutes=2)
# A job whose worker is gone is handed to another after this: longer than any task may run.
DEAD_AFTER = timedelta(minutes=20)
# A swept item has this long before it is swept again.
SWEPT_FOR = timedelta(minutes=10)


@shared_task(bind=True, name="plaid_link.run_sync_job", max_retries=4)
def run_sync_job(self: Task, job_id: str) -> None:
    """Run a link or sync job. What may pass by itself is tried again for some minutes before the job is closed."""
    job = Job.objects.unfinished().filter(pk=job_id).first()
    if job is None:
        return
    try:
        jobs.run(job)
    except SourceError as error:
        if error.permanent or self.request.retries >= self.max_retries:
            job.fail(str(error))
            return
        job.advance(job.progress, str(error))
        raise self.retry(exc=error, countdown=_countdown(error, self.request.retries)) from error


def _countdown(error: SourceError, retries: int) -> float:
    """Seconds, with jitter so that what failed together does not come back together."""
    if error.retry_after:
        return min(error.retry_after, LONGEST_RETRY_SECONDS) * random.uniform(1.0, 1.25)
    return min(FIRST_RETRY_SECONDS * 2**retries, LONGEST_RETRY_SECONDS) * random.uniform(0.5, 1.5)


@shared_task(name="plaid_link.sync_item")
def sync_item(item_id: int, trigger: str = SyncRun.Trigger.SWEEP) -> None:
    """Sync one item that nobody waits for. A failure is on the item, with the time of the next try."""
    item = Item.objects.connected().filter(pk=item_id).first()
    if item is None:
        return
    start, end = sync.window_due(item)
    try:
        sync.sync_item(item=item, trigger=trigger, start=start, end=end)
    except SourceError as error:
        logger.info("sync failed item_id=%s code=%s", item.item_id, error.code)


@shared_task(name="plaid_link.remove_item")
def remove_item(item_id: int, erase: bool = False) -> None:
    """Disconnect an item; with `erase`, delete all that came from it."""
    item = Item.objects.filter(pk=item_id).first()
    if item is not None:
        link.remove_item(item=item, erase=erase)


@shared_task(name="plaid_link.sync_stale_items", expires=50)
def sync_stale_items() -> None:
    """The sweep: items whose turn it is, jobs whose task was lost, items that Plaid has not been told to forget."""
    now = timezone.now()
    for item_id in Item.objects.due(now).order_by("next_try_at", "pk").values_list("pk", flat=True):
        # Taken by a conditional update, so that two sweeps queue it once.
        if Item.objects.due(now).filter(pk=item_id).update(next_try_at=now + SWEPT_FOR):
            sync_item.delay(item_id)
    _queue_lost_jobs(now)
    for item in Item.objects.exclude(access_token_encrypted=b"").filter(status=Item.Status.DISCONNECTED).order_by("pk"):
        link.tell_plaid_to_forget(item=item)


def _queue_lost_jobs(now: datetime) -> None:
    """Jobs that no worker was told of, and those whose worker has died with the message. Running one twice is safe."""
    ours = Job.objects.filter(kind__in=jobs.KINDS)
    for job in ours.filter(state=Job.State.QUEUED, created_at__lt=now - LOST_AFTER):
        jobs.enqueue(job)
    dead = ours.filter(state=Job.State.RUNNING, started_at__lt=now - DEAD_AFTER)
    for job in list(dead):
        # Taken by a conditional update, so that two sweeps hand it on once.
        if dead.filter(pk=job.pk).update(started_at=now):
            jobs.enqueue(job)

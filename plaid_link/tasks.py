"""Background work of plaid_link. Every task takes an id, may run twice, and is found by the sweep when it is lost."""

import logging
import random
from datetime import datetime, timedelta

from celery import Task, shared_task
from django.db import DatabaseError
from django.utils import timezone

from plaid_link import jobs, link, sync
from plaid_link.imports import batches
from plaid_link.imports import jobs as import_jobs
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
def sync_item(item_id: int, trigger: str = SyncRun.Trigger.SWEEP, asked_at: str | None = None) -> None:
    """Sync one item that nobody waits for, unless it has been since `asked_at` (ISO 8601).

    A failure is on the item, with the time of the next try.
    """
    item = Item.objects.connected().filter(pk=item_id).first()
    if item is None:
        return
    start, end = sync.window_due(item)
    try:
        since = datetime.fromisoformat(asked_at) if asked_at else None
        sync.sync_item(item=item, trigger=trigger, start=start, end=end, asked_at=since)
    except SourceError as error:
        logger.info("sync failed item_id=%s code=%s", item.item_id, error.code)


@shared_task(name="plaid_link.read_again")
def read_again(run_id: int) -> None:
    """Read the days of a run once more, for an operator. A failure is on the item and on the new run."""
    run = (
        SyncRun.objects.select_related("item").filter(pk=run_id).exclude(item__status=Item.Status.DISCONNECTED).first()
    )
    if run is None:
        return
    try:
        sync.sync_item(item=run.item, trigger=SyncRun.Trigger.OPERATOR, start=run.start_date, end=run.end_date)
    except SourceError as error:
        logger.info("sync failed item_id=%s code=%s", run.item.item_id, error.code)


@shared_task(name="plaid_link.remove_item")
def remove_item(item_id: int, erase: bool = False) -> None:
    """Disconnect an item, and delete all that came from it where the item says so.

    `erase` is what messages said before the item did; those of the time are still understood.
    """
    item = Item.objects.filter(pk=item_id).first()
    if item is not None:
        link.remove_item(item=item, erase=erase)


@shared_task(name="plaid_link.sync_stale_items", expires=50)
def sync_stale_items() -> None:
    """The sweep: items whose turn it is, jobs whose task was lost, items that are not wholly removed yet."""
    now = timezone.now()
    for item_id in Item.objects.due(now).order_by("next_try_at", "pk").values_list("pk", flat=True):
        # Taken by a conditional update, so that two sweeps queue it once.
        if Item.objects.due(now).filter(pk=item_id).update(next_try_at=now + SWEPT_FOR):
            sync_item.delay(item_id, asked_at=now.isoformat())
    _queue_lost_jobs(now)
    for item in Item.objects.leaving().order_by("pk"):
        _finish_removal(item)


def _finish_removal(item: Item) -> None:
    try:
        link.finish_removal(item=item)
    except DatabaseError:
        # One item that cannot be erased must not hold up the others.
        logger.exception("not removed yet item_id=%s", item.item_id)


def _queue_lost_jobs(now: datetime) -> None:
    """Jobs that no worker was told of, and those whose worker has died with the message. Running one twice is safe."""
    ours = Job.objects.filter(kind__in=[*jobs.KINDS, *import_jobs.KINDS])
    for job in ours.filter(state=Job.State.QUEUED, created_at__lt=now - LOST_AFTER):
        _enqueue(job)
    dead = ours.filter(state=Job.State.RUNNING, started_at__lt=now - DEAD_AFTER)
    for job in list(dead):
        # Taken by a conditional update, so that two sweeps hand it on once.
        if dead.filter(pk=job.pk).update(started_at=now):
            _enqueue(job)


def _enqueue(job: Job) -> None:
    (import_jobs if job.kind in import_jobs.KINDS else jobs).enqueue(job)


@shared_task(name="plaid_link.run_import_job")
def run_import_job(job_id: str) -> None:
    """Read, store or take back an imported file."""
    job = Job.objects.unfinished().filter(pk=job_id).first()
    if job is not None:
        import_jobs.run(job)


@shared_task(name="plaid_link.forget_imports", expires=3600)
def forget_imports() -> None:
    """Throw away files that their owners never confirmed."""
    batches.forget_old()

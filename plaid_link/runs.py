"""Sync runs as leases: one at a time per item, held by a row in PostgreSQL, free again when its holder dies.

The row, and not a session lock, because a sync talks to the network between two transactions, and a pooled connection
is nobody's there.
"""

import time
from datetime import date, datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone

from plaid_link import health
from plaid_link.health import BUSY_CODE
from plaid_link.models import Item, SyncRun
from plaid_link.sources.base import SourceError
from portfolio_site.lib import rls

# Longer than any call may take (PLAID_TIMEOUT_SECONDS), for the lease is renewed before each.
LEASE = timedelta(seconds=90)
GIVEN_UP = "Its worker died"
POLL_SECONDS = 0.1
PATIENCE_SECONDS = 60.0


def claim(*, item: Item, trigger: str, start: date, end: date, asked_at: datetime | None = None) -> SyncRun | None:
    """A run of one's own, or None while another is under way. Runs whose holder died are closed first.

    With `asked_at`, it may be another's that has ended: one that covers the window and was not over at that time.
    """
    with rls.tenant(item.owner_id):
        now = timezone.now()
        dead = SyncRun.objects.filter(item=item, state=SyncRun.State.RUNNING, alive_at__lt=now - LEASE)
        dead.update(state=SyncRun.State.FAILED, finished_at=now, error=GIVEN_UP)
        try:
            with transaction.atomic():
                run = SyncRun.objects.create(
                    owner_id=item.owner_id, item=item, trigger=trigger, start_date=start, end_date=end
                )
                # Looked for while nobody else can begin, or two that were asked for at once would both be run.
                answer = _answer(item, start, end, asked_at) if asked_at else None
                transaction.set_rollback(answer is not None)
        except IntegrityError:
            return None
        return answer or run


def _answer(item: Item, start: date, end: date, asked_at: datetime) -> SyncRun | None:
    """A run that was given up answers nobody."""
    ended = SyncRun.objects.filter(item=item, finished_at__gt=asked_at).exclude(error=GIVEN_UP)
    return ended.covering(start, end).first()


def has_read_since(*, item: Item, moment: datetime, start: date, end: date) -> bool:
    """Whether a good sync of the whole window began after the moment."""
    good = SyncRun.objects.filter(item=item, state=SyncRun.State.SUCCEEDED, started_at__gt=moment)
    return good.covering(start, end).exists()


def renew(run: SyncRun) -> None:
    """Show that the run is alive. Raises SourceError where the lease was lost."""
    with rls.tenant(run.owner_id):
        alive = SyncRun.objects.filter(pk=run.pk, state=SyncRun.State.RUNNING).update(alive_at=timezone.now())
    if not alive:
        raise SourceError(BUSY_CODE)


def hold(run: SyncRun) -> Item:
    """Lock the run and its item until the transaction ends.

    Raises SourceError where the lease was lost or the item was disconnected meanwhile: then nothing may be written.
    """
    if not SyncRun.objects.select_for_update().filter(pk=run.pk, state=SyncRun.State.RUNNING).exists():
        raise SourceError(BUSY_CODE)
    item = Item.objects.select_for_update(of=("self",)).connected().select_related("institution")
    held = item.filter(pk=run.item_id).first()
    if held is None:
        raise SourceError("ITEM_NOT_FOUND")
    return held


def fail(run: SyncRun, error: SourceError) -> None:
    """Close the run, and write on the item what the error means."""
    with rls.tenant(run.owner_id):
        SyncRun.objects.filter(pk=run.pk, state=SyncRun.State.RUNNING).update(
            state=SyncRun.State.FAILED, finished_at=timezone.now(), error_code=error.code, error=str(error)
        )
        if error.code != BUSY_CODE:
            health.report(item=run.item, code=error.code, http_status=error.http_status, retry_after=error.retry_after)


def ask_for_another(*, item: Item) -> bool:
    """Have the run under way followed by one more, because there is news. False where none is under way."""
    with rls.tenant(item.owner_id):
        return bool(SyncRun.objects.filter(item=item, state=SyncRun.State.RUNNING).update(rerun_wanted=True))


def await_end(*, item: Item, within: float = PATIENCE_SECONDS) -> None:
    """Return when the run under way, if any, has ended or is dead. Raises SourceError when that takes too long."""
    deadline = time.monotonic() + within
    with rls.tenant(item.owner_id):
        run = SyncRun.objects.filter(item=item, state=SyncRun.State.RUNNING).first()
    while run is not None and _is_under_way(run):
        if time.monotonic() > deadline:
            raise SourceError(BUSY_CODE)
        time.sleep(POLL_SECONDS)
        with rls.tenant(item.owner_id):
            run = SyncRun.objects.filter(pk=run.pk).first()


def _is_under_way(run: SyncRun) -> bool:
    return run.state == SyncRun.State.RUNNING and run.alive_at >= timezone.now() - LEASE

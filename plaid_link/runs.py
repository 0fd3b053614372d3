"""Sync runs as leases: one at a time per item, held by a row in PostgreSQL, free again when its holder dies.

The row, and not a session lock, because a sync talks to the network between two transactions, and a pooled connection
is nobody's there.
"""

import time
from datetime import date, timedelta

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


def claim(*, item: Item, trigger: str, start: date, end: date) -> SyncRun | None:
    """A run of one's own, or None while another is under way. Runs whose holder died are closed first."""
    with rls.tenant(item.owner_id):
        now = timezone.now()
        dead = SyncRun.objects.filter(item=item, state=SyncRun.State.RUNNING, alive_at__lt=now - LEASE)
        dead.update(state=SyncRun.State.FAILED, finished_at=now, error=GIVEN_UP)
        try:
            with transaction.atomic():
                return SyncRun.objects.create(
                    owner_id=item.owner_id, item=item, trigger=trigger, start_date=start, end_date=end
                )
        except IntegrityError:
            return None


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


def finished(*, item: Item, within: float = PATIENCE_SECONDS) -> SyncRun | None:
    """The run under way, once it has ended; None where there is none. Raises SourceError when it takes too long."""
    deadline = time.monotonic() + within
    with rls.tenant(item.owner_id):
        run = SyncRun.objects.filter(item=item, state=SyncRun.State.RUNNING).first()
    while run is not None and run.state == SyncRun.State.RUNNING:
        if time.monotonic() > deadline:
            raise SourceError(BUSY_CODE)
        time.sleep(POLL_SECONDS)
        with rls.tenant(item.owner_id):
            run = SyncRun.objects.filter(pk=run.pk).first()
    return run

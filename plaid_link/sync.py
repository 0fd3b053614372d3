"""Syncing an item: ask its source over the network, then write the answer in one transaction. Never both at once."""

import logging
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial

from django.conf import settings
from django.utils import timezone

from investments.models import Holding, Transaction
from plaid_link import limits, runs
from plaid_link.health import BROKEN_CODE
from plaid_link.models import Item, SyncRun
from plaid_link.snapshots import Upserts, apply_snapshot
from plaid_link.sources.base import SourceError
from plaid_link.sources.plaid import PlaidSource, client
from plaid_link.sources.plaid.repairs import IN_SHARES
from plaid_link.tokens import open_token
from portfolio_site.lib import rls
from portfolio_site.lib.crypto import SealBroken

logger = logging.getLogger(__name__)

REREAD_DAYS = 30
Report = Callable[[str, float], None]


def recent_window(days: int = REREAD_DAYS) -> tuple[date, date]:
    """The last `days` days up to today, both ends included."""
    today = timezone.now().date()
    return today - timedelta(days=days), today


def whole_window() -> tuple[date, date]:
    """The 24 months that a new link reads."""
    return recent_window(settings.SYNC_WINDOW_DAYS)


def window_due(item: Item) -> tuple[date, date]:
    """What a sync that nobody asked for reads: all of it until one succeeded, then what overlaps by 30 days."""
    if item.last_synced_at is None:
        return whole_window()
    missed = (timezone.now() - item.last_synced_at).days
    return recent_window(min(REREAD_DAYS + missed, settings.SYNC_WINDOW_DAYS))


def sync_item(*, item: Item, trigger: str, start: date, end: date, report: Report | None = None) -> Upserts:
    """Bring the item's accounts to what Plaid says, and the transactions from `start` to `end`.

    One at a time per item: whoever comes while a sync is under way that covers the window waits for it and gets its
    answer. Raises SourceError; what was known is kept then. `report` is told what is done and how far it is, 0 to 1.
    """
    run = runs.claim(item=item, trigger=trigger, start=start, end=end)
    while run is None:
        other = runs.finished(item=item)
        if other and other.start_date <= start and end <= other.end_date:
            return _outcome(other)
        run = runs.claim(item=item, trigger=trigger, start=start, end=end)
    upserts = _sync(run, item, report)
    if _is_wanted_again(run):
        upserts += sync_item(item=item, trigger=SyncRun.Trigger.WEBHOOK, start=start, end=end, report=report)
    return upserts


def _sync(run: SyncRun, item: Item, report: Report | None) -> Upserts:
    try:
        snapshot = _source(run, item, report).snapshot(start=run.start_date, end=run.end_date)
        return apply_snapshot(run=run, snapshot=snapshot)
    except SourceError as error:
        logger.warning("sync failed item_id=%s code=%s", item.item_id, error.code)
        runs.fail(run, error)
        raise
    except Exception as error:
        # Whatever it was, the item is free for the next try, and the user reads a sentence instead of a traceback.
        logger.exception("sync broke item_id=%s", item.item_id)
        broken = SourceError(BROKEN_CODE, http_status=500)
        runs.fail(run, broken)
        raise broken from error


def _source(run: SyncRun, item: Item, report: Report | None) -> PlaidSource:
    def alive(message: str, progress: float) -> None:
        runs.renew(run)
        if report:
            report(message, progress)

    if not item.access_token_encrypted:
        raise SourceError("ITEM_NOT_FOUND")
    try:
        token = open_token(item)
    except SealBroken:
        raise SourceError("INVALID_API_KEYS") from None
    with rls.tenant(item.owner_id):
        in_shares = _options_in_shares(item)
    turn = partial(limits.await_turn, item_id=item.item_id)
    return PlaidSource(client(), token, options_in_shares=in_shares, report=alive, await_turn=turn)


def _options_in_shares(item: Item) -> set[str]:
    """Options that earlier answers counted in shares: an expiry alone, without an amount, does not show it."""
    held = Holding.objects.filter(account__linked_account__item=item, security__type="derivative")
    traded = Transaction.objects.current().filter(account__linked_account__item=item, security__type="derivative")
    notes = [
        *((name, metadata.get("repairs", [])) for name, metadata in held.values_list(*_named("source_metadata"))),
        *traded.values_list(*_named("repairs")),
    ]
    return {name for name, repairs in notes if IN_SHARES in repairs}


def _named(column: str) -> tuple[str, str]:
    return "security__external_id", column


def _outcome(run: SyncRun) -> Upserts:
    if run.state == SyncRun.State.FAILED:
        raise SourceError(run.error_code or BROKEN_CODE)
    return Upserts.of(run)


def _is_wanted_again(run: SyncRun) -> bool:
    with rls.tenant(run.owner_id):
        return SyncRun.objects.filter(pk=run.pk, rerun_wanted=True).exists()

"""Syncing an item: ask its source over the network, then write the answer in one transaction. Never both at once."""

import logging
from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import partial

from django.conf import settings
from django.utils import timezone

from investments.models import Account, Holding, Transaction
from plaid_link import limits, runs
from plaid_link.health import BROKEN_CODE
from plaid_link.models import Item, SyncRun
from plaid_link.snapshots import Upserts, apply_snapshot
from plaid_link.sources.base import SourceError
from plaid_link.sources.plaid import PlaidSource, client
from plaid_link.sources.plaid.repairs import IN_SHARES
from plaid_link.tokens import open_token
from portfolio_site.lib import logs, rls
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


def sync_item(
    *,
    item: Item,
    trigger: str,
    start: date,
    end: date,
    report: Report | None = None,
    asked_at: datetime | None = None,
) -> Upserts:
    """Bring the item's accounts to what Plaid says, and the transactions from `start` to `end`.

    One at a time per item, and one for all who ask at once: whoever asked (at `asked_at`, else now) before a sync that
    covers the window had ended waits for it and gets its answer. Raises SourceError; what was known is kept then.
    `report` is told what is done and how far it is, 0 to 1.
    """
    with logs.bound(item_id=item.item_id, user_id=item.owner_id):
        asked_at = asked_at or timezone.now()
        return _in_turn(item=item, trigger=trigger, start=start, end=end, report=report, asked_at=asked_at)


def _in_turn(*, item: Item, trigger: str, start: date, end: date, report: Report | None, asked_at: datetime) -> Upserts:
    run = runs.claim(item=item, trigger=trigger, start=start, end=end, asked_at=asked_at)
    while run is None:
        runs.await_end(item=item)
        run = runs.claim(item=item, trigger=trigger, start=start, end=end, asked_at=asked_at)
    if run.state != SyncRun.State.RUNNING:
        return _outcome(run)
    upserts = _sync(run, item, report)
    if item.last_synced_at and _has_new_accounts(run):
        since = whole_window()[0]
        upserts += _in_turn(item=item, trigger=trigger, start=since, end=end, report=report, asked_at=timezone.now())
    elif _is_wanted_again(run):
        again = SyncRun.Trigger.WEBHOOK
        upserts += _in_turn(item=item, trigger=again, start=start, end=end, report=report, asked_at=timezone.now())
    return upserts


def _sync(run: SyncRun, item: Item, report: Report | None) -> Upserts:
    try:
        snapshot = _source(run, item, report).snapshot(start=run.start_date, end=run.end_date)
        return apply_snapshot(run=run, snapshot=snapshot)
    except SourceError as error:
        logger.warning("sync failed code=%s", error.code)
        runs.fail(run, error)
        raise
    except Exception as error:
        # Whatever it was, the item is free for the next try, and the user reads a sentence instead of a traceback.
        logger.exception("sync broke")
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
    turn = partial(limits.turn, item_id=item.item_id)
    return PlaidSource(client(), token, options_in_shares=in_shares, report=alive, turn=turn)


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


def _has_new_accounts(run: SyncRun) -> bool:
    """Whether accounts came in after the link whose past the run's days do not cover: all of it is read."""
    if run.start_date <= whole_window()[0]:
        return False
    with rls.tenant(run.owner_id):
        fed = Account.objects.filter(linked_account__item=run.item_id)
        return fed.filter(opened_at__gte=run.started_at).exists()


def _is_wanted_again(run: SyncRun) -> bool:
    with rls.tenant(run.owner_id):
        return SyncRun.objects.filter(pk=run.pk, rerun_wanted=True).exists()

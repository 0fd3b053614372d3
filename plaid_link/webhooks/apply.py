"""What the webhooks of one item, taken together, change: its health, and by at most one sync its data."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from django.utils import timezone

from plaid_link import checkup, runs, sync
from plaid_link.health import BUSY_CODE
from plaid_link.models import ENDING, Item, SyncRun, WebhookEvent
from plaid_link.sources.base import SourceError
from plaid_link.webhooks.effects import WHOLE_HISTORY_DAYS, Effect, effect_of, together

# What a good sync clears; a link's first sync is on its way by itself.
UNWELL = frozenset({Item.Status.NEEDS_REPAIR, Item.Status.INSTITUTION_TROUBLE, Item.Status.ERROR})


# Webhooks come in bursts, and Plaid answers 15 questions a minute about one item's holdings.
SYNC_EVERY = timedelta(seconds=15)
BUSY_WAIT = timedelta(seconds=5)


class NotYet(Exception):
    """The item is being synced, from data that may be older than these events, or was just now; try at `until`."""

    def __init__(self, until: datetime) -> None:
        super().__init__(f"not before {until:%H:%M:%S}")
        self.until = until


def apply(*, item: Item, events: Sequence[WebhookEvent]) -> str:
    """Do what the events ask for. Returns a note on what is wrong with the item, '' where nothing is.

    Raises NotYet before anything is done, and SourceError where another try may help.
    """
    effects = (effect_of(event.webhook_type, event.webhook_code, event.payload) for event in events)
    effect = together(effect for effect in effects if effect is not None)
    if effect.revoked:
        checkup.revoke(item, effect.revoked)
        return effect.revoked
    if effect.reread_days and _has_been_read(item, effect.reread_days, events):
        effect = replace(effect, reread_days=0)
    if effect.reread_days:
        _await_turn(item)
    try:
        return _examine_and_sync(item, effect) if effect.check_health else _sync(item, effect.reread_days)
    except SourceError as error:
        if error.code == BUSY_CODE:
            raise NotYet(timezone.now() + BUSY_WAIT) from error
        if error.permanent:
            # The item says so to its user; another try would end the same.
            return error.code
        raise


def _examine_and_sync(item: Item, effect: Effect) -> str:
    condition = checkup.examine(item)
    if condition.error_code:
        return condition.error_code
    _sync(item, effect.reread_days or (sync.REREAD_DAYS if _seems_unwell(item) else 0))
    if effect.announced:
        # Last, because a good sync clears what was announced before it.
        checkup.announce(item, effect.announced, until=effect.until, condition=condition)
    return effect.announced


def _seems_unwell(item: Item) -> bool:
    """We show trouble where Plaid has none: only a good sync proves that it is over."""
    return item.status in UNWELL and item.error_code not in ENDING


def _has_been_read(item: Item, reread_days: int, events: Sequence[WebhookEvent]) -> bool:
    """Whether a good sync of all that the events announce, whoever asked for it, began after the last of them came."""
    start, end = sync.recent_window(_days(item, reread_days))
    return runs.has_read_since(item=item, moment=max(event.received_at for event in events), start=start, end=end)


def _await_turn(item: Item) -> None:
    """Raises NotYet while a sync of the item runs, or began well only moments ago."""
    now = timezone.now()
    item_runs = SyncRun.objects.filter(item=item)
    if item_runs.filter(state=SyncRun.State.RUNNING, alive_at__gte=now - runs.LEASE).exists():
        raise NotYet(now + BUSY_WAIT)
    recent = item_runs.filter(state=SyncRun.State.SUCCEEDED, started_at__gt=now - SYNC_EVERY).first()
    if recent is not None:
        raise NotYet(recent.started_at + SYNC_EVERY)


def _sync(item: Item, reread_days: int) -> str:
    if not reread_days:
        return ""
    start, end = sync.recent_window(_days(item, reread_days))
    sync.sync_item(item=item, trigger=SyncRun.Trigger.WEBHOOK, start=start, end=end)
    return ""


def _days(item: Item, reread_days: int) -> int:
    """So many days before the last good sync; 24 months where there was none."""
    if item.last_synced_at is None:
        return WHOLE_HISTORY_DAYS
    return min(reread_days + (timezone.now() - item.last_synced_at).days, WHOLE_HISTORY_DAYS)

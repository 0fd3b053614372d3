"""Handling the webhooks that wait: all of one item together, and one worker per item."""

import logging
import random
import time
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Min, QuerySet
from django.utils import timezone

from plaid_link.models import Item, WebhookEvent
from plaid_link.sources.base import SourceError
from plaid_link.webhooks.apply import NotYet, apply
from plaid_link.webhooks.effects import effect_of
from portfolio_site.lib import advisory, logs

logger = logging.getLogger(__name__)

Status = WebhookEvent.Status
Events = Sequence[WebhookEvent]

MAX_ATTEMPTS = 3
FIRST_WAIT = timedelta(seconds=30)
# Of one item in one go, and items in one pass: bounds on memory, not on work.
BATCH = 1000
ITEMS = 200
# Verification takes a delivery for five minutes after it was signed.
REPLAYABLE_FOR = timedelta(minutes=10)


def handle_waiting(*, seconds: float) -> int:
    """Handle what waits and no other worker holds, for about so many seconds. Returns the number of events closed."""
    deadline = time.monotonic() + seconds
    release_parked()
    closed = 0
    while time.monotonic() < deadline and (more := _one_pass(deadline)):
        closed += more
    return closed


def release_parked() -> int:
    """Let events go on whose item was linked after they came: Plaid's first webhook can overtake our own commit."""
    items = Item.objects.connected().values("item_id")
    parked = WebhookEvent.objects.filter(status=Status.PARKED, item_external_id__in=items)
    return parked.update(status=Status.RECEIVED, attempts=0, next_try_at=timezone.now())


def _one_pass(deadline: float) -> int:
    closed = 0
    for item_external_id in _waiting_items():
        if time.monotonic() > deadline:
            break
        with advisory.held(f"plaid-webhooks:{item_external_id}") as free:
            if free:
                closed += _handle_item(item_external_id)
    return closed


def _waiting_items() -> list[str]:
    """Items with events that are due, the longest waiting first; those that others are at, too."""
    due = WebhookEvent.objects.due(timezone.now()).order_by().values("item_external_id")
    return list(due.annotate(oldest=Min("id")).order_by("oldest").values_list("item_external_id", flat=True)[:ITEMS])


def _handle_item(item_external_id: str) -> int:
    """Close the item's due events, or put them off. Returns how many are closed; call with the item's lock held."""
    events = claim(item_external_id, now=timezone.now())
    item = Item.objects.connected().filter(item_id=item_external_id).first() if item_external_id else None
    known, unknown = _split(events)
    close(unknown, Status.IGNORED, error="No such webhook is known here", item=item)
    if not known:
        return len(unknown)
    if item is None:
        logger.error("%d webhooks parked: no connected item %r", len(known), item_external_id)
        close(known, Status.PARKED, error="No connected item of this id: link it, or leave the event parked")
        return len(events)
    with logs.bound(item_id=item.item_id, user_id=item.owner_id):
        return len(unknown) + _handle_known(item, known)


def _handle_known(item: Item, events: Events) -> int:
    fresh, again = _without_copies(events)
    close(again, Status.IGNORED, error="A copy of a delivery that was handled before", item=item)
    try:
        outcome = apply(item=item, events=fresh) if fresh else ""
    except NotYet as wait:
        put_off(fresh, until=wait.until)
        return len(again)
    except SourceError as error:
        return len(again) + failed(fresh, f"{error.code}: {error}", item=item, retry_after=error.retry_after)
    except Exception as error:
        logger.exception("webhooks of item %s failed", item.item_id)
        return len(again) + failed(fresh, type(error).__name__, item=item)
    close(fresh, Status.DONE, error=outcome, item=item)
    return len(events)


@transaction.atomic
def claim(item_external_id: str, *, now: datetime) -> list[WebhookEvent]:
    """The item's due events, oldest first, marked as being handled.

    Whoever holds the item's lock is the only one at it, so an event that is marked already was left by a dead worker.
    """
    due = WebhookEvent.objects.due(now).filter(item_external_id=item_external_id).order_by("id")
    events = list(due.select_for_update(skip_locked=True)[:BATCH])
    worn_out = [event for event in events if event.attempts >= MAX_ATTEMPTS]
    close(worn_out, Status.FAILED, error="The worker died each time it handled this")
    claimed = [event for event in events if event.attempts < MAX_ATTEMPTS]
    for event in claimed:
        event.attempts, event.started_at = event.attempts + 1, now
    _rows(claimed).update(status=Status.PROCESSING, attempts=F("attempts") + 1, started_at=now)
    return claimed


def close(events: Events, status: str, *, error: str = "", item: Item | None = None) -> None:
    """The events' end, for now: only a replay handles them again."""
    if not events:
        return
    now = timezone.now()
    started = min((event.started_at for event in events if event.started_at), default=now)
    _rows(events).update(
        status=status,
        finished_at=now,
        duration_ms=round((now - started).total_seconds() * 1000),
        error=error[:500],
        item=item,
    )


def failed(events: Events, error: str, *, item: Item, retry_after: float | None = None) -> int:
    """Another try later for those that have one left; the rest are dead letters. Returns how many those are."""
    dead = [event for event in events if event.attempts >= MAX_ATTEMPTS]
    if dead:
        logger.error("%d webhooks of item %s failed for good: %s", len(dead), item.item_id, error)
    close(dead, Status.FAILED, error=error, item=item)
    now = timezone.now()
    for event in events:
        if event.attempts < MAX_ATTEMPTS:
            wait = max(FIRST_WAIT * 4 ** (event.attempts - 1), timedelta(seconds=retry_after or 0))
            next_try_at = now + wait * random.uniform(1.0, 1.5)
            _rows([event]).update(status=Status.RECEIVED, next_try_at=next_try_at, error=error[:500], item=item)
    return len(dead)


def put_off(events: Events, *, until: datetime) -> None:
    """Let the events wait, together with what comes meanwhile. Not an attempt."""
    _rows(events).update(status=Status.RECEIVED, next_try_at=until, attempts=F("attempts") - 1, started_at=None)


def _rows(events: Events) -> "QuerySet[WebhookEvent]":
    return WebhookEvent.objects.filter(pk__in=[event.pk for event in events])


def _split(events: Events) -> tuple[list[WebhookEvent], list[WebhookEvent]]:
    """Those whose code is known, and the others."""
    parts: tuple[list[WebhookEvent], list[WebhookEvent]] = [], []
    for event in events:
        effect = effect_of(event.webhook_type, event.webhook_code, event.payload)
        parts[effect is None].append(event)
    return parts


def _without_copies(events: Events) -> tuple[list[WebhookEvent], list[WebhookEvent]]:
    """The events that are news, and the copies of deliveries that were handled before: replayed within five minutes.

    Plaid signs each delivery with its second, and handling starts in a later one, so a copy tells nothing that the
    first sync has not seen.
    """
    done = WebhookEvent.objects.filter(
        item_external_id=events[0].item_external_id,
        status=Status.DONE,
        headers_digest__in={event.headers_digest for event in events} - {""},
        received_at__gte=events[0].received_at - REPLAYABLE_FOR,
    )
    handled = set(done.values_list("headers_digest", flat=True))
    parts: tuple[list[WebhookEvent], list[WebhookEvent]] = [], []
    for event in events:
        parts[event.headers_digest in handled].append(event)
    return parts

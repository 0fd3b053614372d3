"""Replaying: the same payload handled once more, as a new event that points at the old one."""

from collections.abc import Iterable

from django.db import transaction
from django.utils import timezone

from plaid_link.models import WebhookEvent
from plaid_link.webhooks.wakeup import wake_up

Status = WebhookEvent.Status
CLOSED = (Status.DONE, Status.FAILED, Status.PARKED, Status.IGNORED)


def replay(events: Iterable[WebhookEvent]) -> int:
    """Queue the payloads again of those events that are closed; returns how many. What waits already is left alone."""
    copies = [_copy(event) for event in events if event.status in CLOSED]
    WebhookEvent.objects.bulk_create(copies)
    if copies:
        transaction.on_commit(wake_up.call)
    return len(copies)


def _copy(event: WebhookEvent) -> WebhookEvent:
    """Without the headers' digest, by which a copy that somebody else sent would be ignored."""
    now = timezone.now()
    return WebhookEvent(
        payload=event.payload,
        body_size=event.body_size,
        body_sha256=event.body_sha256,
        item_external_id=event.item_external_id,
        webhook_type=event.webhook_type,
        webhook_code=event.webhook_code,
        environment=event.environment,
        received_at=now,
        next_try_at=now,
        replay_of=event,
    )

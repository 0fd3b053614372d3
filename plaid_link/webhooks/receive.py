"""From a request to a stored event: nothing here waits for Redis or a worker, nor for Plaid once its key is known."""

import hashlib
import logging
from typing import Any

from django.db import transaction
from django.http import HttpRequest

from plaid_link.models import WebhookEvent
from plaid_link.webhooks import verify
from plaid_link.webhooks.payload import MAX_BODY_BYTES, envelope, parse
from plaid_link.webhooks.wakeup import wake_up
from portfolio_site.lib import logs

logger = logging.getLogger(__name__)


class TooLarge(Exception):
    """The body is over 256 KB."""


def receive(request: HttpRequest) -> None:
    """Verify and store one webhook. Raises TooLarge, NotVerified, BadBody, and DatabaseError when it cannot be kept."""
    body = read_body(request)
    digest = ""
    if verify.is_required():
        verify.check_api_key(request.headers.get("X-API-Key", ""))
        digest = verify.verify(request.headers.get("Plaid-Verification", ""), body)
    store(body, headers_digest=digest)


def read_body(request: HttpRequest) -> bytes:
    """The raw bytes, of which one too many is read at most. Raises TooLarge."""
    stated = request.META.get("CONTENT_LENGTH") or "0"
    if not stated.isdigit() or int(stated) > MAX_BODY_BYTES:
        raise TooLarge
    body: bytes = request.read(MAX_BODY_BYTES + 1)
    if len(body) > MAX_BODY_BYTES:
        raise TooLarge
    return body


def store(body: bytes, *, headers_digest: str) -> None:
    """Keep the event and wake the workers once it is committed. Raises BadBody."""
    payload: dict[str, Any] = parse(body)
    head = envelope(payload)
    event = WebhookEvent(
        payload=payload,
        body_size=len(body),
        body_sha256=hashlib.sha256(body).hexdigest(),
        headers_digest=headers_digest,
        item_external_id=head.item_external_id,
        webhook_type=head.webhook_type,
        webhook_code=head.webhook_code,
        environment=head.environment,
    )
    # `ignore_conflicts` for what it leaves out: RETURNING, which the web role may not, as it sees no event.
    with transaction.atomic():
        WebhookEvent.objects.bulk_create([event], ignore_conflicts=True)
        transaction.on_commit(wake_up.call)
    with logs.bound(item_id=head.item_external_id):
        logger.info("Webhook %s %s", head.webhook_type, head.webhook_code)

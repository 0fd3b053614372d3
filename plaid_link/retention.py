"""What is kept of Plaid for how long. Sync runs are kept: they remember which days were ever read."""

from django.conf import settings

from plaid_link.models import WebhookEvent
from portfolio_site.lib.retention import Rule, deleting

HANDLED = (WebhookEvent.Status.DONE, WebhookEvent.Status.IGNORED)

RULES = (
    Rule(
        "webhook events",
        "deleted when handled or ignored; what waits, failed or is parked stays for an operator",
        settings.KEEP_WEBHOOK_DAYS,
        deleting(lambda before: WebhookEvent.objects.filter(status__in=HANDLED, received_at__lt=before)),
    ),
)

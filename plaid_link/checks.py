"""System checks: settings that would let anyone speak for Plaid."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register


@register(Tags.security)
def webhooks_are_verified(**_kwargs: Any) -> list[CheckMessage]:
    """PLAID_WEBHOOK_VERIFY=False is for a developer's machine."""
    if settings.PLAID_WEBHOOK_VERIFY:
        return []
    if settings.DEBUG:
        hint = "Anyone who reaches this server can send it webhooks."
        return [Warning("PLAID_WEBHOOK_VERIFY is off: webhooks are not verified.", hint=hint, id="plaid_link.W001")]
    hint = "Webhooks are verified all the same. Unset it, or set DEBUG on a developer's machine."
    return [Error("PLAID_WEBHOOK_VERIFY may be off with DEBUG only.", hint=hint, id="plaid_link.E001")]

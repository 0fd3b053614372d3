"""Where `link.js` finds the Link script and our API."""

from dataclasses import dataclass

from django.conf import settings
from django.urls import reverse


@dataclass(frozen=True, slots=True)
class LinkAddresses:
    script_url: str
    token_url: str
    exchange_url: str
    done_url: str


def link_addresses() -> LinkAddresses:
    return LinkAddresses(
        script_url=settings.PLAID_LINK_SCRIPT_URL,
        token_url=reverse("api-plaid-link-token"),
        exchange_url=reverse("api-plaid-exchange"),
        done_url=reverse("onboarding_progress"),
    )

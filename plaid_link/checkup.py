"""An item's true state: asked of Plaid, because webhooks arrive late, twice and in any order."""

import logging
from dataclasses import dataclass
from datetime import datetime

from plaid_link import health
from plaid_link.models import Item
from plaid_link.sources.base import SourceError
from plaid_link.sources.plaid import client
from plaid_link.sources.plaid.reading import moment
from plaid_link.tokens import open_token
from portfolio_site.lib import rls
from portfolio_site.lib.crypto import SealBroken

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Condition:
    """How Plaid says the item stands now: `error_code` '' where it works; None for a consent without an end."""

    error_code: str
    consent_expires_at: datetime | None


def examine(item: Item) -> Condition:
    """Ask Plaid how the item stands and write what is wrong onto it; an item that works is left to a good sync.

    Network first, then one transaction. Raises SourceError where Plaid gave no answer about the item.
    """
    condition = _ask(item)
    with rls.tenant(item.owner_id):
        Item.objects.filter(pk=item.pk).update(consent_expires_at=condition.consent_expires_at)
        if condition.error_code:
            health.report(item=item, code=condition.error_code)
    return condition


def announce(item: Item, code: str, *, until: str, condition: Condition) -> None:
    """Tell the user what the institution has announced, unless Plaid's own state says that it is settled by now."""
    expiry, named = condition.consent_expires_at, _moment(until)
    if code == "PENDING_EXPIRATION" and expiry and named and expiry > named:
        return
    with rls.tenant(item.owner_id):
        health.report(item=item, code=code)


def revoke(item: Item, code: str) -> None:
    """The user withdrew access: final, so Plaid is not asked whether it is so. The token goes, what is known stays."""
    try:
        # Else Plaid goes on to keep the item, and to bill it.
        client().remove(open_token(item))
    except (SourceError, SealBroken) as error:
        logger.info("Plaid was not told to forget item_id=%s: %s", item.item_id, error)
    with rls.tenant(item.owner_id):
        health.report(item=item, code=code)


def _ask(item: Item) -> Condition:
    try:
        answer = client().item(open_token(item))
    except SealBroken:
        raise SourceError("INVALID_API_KEYS") from None
    except SourceError as error:
        if not error.permanent:
            raise
        return Condition(error.code, item.consent_expires_at)
    wrong = answer.get("error") or {}
    return Condition(str(wrong.get("error_code") or ""), _moment(answer.get("consent_expiration_time")))


def _moment(given: object) -> datetime | None:
    """A time with its zone; None where Plaid gives none."""
    named = moment(str(given or ""))
    return named if named and named.tzinfo else None

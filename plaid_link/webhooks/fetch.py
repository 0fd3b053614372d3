"""The question to Plaid for one of its webhook keys."""

from plaid_link.sources.base import SourceError
from plaid_link.sources.plaid import client
from plaid_link.webhooks.keys import Jwk, PlaidUnreachable

NO_SUCH_KEY = "INVALID_WEBHOOK_VERIFICATION_KEY_ID"


def fetch_key(key_id: str) -> Jwk | None:
    """Plaid's key of this id, None where it has none. Raises PlaidUnreachable."""
    try:
        return client().webhook_key(key_id)
    except SourceError as error:
        if error.code == NO_SUCH_KEY:
            return None
        raise PlaidUnreachable(error.code) from error

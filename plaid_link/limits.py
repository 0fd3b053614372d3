"""How often Plaid is asked about one item: below Plaid's own limits, so that it never has to refuse.

Plaid allows a minute, per item and in production: 15 holdings, 30 pages of transactions, 1 refresh.
"""

import time

from django.conf import settings

from plaid_link.sources.base import SourceError
from portfolio_site.lib.ratelimit import Limit, take

HOLDINGS = Limit("plaid-holdings", burst=10, per_minute=4)
TRANSACTIONS = Limit("plaid-transactions", burst=14, per_minute=15)
REFRESH = Limit("plaid-refresh", burst=1, per_minute=1)
# As long as the slowest bucket takes to gain a token; the lease of a run is longer.
PATIENCE_SECONDS = 20.0
LIMITED_CODE = "RATE_LIMIT"


def await_turn(limit: Limit, *, item_id: str) -> None:
    """Wait until Plaid may be asked once more. Raises SourceError where that takes longer than anybody waits."""
    waited = 0.0
    while wait := _seconds(limit, item_id):
        if waited + wait > PATIENCE_SECONDS:
            raise SourceError(LIMITED_CODE, http_status=429, retry_after=wait)
        time.sleep(wait)
        waited += wait


def may_refresh(item_id: str) -> bool:
    """Whether a user's refresh goes ahead now; if so it is counted."""
    return not _seconds(REFRESH, item_id)


def _seconds(limit: Limit, item_id: str) -> float:
    return take(limit, item_id) if settings.PLAID_RATE_LIMITED else 0.0

"""How often Plaid is asked about one item: below Plaid's own limits, so that it never has to refuse.

Plaid allows a minute, per item and in production: 15 holdings, 30 pages of transactions, 1 refresh.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

from plaid_link.sources.base import SourceError
from portfolio_site.lib import ratelimit
from portfolio_site.lib.ratelimit import Limit

HOLDINGS = Limit("plaid-holdings", burst=10, per_minute=4)
TRANSACTIONS = Limit("plaid-transactions", burst=14, per_minute=15)
REFRESH = Limit("plaid-refresh", burst=1, per_minute=1)
# As long as the slowest bucket takes to gain a token; the lease of a run is longer.
PATIENCE_SECONDS = 20.0
LIMITED_CODE, TOO_MANY = "RATE_LIMIT", 429
# Plaid counts by the minute.
REFUSED_SECONDS = 60.0


@contextmanager
def turn(limit: Limit, *, item_id: str) -> Iterator[None]:
    """Ask Plaid within this, once: it may be asked now. Where it says that it may not, nobody asks until it may.

    Raises SourceError where the turn takes longer to come than anybody waits.
    """
    _await_turn(limit, item_id)
    try:
        yield
    except SourceError as error:
        if error.http_status == TOO_MANY and settings.PLAID_RATE_LIMITED:
            ratelimit.empty(limit, item_id, REFUSED_SECONDS if error.retry_after is None else error.retry_after)
        raise


def _await_turn(limit: Limit, item_id: str) -> None:
    waited = 0.0
    while wait := _seconds(limit, item_id):
        if waited + wait > PATIENCE_SECONDS:
            raise SourceError(LIMITED_CODE, http_status=TOO_MANY, retry_after=wait)
        time.sleep(wait)
        waited += wait


def may_refresh(item_id: str) -> bool:
    """Whether a user's refresh goes ahead now; if so it is counted."""
    return not _seconds(REFRESH, item_id)


def _seconds(limit: Limit, item_id: str) -> float:
    return ratelimit.take(limit, item_id) if settings.PLAID_RATE_LIMITED else 0.0

"""Plaid's limits per item in production: how many calls of a path about one item it answers in a minute."""

from collections import defaultdict, deque
from datetime import datetime, timedelta
from typing import Final

from .errors import PlaidError

MINUTE: Final = timedelta(minutes=1)
# Calls a minute, and the error of the next.
LIMITS: Final = {
    "/investments/holdings/get": (15, "INVESTMENT_HOLDINGS_GET_LIMIT"),
    "/investments/transactions/get": (30, "INVESTMENT_TRANSACTIONS_LIMIT"),
    "/investments/refresh": (1, "RATE_LIMIT"),
}


class Rates:
    """The calls of the last minute by path and item."""

    def __init__(self) -> None:
        self.calls: defaultdict[tuple[str, str], deque[datetime]] = defaultdict(deque)

    def count(self, path: str, item_id: str | None, now: datetime) -> None:
        """Count a call. Raises PlaidError (429, with the seconds to wait) for one too many; it is not counted."""
        if path not in LIMITS or item_id is None:
            return
        most, code = LIMITS[path]
        calls = self.calls[path, item_id]
        while calls and calls[0] <= now - MINUTE:
            calls.popleft()
        if len(calls) >= most:
            wait = (calls[0] + MINUTE - now).total_seconds()
            raise PlaidError(code, headers={"Retry-After": str(int(wait) + 1)})
        calls.append(now)

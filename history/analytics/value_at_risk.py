"""VaR as it is shown: kept for an hour while the market is open, so that it does not flicker with every tick."""

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from django.core.cache import cache
from django.utils import timezone
from redis.exceptions import RedisError

from history.core.book import Floats
from history.core.performance import Figure, value_at_risk
from history.core.versions import named
from portfolio_site.lib.sessions import market_state

logger = logging.getLogger(__name__)

KEPT_SECONDS: Final = 3600


@dataclass(frozen=True, slots=True)
class ValueAtRiskNow:
    """The figures, of so many sessions; `computed_at` where they are kept, None where they are of this moment."""

    figures: dict[str, Figure]
    sessions: int
    computed_at: datetime | None


def value_at_risk_now(
    *, sessions: Floats, account_ids: Sequence[int], currency: str, last: date, now: datetime | None = None
) -> ValueAtRiskNow:
    """VaR of the last sessions; while the market is open, that of at most an hour ago for the same accounts."""
    now = now or timezone.now()
    if market_state(now) != "regular":
        return _computed(sessions, None)
    key = _key(account_ids, currency, last)
    kept = _kept(key)
    if kept is not None:
        return kept
    found = _computed(sessions, now)
    try:
        cache.set(key, found, KEPT_SECONDS)
    except RedisError:
        logger.warning("VaR is not kept: the cache cannot be reached")
    return found


def _computed(sessions: Floats, now: datetime | None) -> ValueAtRiskNow:
    return ValueAtRiskNow(value_at_risk(sessions), int(sessions.size), now)


def _key(account_ids: Sequence[int], currency: str, last: date) -> str:
    """The accounts are one owner's, so no two owners share a key; another version of the method is another figure."""
    told = f"{sorted(account_ids)} {currency} {last} {named('value_at_risk')}"
    return f"value-at-risk:{hashlib.sha256(told.encode()).hexdigest()[:32]}"


def _kept(key: str) -> ValueAtRiskNow | None:
    try:
        return cache.get(key)  # type: ignore[no-any-return]
    except RedisError:
        return None

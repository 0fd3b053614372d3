"""What market data costs: calls by provider and day, the budget of the day, and how often the store knew already.

The budget stops what can wait (backfills). What cannot, the nightly run, goes on within `essential()`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from django.conf import settings
from django.db import connection
from django.db.models import Sum
from django.utils import timezone

from history.models import ProviderUsage, StoreUsage

_essential: ContextVar[bool] = ContextVar("essential", default=False)

CHARGE: Final = """
INSERT INTO history_providerusage AS u (provider, day, calls, failed, cost) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (provider, day) DO UPDATE
SET calls = u.calls + excluded.calls, failed = u.failed + excluded.failed, cost = u.cost + excluded.cost
"""
COUNT: Final = """
INSERT INTO history_storeusage AS u (day, wanted, fetched) VALUES (%s, %s, %s)
ON CONFLICT (day) DO UPDATE SET wanted = u.wanted + excluded.wanted, fetched = u.fetched + excluded.fetched
"""
REJECT: Final = """
INSERT INTO history_providerusage AS u (provider, day, rejected, calls, failed, cost) VALUES (%s, %s, %s, 0, 0, 0)
ON CONFLICT (provider, day) DO UPDATE SET rejected = u.rejected + excluded.rejected
"""


@dataclass(frozen=True, slots=True)
class Spending:
    """One day: US dollars spent and allowed (None: no limit), and the share of prices that the store knew already."""

    day: date
    spent: Decimal
    budget: Decimal | None
    wanted: int
    fetched: int

    @property
    def hit_rate(self) -> float | None:
        """0 to 1; None on a day nobody asked."""
        return 1 - self.fetched / self.wanted if self.wanted else None


@contextmanager
def essential() -> Iterator[None]:
    """What is asked within may go beyond the budget."""
    token = _essential.set(True)
    try:
        yield
    finally:
        _essential.reset(token)


class DailyMeter:
    """The meter of providers on the network; its figures are rows, so that all processes share them."""

    def allows(self, provider: str) -> bool:
        """Whether the day's budget has something left; free providers are always allowed."""
        if _essential.get() or not settings.PROVIDER_DAILY_BUDGET or not _price(provider):
            return True
        return _spent(timezone.now().date()) < settings.PROVIDER_DAILY_BUDGET

    def charge(self, provider: str, *, calls: int, failed: int) -> None:
        """Count calls, failed ones too: most providers do."""
        today = timezone.now().date()
        with connection.cursor() as cursor:
            cursor.execute(CHARGE, [provider, today, calls, failed, _price(provider) * calls])


def count_prices(*, wanted: int, fetched: int) -> None:
    """Symbol-days that the store was asked for, and those of them that had to be fetched."""
    with connection.cursor() as cursor:
        cursor.execute(COUNT, [timezone.now().date(), wanted, fetched])


def count_rejected(provider: str, figures: int) -> None:
    """Prices, rates and quotes of a provider that could not be true and were not kept."""
    if figures:
        with connection.cursor() as cursor:
            cursor.execute(REJECT, [provider, timezone.now().date(), figures])


def spending(day: date | None = None) -> Spending:
    """The figures of a day (UTC), today by default."""
    day = day or timezone.now().date()
    store = StoreUsage.objects.filter(day=day).first() or StoreUsage(day=day)
    return Spending(day, _spent(day), settings.PROVIDER_DAILY_BUDGET, store.wanted, store.fetched)


def _spent(day: date) -> Decimal:
    return ProviderUsage.objects.filter(day=day).aggregate(spent=Sum("cost", default=Decimal(0)))["spent"]


def _price(provider: str) -> Decimal:
    reached = settings.MARKET_DATA_ACCESS.get(provider, {})
    return Decimal(reached.get("price_per_call", 0))

"""Benchmarks: their prices are kept whether anybody holds them or not, and their index runs over a portfolio's days."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Final

import numpy as np
from django.conf import settings
from django.contrib.auth import get_user_model

from history.closes import close_matrix
from history.core.benchmark import total_return_index
from history.corporate_actions import BENCHMARKS
from history.fx import rate_matrix
from history.models import MarketSymbol, SymbolAction
from history.prices import Ensured, ensure_prices
from history.providers import DataProviderChain
from history.valuation import market_today

BEFORE: Final = timedelta(days=10)  # so that a first day without a session has a close to begin with


class UnknownBenchmark(Exception):
    """No price of the symbol is known."""


def update_benchmarks(*, chain: DataProviderChain | None = None, now: datetime | None = None) -> Ensured:
    """Fetch what is missing of the usual benchmarks and of those users have chosen. Call outside of transactions."""
    today = market_today(now)
    symbols = _symbols({*BENCHMARKS, *get_user_model().objects.values_list("benchmark", flat=True).distinct()})
    start = today - timedelta(days=settings.HISTORY_DAYS) - BEFORE
    return ensure_prices(symbol_ids=symbols, start=start, end=today, chain=chain)


def _symbols(names: Iterable[str]) -> list[int]:
    wanted = sorted(name for name in names if name)
    rows = [MarketSymbol(symbol=name, kind=MarketSymbol.Kind.ETF) for name in wanted]
    MarketSymbol.objects.bulk_create(rows, ignore_conflicts=True)
    return list(MarketSymbol.objects.filter(symbol__in=wanted, exchange="").values_list("pk", flat=True))


def benchmark_index(*, symbol: str, start: date, end: date, base_currency: str) -> list[float | None]:
    """Total return per calendar day in the base currency, 1 on the first; None before the first known price.

    Four queries. Raises UnknownBenchmark.
    """
    found = MarketSymbol.objects.filter(symbol=symbol.upper(), exchange="").first()
    if found is None:
        raise UnknownBenchmark(symbol)
    first = start - BEFORE
    closes = close_matrix(symbol_ids=[found.pk], start=first, end=end).close[:, 0]
    if np.isnan(closes).all():
        raise UnknownBenchmark(symbol)
    if found.currency != base_currency:
        rates = rate_matrix([found.currency], base_currency, first, end)[:, 0]
    else:
        rates = np.ones(closes.size)
    splits, dividends = _events(found, first, end)
    index = total_return_index(closes, splits=splits, dividends=dividends) * rates
    shown = index[BEFORE.days :]
    opening = next((value for value in shown if not np.isnan(value) and value), None)
    if opening is None:
        raise UnknownBenchmark(symbol)
    return [None if np.isnan(value) else round(float(value / opening), 8) for value in shown]


def _events(symbol: MarketSymbol, first: date, end: date) -> tuple[dict[int, float], dict[int, float]]:
    splits: dict[int, float] = {}
    dividends: dict[int, float] = {}
    for action in SymbolAction.objects.filter(symbol=symbol, ex_date__range=(first, end), voided=False):
        day = (action.ex_date - first).days
        if action.ratio:  # what a vendor tells as a split of an odd ratio is in the price too
            splits[day] = splits.get(day, 1.0) * float(action.ratio)
        elif action.cash_per_unit:
            dividends[day] = dividends.get(day, 0.0) + float(action.cash_per_unit)
    return splits, dividends

"""Benchmarks: their prices are kept whether anybody holds them or not, and their index runs over a portfolio's days."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Final

import numpy as np
from django.conf import settings
from django.contrib.auth import get_user_model

from history.core.benchmark import total_return_index
from history.core.book import Floats
from history.market.closes import close_matrix
from history.market.corporate_actions import BENCHMARKS
from history.market.fx import rate_matrix
from history.market.prices import Ensured, ensure_prices
from history.models import BenchmarkSector, MarketSymbol, SymbolAction
from history.providers import DataProviderChain
from history.valuation import market_today

BEFORE: Final = timedelta(days=10)  # so that a first day without a session has a close to begin with


class UnknownBenchmark(Exception):
    """No price of the symbol is known."""


def update_benchmarks(*, chain: DataProviderChain | None = None, now: datetime | None = None) -> Ensured:
    """Fetch what is missing of the usual benchmarks, of those users have chosen, and of the funds that stand for
    sectors. Call outside of transactions.
    """
    today = market_today(now)
    chosen = get_user_model().objects.values_list("benchmark", flat=True).distinct()
    proxies = BenchmarkSector.objects.order_by().values_list("proxy", flat=True).distinct()
    symbols = _symbols({*BENCHMARKS, *chosen, *(proxy.upper() for proxy in proxies)})
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
    found = benchmark_indexes(symbols=[symbol.upper()], start=start, end=end, base_currency=base_currency)
    return found[symbol.upper()]


def benchmark_indexes(
    *, symbols: Sequence[str], start: date, end: date, base_currency: str
) -> dict[str, list[float | None]]:
    """The index of each symbol, as `benchmark_index`; four queries, one more with foreign currencies.

    Raises UnknownBenchmark, which names the symbol.
    """
    found = {one.symbol: one for one in MarketSymbol.objects.filter(symbol__in=symbols, exchange="")}
    missing = [symbol for symbol in symbols if symbol not in found]
    if missing:
        raise UnknownBenchmark(missing[0])
    first = start - BEFORE
    ids = [found[symbol].pk for symbol in symbols]
    closes = close_matrix(symbol_ids=ids, start=first, end=end).close
    rates = np.ones_like(closes)
    if any(found[symbol].currency != base_currency for symbol in symbols):
        rates = rate_matrix([found[symbol].currency for symbol in symbols], base_currency, first, end)
    events = _events(ids, first, end)
    return {
        symbol: _index(symbol, closes[:, at], rates[:, at], *events[found[symbol].pk])
        for at, symbol in enumerate(symbols)
    }


def _index(
    symbol: str, closes: Floats, rates: Floats, splits: dict[int, float], dividends: dict[int, float]
) -> list[float | None]:
    if np.isnan(closes).all():
        raise UnknownBenchmark(symbol)
    shown = (total_return_index(closes, splits=splits, dividends=dividends) * rates)[BEFORE.days :]
    opening = next((value for value in shown if not np.isnan(value) and value), None)
    if opening is None:
        raise UnknownBenchmark(symbol)
    return [None if np.isnan(value) else round(float(value / opening), 8) for value in shown]


def _events(ids: Sequence[int], first: date, end: date) -> dict[int, tuple[dict[int, float], dict[int, float]]]:
    """Splits and dividends by symbol, each by day."""
    found: dict[int, tuple[dict[int, float], dict[int, float]]] = {pk: ({}, {}) for pk in ids}
    for action in SymbolAction.objects.filter(symbol__in=ids, ex_date__range=(first, end), voided=False):
        day, (splits, dividends) = (action.ex_date - first).days, found[action.symbol_id]
        if action.ratio:  # what a vendor tells as a split of an odd ratio is in the price too
            splits[day] = splits.get(day, 1.0) * float(action.ratio)
        elif action.cash_per_unit:
            dividends[day] = dividends.get(day, 0.0) + float(action.cash_per_unit)
    return found

"""Daily prices of any symbol, as traded."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

import numpy as np

from portfolio_site.lib import sessions

from .currencies import fx_rates
from .events import all_splits, units_of_one
from .factors import Floats, path
from .listing import EPOCH, HORIZON, Listing, seed_of
from .options import MARKET_PART, OptionTerms, option_terms, premiums
from .universe import listing

STALE_AFTER: Final = timedelta(days=10)  # longer than any closure of the exchange since 1933
SMALLEST: Final = 1e-4


@dataclass(frozen=True, slots=True)
class Bar:
    """One day's trading, as traded: prices in the listing's currency, `volume` in units of that day."""

    day: date
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: int


def closes(symbol: str, start: date, end: date) -> list[tuple[date, Decimal]]:
    """Raw closes from `start` to `end`, ascending: sessions only, every day for crypto, none while not listed.

    Two decimals from one dollar up, four below (six for crypto); never zero. Options: per unit, up to expiry.
    """
    terms = option_terms(symbol)
    if terms is not None:
        return _option_closes(terms, start, end)
    item = listing(symbol)
    if item.kind == "currency":
        return fx_rates(item.name, "USD", start, end)
    days = _trading_days(item, start, end)
    return [(day, _rounded(item, price)) for day, price in zip(days, _raw(item, days), strict=True)]


def close_on(symbol: str, day: date) -> tuple[date, Decimal] | None:
    """The close of `day`, or of the last trading day before it, with its date; None before the listing."""
    item = listing(symbol)
    end = min(day, item.delisted_on or HORIZON)
    terms = option_terms(symbol)
    if terms is not None:
        end = min(day, terms.expires_on)
    found = closes(symbol, end - STALE_AFTER, end)
    return found[-1] if found else None


def bars(symbol: str, start: date, end: date) -> list[Bar]:
    """Open, high, low, close and volume for the days of `closes`."""
    scale = listing(symbol).volatility / np.sqrt(252) + 0.002
    return [_bar(symbol, day, close, scale) for day, close in closes(symbol, start, end)]


def _bar(symbol: str, day: date, close: Decimal, scale: float) -> Bar:
    seed = seed_of(f"{symbol} {day}", "bar")
    parts = [((seed >> shift) % 1024) / 1024 for shift in (0, 10, 20, 30)]
    places = Decimal(1).scaleb(int(close.as_tuple().exponent))
    first = max((close * Decimal(1 + (parts[0] - 0.5) * scale)).quantize(places), places)
    high = (max(close, first) * Decimal(1 + parts[1] * scale)).quantize(places)
    low = max((min(close, first) * Decimal(1 - parts[2] * scale)).quantize(places), places)
    return Bar(day, first, high, low, close, volume=int(10_000 + parts[3] * 4_000_000))


def _trading_days(item: Listing, start: date, end: date) -> list[date]:
    first = max(start, item.listed_on, EPOCH)
    last = min(end, item.delisted_on or HORIZON, HORIZON)
    if first > last:
        return []
    if item.trades_daily:
        return [first + timedelta(days=offset) for offset in range((last - first).days + 1)]
    return sessions.sessions(first, last)


def _raw(item: Listing, days: list[date]) -> Floats:
    """Prices as traded on `days`, unrounded: what one initial unit is worth, divided by the units it became."""
    numbers = np.array([(day - EPOCH).days for day in days], dtype=np.int64)
    raw: Floats = item.price * np.exp(path(item)[numbers]) / np.array(list(_units(item, days)))
    return raw


def _units(item: Listing, days: list[date]) -> Iterator[float]:
    if not days or not all_splits(item):
        yield from (1.0 for _ in days)
        return
    units, pending = units_of_one(item, days[0]), [split for split in all_splits(item) if split.ex_date > days[0]]
    for day in days:
        while pending and pending[0].ex_date <= day:
            units *= float(pending.pop(0).ratio)
        yield units


def _rounded(item: Listing, price: float) -> Decimal:
    places = 2 if price >= 1 else 6 if item.kind == "crypto" else 4
    return Decimal(f"{max(price, SMALLEST):.{places}f}")


def _option_closes(terms: OptionTerms, start: date, end: date) -> list[tuple[date, Decimal]]:
    volatility = listing(terms.underlying).volatility + MARKET_PART
    return premiums(terms, closes(terms.underlying, start, min(end, terms.expires_on)), volatility=volatility)

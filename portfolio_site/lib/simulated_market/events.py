"""Corporate actions of the simulated market: splits on a fixed schedule, dividends by calendar."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Final

from portfolio_site.lib import sessions

from .factors import path
from .listing import ANCHOR, EPOCH, HORIZON, Listing, seed_of
from .universe import listing

DAYS_TO_PAYMENT: Final = 21


@dataclass(frozen=True, slots=True)
class Split:
    """`ratio` units after the open of `ex_date` for one before: 2:1 is 2, a 1:8 reverse split 0.125."""

    ex_date: date
    ratio: Decimal


@dataclass(frozen=True, slots=True)
class Dividend:
    """`amount` per unit as traded on the ex-date, to holders at the close before `ex_date`, paid on `pay_date`."""

    ex_date: date
    pay_date: date
    amount: Decimal


def splits(symbol: str, start: date, end: date) -> list[Split]:
    """Splits with ex-dates from `start` to `end`, ascending."""
    return [split for split in all_splits(listing(symbol)) if start <= split.ex_date <= end]


@lru_cache(maxsize=256)
def all_splits(item: Listing) -> tuple[Split, ...]:
    """Every split of a listing from EPOCH to HORIZON, ascending."""
    return tuple(_scheduled_splits(item))


def _scheduled_splits(item: Listing) -> Iterator[Split]:
    if item.split is None:
        return
    months = item.split.first.year * 12 + item.split.first.month - 1
    while months < HORIZON.year * 12:
        nominal = date(months // 12, months % 12 + 1, item.split.first.day)
        if item.listed_on < nominal:
            yield Split(sessions.next_session(nominal, inclusive=True), Decimal(str(item.split.ratio)))
        months += item.split.every_months


def units_of_one(item: Listing, day: date) -> float:
    """The units that one unit held on ANCHOR is on `day`, by splits alone."""
    units = 1.0
    for split in all_splits(item):
        if ANCHOR < split.ex_date <= day:
            units *= float(split.ratio)
        elif day < split.ex_date <= ANCHOR:
            units /= float(split.ratio)
    return units


def dividends(symbol: str, start: date, end: date) -> list[Dividend]:
    """Dividends with ex-dates from `start` to `end`, ascending. Money-market funds pay on the month's last session."""
    item = listing(symbol)
    if not item.dividend_yield:
        return []
    years = range(max(start, EPOCH).year, min(end, HORIZON).year + 1)
    dates = (_ex_date(item, year, month) for year in years for month in item.dividend_months)
    return [_dividend(item, day) for day in dates if start <= day <= end and _was_listed(item, day)]


def _was_listed(item: Listing, day: date) -> bool:
    return item.listed_on < day <= (item.delisted_on or HORIZON)


def _ex_date(item: Listing, year: int, month: int) -> date:
    if item.kind == "money market":
        following = date(year + month // 12, month % 12 + 1, 1)
        return sessions.previous_session(following)
    return sessions.next_session(date(year, month, 4 + seed_of(item.symbol, "dividend") % 16), inclusive=True)


def _dividend(item: Listing, ex_date: date) -> Dividend:
    before = sessions.previous_session(ex_date)
    price = raw_price(item, before) / units_ratio(item, before, ex_date)
    amount = Decimal(repr(price * item.dividend_yield / len(item.dividend_months)))
    cents = item.kind == "equity"
    rounded = max(amount.quantize(Decimal("0.01" if cents else "0.000001")), Decimal("0.01") if cents else Decimal(0))
    paid = ex_date if item.kind == "money market" else ex_date + timedelta(days=DAYS_TO_PAYMENT)
    return Dividend(ex_date, sessions.next_session(paid, inclusive=True), rounded)


def units_ratio(item: Listing, before: date, after: date) -> float:
    """The units on `after` of one unit held on `before`."""
    return units_of_one(item, after) / units_of_one(item, before)


def raw_price(item: Listing, day: date) -> float:
    """The price as traded on any calendar day, unrounded."""
    return item.price * math.exp(path(item)[(day - EPOCH).days]) / units_of_one(item, day)

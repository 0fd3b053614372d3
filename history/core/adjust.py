"""Raw closes and adjusted ones, both ways, by the formulas of the vendors.

Prices are stored as traded. A vendor that divides its history by later splits is put right on the way in; a series
adjusted for splits and dividends is made on demand. All prices of one symbol, oldest first.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Context, Decimal
from enum import Enum
from typing import Final

_WIDE: Final = Context(prec=50)
ONE: Final = Decimal(1)


class Formula(Enum):
    """How a dividend D at ex-date scales what was before: WIKI by C_ex / (C_ex + D), Yahoo by 1 - D / C_before."""

    WIKI = "wiki"
    YAHOO = "yahoo"


@dataclass(frozen=True, slots=True)
class Event:
    """A split (`ratio` new shares per old one) or a dividend (`amount` per share as of that day) at its ex-date."""

    ex_date: date
    ratio: Decimal = ONE
    amount: Decimal = Decimal(0)


def split_factors(days: Sequence[date], splits: Sequence[Event]) -> list[Decimal]:
    """For each day the product of the ratios of all splits after it: raw close / factor = split-adjusted close."""
    later = sorted(splits, key=lambda split: split.ex_date, reverse=True)
    factors: list[Decimal] = []
    factor, at = ONE, 0
    for day in sorted(days, reverse=True):
        while at < len(later) and later[at].ex_date > day:
            factor = _WIDE.multiply(factor, later[at].ratio)
            at += 1
        factors.append(factor)
    return factors[::-1]


def unadjusted(days: Sequence[date], closes: Sequence[Decimal], splits: Sequence[Event]) -> list[Decimal]:
    """Closes as traded, from closes that are divided by all splits until the vendor's today. `days` ascend."""
    return [_WIDE.multiply(close, factor) for close, factor in zip(closes, split_factors(days, splits), strict=True)]


def split_adjusted(days: Sequence[date], closes: Sequence[Decimal], splits: Sequence[Event]) -> list[Decimal]:
    """The other way: closes as traded divided by all later splits."""
    return [_WIDE.divide(close, factor) for close, factor in zip(closes, split_factors(days, splits), strict=True)]


def back_adjusted(
    days: Sequence[date], closes: Sequence[Decimal], events: Sequence[Event], formula: Formula
) -> list[Decimal]:
    """Closes as traded, scaled so that returns include splits and dividends; the last day's close is as it is.

    A dividend counts on the first day of the series that is not before its ex-date; one before the series or after it
    changes nothing. `amount` is per share of its ex-date. Raises ValueError where a dividend is as large as the price.
    """
    scaled: list[Decimal] = []
    factor, at = ONE, 0
    later = sorted(_by_day(event for event in events if days and event.ex_date <= days[-1]), key=_ex_date, reverse=True)
    for place in range(len(days) - 1, -1, -1):
        while at < len(later) and later[at].ex_date > days[place]:
            factor = _WIDE.multiply(factor, _scale(later[at], closes[place + 1], closes[place], formula))
            at += 1
        scaled.append(_WIDE.multiply(closes[place], factor))
    return scaled[::-1]


def _scale(event: Event, on_ex_date: Decimal, before: Decimal, formula: Formula) -> Decimal:
    """What all before the event is multiplied by."""
    split = _WIDE.divide(ONE, event.ratio)
    if not event.amount:
        return split
    if formula is Formula.WIKI:
        return _WIDE.multiply(split, _WIDE.divide(on_ex_date, on_ex_date + event.amount))
    # Yahoo's dividend and close before are both on the scale of the ex-date.
    before = _WIDE.multiply(before, split) if event.ratio != ONE else before
    kept = ONE - _WIDE.divide(event.amount, before)
    if kept <= 0:
        raise ValueError(f"A dividend of {event.amount} on {event.ex_date} is more than the price")
    return _WIDE.multiply(split, kept)


def _by_day(events: Iterable[Event]) -> list[Event]:
    """One event for each day: a dividend that goes with a split is per share after it."""
    found: dict[date, Event] = {}
    for event in events:
        known = found.get(event.ex_date, Event(event.ex_date))
        ratio = _WIDE.multiply(known.ratio, event.ratio)
        found[event.ex_date] = Event(event.ex_date, ratio, known.amount + event.amount)
    return list(found.values())


def _ex_date(event: Event) -> date:
    return event.ex_date

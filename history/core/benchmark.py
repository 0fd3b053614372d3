"""A benchmark as an index: what one unit of money would have become with every payment put back in."""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
NO_EVENTS: Final[Mapping[int, float]] = {}


def total_return_index(
    closes: Floats, *, splits: Mapping[int, float] = NO_EVENTS, dividends: Mapping[int, float] = NO_EVENTS
) -> Floats:
    """(D,) index, 1 on the first day that has a price, NaN before it.

    `closes` (D,): raw, NaN on days without one, which repeat the day before. `splits` (new shares per old one) and
    `dividends` (cash per share of that day) by day number. A dividend buys at the close of its ex-date, which is the
    formula C / (C + D) of back-adjusted closes.
    """
    days = closes.size
    priced = np.flatnonzero(~np.isnan(closes))
    index = np.full(days, np.nan)
    if not priced.size:
        return index
    last = np.maximum.accumulate(np.where(np.isnan(closes), -1, np.arange(days)))
    growth = np.ones(days)
    for day, ratio in splits.items():
        if priced[0] < day < days:
            growth[day:] *= ratio
    for day, amount in dividends.items():
        if priced[0] < day < days:
            on = _next_priced(priced, day)
            growth[on:] *= 1 + amount / closes[on]
    known = last >= 0
    # A close carried over an ex-date is on the scale of its own day.
    index[known] = closes[last[known]] * growth[last[known]]
    relative: Floats = index / index[priced[0]]
    return relative


def _next_priced(priced: NDArray[np.int64], day: int) -> int:
    place = min(int(np.searchsorted(priced, day)), priced.size - 1)
    return int(priced[place])

"""Closes of all securities of a run, filled forward once and shared by every account."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from history.core.book import NO_DAY, Bools, Floats, Ints

FRESH_DAYS: Final = 5  # a close carried over a weekend and a holiday still counts as that day's price


@dataclass(frozen=True, slots=True)
class Splits:
    """K splits: new shares per old, at the start of the ex-date. Days may lie outside 0..D-1; any order.

    `dividend`: a stock dividend, which brokerages book as one.
    """

    column: Ints
    day: Ints
    ratio: Floats
    dividend: Bools

    def take(self, chosen: Ints) -> "Splits":
        """Those splits, in that order."""
        return Splits(self.column[chosen], self.day[chosen], self.ratio[chosen], self.dividend[chosen])


@dataclass(frozen=True, slots=True)
class Exchanges:
    """K spin-offs, mergers, new names and delistings at the start of their days, which may lie outside 0..D-1.

    For each unit `ratio` units of `successor` come, and `cash`; of what `ends` nothing is left. `successor` is one of
    `group` (S,), the label of each column: columns of one label are the same paper; -1 none. `kept`: the share of basis
    that a spin-off leaves, NaN unknown.
    """

    column: Ints
    successor: Ints
    day: Ints
    ratio: Floats
    cash: Floats
    ends: Bools
    kept: Floats
    group: Ints


@dataclass(frozen=True, slots=True)
class Market:
    """S columns x D days, time last because every step runs along it.

    `close` is raw, carried forward, times `fx`; NaN before the first of either. `stale`: no real close in FRESH_DAYS.
    `growth[growth_row[column]]` is the number of shares that one share of day 0 has become, (·, D).
    `last_close` is the day of the last real close, NO_DAY none.
    """

    close: Floats
    fx: Floats | None
    stale: Bools
    has_stale: Bools
    last_close: Ints
    starts_priced: Bools
    splits: Splits
    growth: Floats
    growth_row: Ints
    exchanges: Exchanges

    @property
    def days(self) -> int:
        return int(self.close.shape[1])


_NO_DAYS: Final = np.empty(0, np.int64)
_NO_FIGURES: Final = np.empty(0)
NO_EXCHANGES: Final = Exchanges(
    _NO_DAYS, _NO_DAYS, _NO_DAYS, _NO_FIGURES, _NO_FIGURES, np.empty(0, np.bool_), _NO_FIGURES, _NO_DAYS
)
NO_SPLITS: Final = Splits(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0), np.empty(0, np.bool_))


def build_market(
    *,
    closes: Floats,
    splits: Splits = NO_SPLITS,
    fx: Floats | None = None,
    prior_close: Floats | None = None,
    prior_day: Ints | None = None,
    exchanges: Exchanges = NO_EXCHANGES,
) -> Market:
    """A Market from raw `closes` (D, S), NaN where the market set no close that day.

    `fx` (D, S) or (S,): units of the account's currency per unit of the column's, carried forward; NaN: not known.
    `prior_close`, `prior_day` (S,): the last real close before the window and its (negative) day.
    """
    days, columns = closes.shape
    raw = np.ascontiguousarray(closes.T)
    source = np.maximum.accumulate(np.where(np.isnan(raw), -1, np.arange(days)), axis=1)
    opening = np.full(columns, np.nan) if prior_close is None else prior_close
    opening_day = np.full(columns, NO_DAY) if prior_day is None else np.where(np.isnan(opening), NO_DAY, prior_day)
    filled = np.where(source < 0, opening[:, None], np.take_along_axis(raw, np.maximum(source, 0), axis=1))
    splits = _sorted(splits)
    growth, growth_row = _growth(splits, days, columns)
    _split_carried(filled, source, growth, growth_row)
    stale = np.arange(days) - np.where(source < 0, opening_day[:, None], source) > FRESH_DAYS
    rate = None if fx is None else np.ascontiguousarray(np.broadcast_to(fx, (days, columns)).T)
    close = filled if rate is None else filled * rate
    return Market(
        close=close,
        fx=rate,
        stale=stale,
        has_stale=np.any(stale, axis=1),
        last_close=np.where(source[:, -1] < 0, opening_day, source[:, -1]),
        starts_priced=~np.isnan(close[:, 0]),
        splits=splits,
        growth=growth,
        growth_row=growth_row,
        exchanges=exchanges,
    )


def _sorted(splits: Splits) -> Splits:
    return splits.take(np.lexsort((splits.day, splits.column)))


def _growth(splits: Splits, days: int, columns: int) -> tuple[Floats, Ints]:
    """(1 + split columns, D) cumulative ratios, row 0 all ones, and each column's row."""
    inside = (splits.day >= 0) & (splits.day < days)
    split_columns, row = np.unique(splits.column[inside], return_inverse=True)
    growth = np.ones((1 + split_columns.size, days))
    np.multiply.at(growth, (1 + row, splits.day[inside]), splits.ratio[inside])
    growth_row = np.zeros(columns, np.int64)
    growth_row[split_columns] = 1 + np.arange(split_columns.size)
    return np.multiply.accumulate(growth, axis=1), growth_row


def _split_carried(filled: Floats, source: Ints, growth: Floats, growth_row: Ints) -> None:
    """A close carried over an ex-date without a new one is worth its share of the split shares."""
    split_columns = np.flatnonzero(growth_row)
    grown = growth[growth_row[split_columns]]
    origin = source[split_columns]
    at_origin = np.where(origin < 0, 1.0, np.take_along_axis(grown, np.maximum(origin, 0), axis=1))
    filled[split_columns] *= at_origin / grown

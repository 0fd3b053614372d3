"""Units of every position after each event: transactions and splits in order, walked back from the holdings now.

An event is the opening of the window (one per position, first), a split, or a transaction. Levels live per event and
are spread over days by run lengths, so a quantity that comes back to zero is exactly zero on every day.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from history.core.book import Bools, Floats, Ints, Movements, Positions
from history.core.market import Market, Splits
from history.core.scan import affine_scan

BOOKING_DAYS: Final = 10  # a brokerage books a split within this many days of its ex-date
ROUNDING: Final = 1e-14  # of the units a position has turned over: below that, zero


@dataclass(frozen=True, slots=True)
class Timeline:
    """N events sorted by (position, day). `level` is units after the event, `growth` the splits since the opening.

    `row` is the movement behind the event, -1 for openings and splits by ratio. `runs` days keep the event's level;
    0 when another event of the same day follows. `start` and `end` (P,) are each position's first and last event.
    """

    position: Ints
    day: Ints
    row: Ints
    delta: Floats
    level: Floats
    growth: Floats
    rank: Ints
    runs: Ints
    start: Ints
    end: Ints
    days: int

    def spread(self, levels: Floats | Bools) -> Floats:
        """Levels after events (N,) as (P, D)."""
        return np.repeat(np.asarray(levels, np.float64), self.runs).reshape(self.start.size, self.days)


@dataclass(frozen=True, slots=True)
class _Events:
    """Events before sorting; `order` places a split before the transactions of its day, the opening before all."""

    position: Ints
    day: Ints
    order: Ints
    row: Ints
    delta: Floats
    ratio: Floats


def build_timeline(*, positions: Positions, movements: Movements, market: Market) -> Timeline:
    """The Timeline of all positions; movements without a position are left out."""
    events = _sorted(_collect(positions, movements, market), market.days)
    start = np.flatnonzero(np.diff(events.position, prepend=-1))
    end = np.append(start, events.position.size)[1:] - 1
    rank = np.arange(events.position.size) - start[events.position]
    growth, moved = affine_scan(events.ratio, events.delta, rank)
    opening = (positions.units - moved[end]) / growth[end]
    level = growth * opening[events.position] + moved
    level[end] = positions.units
    turnover = np.add.reduceat(np.abs(events.delta) / growth, start) + np.abs(positions.units) / growth[end]
    level[np.abs(level) <= ROUNDING * turnover[events.position] * growth] = 0.0
    following = np.append(events.day[1:], market.days)
    following[end] = market.days
    runs = following - events.day
    return Timeline(
        events.position, events.day, events.row, events.delta, level, growth, rank, runs, start, end, market.days
    )


def _collect(positions: Positions, movements: Movements, market: Market) -> _Events:
    matters = (movements.units != 0) | (movements.cost != 0) | (movements.keep != 1)
    row = np.flatnonzero((movements.position >= 0) & matters)
    day, booked = _booked_split_days(movements, row, positions, market)
    owner, split = _not_booked(positions, market.splits, booked)
    opened = np.arange(positions.account.size)
    return _Events(
        position=np.concatenate((opened, owner, movements.position[row])),
        day=np.concatenate((np.zeros(opened.size, np.int64), market.splits.day[split], day)),
        order=np.repeat(np.arange(3), (opened.size, owner.size, row.size)),
        row=np.concatenate((np.full(opened.size + owner.size, -1), row)),
        delta=np.concatenate((np.zeros(opened.size + owner.size), movements.units[row])),
        ratio=np.concatenate((np.ones(opened.size), market.splits.ratio[split], np.ones(row.size))),
    )


def unbooked_splits(*, positions: Positions, movements: Movements, market: Market) -> tuple[Ints, Ints]:
    """Every (position, split) that the brokerage has no row for, whatever its day."""
    row = np.flatnonzero((movements.position >= 0) & movements.split)
    return _not_booked(positions, market.splits, _booked_split_days(movements, row, positions, market)[1])


def _not_booked(positions: Positions, splits: Splits, booked: Ints) -> tuple[Ints, Ints]:
    owner, split = _splits_of_positions(positions, splits)
    unbooked = ~np.isin(owner * splits.day.size + split, booked)
    return owner[unbooked], split[unbooked]


def _sorted(events: _Events, days: int) -> _Events:
    """Inside the window, by position, then day, then order; the order of record is kept within a day."""
    inside = np.flatnonzero((events.day >= 0) & (events.day < days))
    key = (events.position[inside] * days + events.day[inside]) * 3 + events.order[inside]
    kept = inside[np.argsort(key, kind="stable")]
    return _Events(*(getattr(events, name)[kept] for name in _Events.__slots__))


def _splits_of_positions(positions: Positions, splits: Splits) -> tuple[Ints, Ints]:
    """Every (position, split) pair of the same column."""
    first = np.searchsorted(splits.column, positions.column, side="left")
    count = np.searchsorted(splits.column, positions.column, side="right") - first
    owner = np.repeat(np.arange(count.size), count)
    within = np.arange(owner.size) - np.repeat(np.cumsum(count) - count, count)
    return owner, np.repeat(first, count) + within


def _booked_split_days(movements: Movements, row: Ints, positions: Positions, market: Market) -> tuple[Ints, Ints]:
    """Days of `row` with booked splits moved to their ex-date, and the (position, split) pairs they replace.

    A stock dividend is no booking of a split that happens to be near, nor the other way round.
    """
    day, splits, replaced = movements.day[row], market.splits, [np.empty(0, np.int64)]
    for dividend in (False, True):
        booked = np.flatnonzero(movements.split[row] & (movements.dividend[row] == dividend))
        told = np.flatnonzero(splits.dividend == dividend)
        if not booked.size or not told.size:
            continue
        position = movements.position[row[booked]]
        place, distance = _booked_for(splits.take(told), positions.column[position], day[booked])
        split = told[place]
        matches = (distance <= BOOKING_DAYS) & (splits.day[split] < market.days)
        day[booked[matches]] = splits.day[split[matches]]
        replaced.append(position[matches] * splits.day.size + split[matches])
    return day, np.concatenate(replaced)


def _booked_for(splits: Splits, column: Ints, day: Ints) -> tuple[Ints, Ints]:
    """The split a booking of that day is for, and its distance in days: the last ex-date by then, else the next one.

    A distance without a match is huge.
    """
    far = np.int64(10**9)
    following = np.searchsorted(splits.column * far + splits.day, column * far + day, side="right")
    candidates = np.clip(np.stack((following - 1, following)), 0, splits.day.size - 1)
    apart = np.where(splits.column[candidates] == column, np.abs(splits.day[candidates] - day), far)
    choice = np.where(apart[0] <= BOOKING_DAYS, 0, 1)
    each = np.arange(choice.size)
    return candidates[choice, each], apart[choice, each]


def is_short(timeline: Timeline, positions: Positions, movements: Movements) -> Bools:
    """(P,) positions whose negative units are meant: allowed, short now, or a short sale or cover in the window."""
    shorted = movements.position[movements.short & (movements.position >= 0)]
    meant = positions.may_short | (positions.units < 0)
    meant[shorted] = True
    return meant

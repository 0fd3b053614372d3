"""Cash in lieu: a split that nobody booked leaves a fraction of a unit, which is sold and paid out, often days later.

What is held now is whole, so walking it back by the ratio alone finds too little before. The cash that was paid tells
the fraction; where no row tells of it, purchases that the units do not reach do.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from history.core.book import Book, Bools, Ints, Movements, of_positions
from history.core.exchanges import NOTHING, Added, cash_rows, plain_cash, with_added
from history.core.market import Market
from history.core.timeline import Timeline, build_timeline, is_short, unbooked_splits

WHOLE: Final = 1e-6
DEVIATION: Final = 0.2  # of a unit: how far the price that was paid may be off the close of the ex-date


def fractions_paid(*, book: Book, market: Market) -> Book:
    """The book with the sale of every fraction that a split left and was paid out without one."""
    owner, split = unbooked_splits(positions=book.positions, movements=book.movements, market=market)
    whole = np.abs(book.positions.units[owner] % 1) <= WHOLE  # else the brokerage keeps fractions
    inside = (market.splits.day[split] > 0) & (market.splits.day[split] < market.days)
    owner, split = owner[whole & inside], split[whole & inside]
    if not owner.size:
        return book
    holders, place, count = np.unique(owner, return_inverse=True, return_counts=True)
    positions, movements, _rows = of_positions(book, holders)
    timeline = build_timeline(positions=positions, movements=movements, market=market)
    in_whole = _deal_in_whole(movements, holders.size) & ~is_short(timeline, positions, movements)
    unreached = timeline.level[timeline.start] < 0
    alone = (count == 1) & ~_exchanging(positions.column, market)
    told = np.isin(np.arange(holders.size), movements.position[plain_cash(movements)])
    doubtful = np.flatnonzero((in_whole & (told | (unreached & alone)))[place])
    added: list[Added] = []
    for position, which in zip(place[doubtful].tolist(), split[doubtful].tolist(), strict=True):
        held = _Held(position, int(market.splits.day[which]), float(market.splits.ratio[which]))
        price = float(market.close[positions.column[position], held.day])
        found = _paid(held, price, timeline, movements)
        if found is None and alone[position]:
            found = _unreached(held, price, timeline)
        added += [replace(found, position=int(holders[position]))] if found else []
    return replace(book, movements=with_added(book.movements, book.positions, added))


@dataclass(frozen=True, slots=True)
class _Held:
    """A position at a split."""

    position: int
    day: int
    ratio: float


def _deal_in_whole(movements: Movements, positions: int) -> Bools:
    """Positions without a row of a fraction: where there is one, the brokerage keeps fractions or has sold this one."""
    broken = np.abs(movements.units - np.round(movements.units)) > WHOLE
    return ~np.isin(np.arange(positions), movements.position[broken])


def _exchanging(column: Ints, market: Market) -> Bools:
    exchanges = market.exchanges
    if not exchanges.day.size:
        return np.zeros(column.size, np.bool_)
    return np.isin(column, exchanges.column) | np.isin(exchanges.group[column], exchanges.successor)


def _level(timeline: Timeline, held: _Held) -> float:
    """Units at the start of the day, split."""
    events = slice(int(timeline.start[held.position]), int(timeline.end[held.position]) + 1)
    days, row = timeline.day[events], timeline.row[events]
    before = int(np.count_nonzero((days < held.day) | ((days == held.day) & (row < 0))))
    return float(timeline.level[events][before - 1])


def _paid(held: _Held, price: float, timeline: Timeline, movements: Movements) -> Added | None:
    """By the cash: the fraction that makes whole units of those before, if what was paid is near the close."""
    rows = cash_rows(movements, held.position, held.day)
    rows = rows[movements.day[rows] < timeline.days]
    if not rows.size or not price > 0:
        return None
    told = float(movements.cash[rows].sum()) / price
    units = _level(timeline, held)
    fraction = round((units + told) / held.ratio) * held.ratio - units
    if not NOTHING < fraction < 1 - NOTHING or abs(fraction - told) > DEVIATION:
        return None
    return Added(held.position, max(held.day, int(movements.day[rows[0]])), units=-fraction)


def _unreached(held: _Held, price: float, timeline: Timeline) -> Added | None:
    """By purchases: where they are of more than the units there are, by less than one unit of today's."""
    fraction = -float(timeline.level[timeline.start[held.position]]) * held.ratio
    if not WHOLE < fraction < 1 - WHOLE:
        return None
    return Added(held.position, held.day, units=-fraction, cash=fraction * price if price > 0 else 0.0)

"""What companies exchange: shares spun off, merged, renamed or delisted, where the brokerage booked nothing of it.

Each becomes movements beside those of the brokerage, at the start of the ex-date. A leg that the brokerage did book is
left as it is: a spin-off's moves to its ex-date, where the parent's price falls; a merger's sets the day of the other.
"""

from dataclasses import dataclass, fields, replace
from typing import Final

import numpy as np

from history.core.book import Book, Bools, Floats, Ints, Movements, Positions, of_positions
from history.core.market import Exchanges, Market
from history.core.timeline import BOOKING_DAYS, Timeline, build_timeline

CASH_DAYS: Final = 45  # what is paid in cash may come later than the units
NOTHING: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Added:
    """One movement to add. `units` of the position, `cash` to the account, `keep` of the position's basis."""

    position: int
    day: int
    units: float = 0.0
    cash: float = 0.0
    keep: float = 1.0


@dataclass(frozen=True, slots=True)
class _Leg:
    """A position at an ex-date, seen through the brokerage's rows alone: its units from the ex-date on and before.

    `booked` is the brokerage's row for the exchange (day, units), None when there is none; `first` is the units when
    the window opens, `least` the fewest units before the ex-date, `dealt` whether anything was dealt before
    it, `lately` what was in the days just before, the last first.
    """

    position: int
    units: float
    booked: tuple[int, float] | None
    row: int
    first: float
    least: float
    dealt: bool
    lately: Floats


def exchanged(*, book: Book, market: Market) -> Book:
    """The book with what was exchanged and nobody booked; the latest first, for each follows from what came after."""
    exchanges = market.exchanges
    inside = np.flatnonzero((exchanges.day > 0) & (exchanges.day < market.days))
    holders = np.isin(book.positions.column, exchanges.column[inside])
    if not holders.any():
        return book
    for which in inside[np.argsort(-exchanges.day[inside], kind="stable")].tolist():
        parents = np.flatnonzero(book.positions.column == exchanges.column[which])
        if parents.size:
            book = _applied(book, market, exchanges, which, parents)
    return book


def _applied(book: Book, market: Market, exchanges: Exchanges, which: int, parents: Ints) -> Book:
    children = _successors(book.positions, exchanges, which, parents)
    day = int(exchanges.day[which])
    legs = _legs(book, market, np.union1d(parents, children[children >= 0]), day)
    added: list[Added] = []
    moved: list[int] = []
    for parent, child in zip(parents.tolist(), children.tolist(), strict=True):
        if exchanges.ends[which]:
            added += _ended(book, exchanges, which, legs[parent], legs.get(child))
        else:
            added += _spun_off(exchanges, which, legs[parent], legs.get(child))
            moved += [legs[child].row] if child in legs and legs[child].row >= 0 else []
    movements = book.movements
    if moved:
        days = movements.day.copy()
        days[moved] = day
        movements = replace(movements, day=days)
    return replace(book, movements=with_added(movements, book.positions, added))


def _successors(positions: Positions, exchanges: Exchanges, which: int, parents: Ints) -> Ints:
    """Each parent's successor in the same account, -1 where it has none."""
    same_paper = exchanges.group[positions.column] == exchanges.successor[which]
    heirs = np.flatnonzero(same_paper & (positions.column != exchanges.column[which]))  # a new name may share a symbol
    place = np.searchsorted(positions.account[heirs], positions.account[parents])
    found = np.append(heirs, -1)[np.minimum(place, heirs.size)]
    same = (found >= 0) & (positions.account[found] == positions.account[parents])
    return np.where(same, found, -1)


def _legs(book: Book, market: Market, which: Ints, day: int) -> dict[int, _Leg]:
    positions, movements, rows = of_positions(book, which)
    timeline = build_timeline(positions=positions, movements=movements, market=market)
    return {int(position): _leg(int(position), timeline, movements, rows, at, day) for at, position in enumerate(which)}


def _leg(position: int, timeline: Timeline, movements: Movements, rows: Ints, at: int, day: int) -> _Leg:
    events = slice(int(timeline.start[at]), int(timeline.end[at]) + 1)
    days, row, level = timeline.day[events], timeline.row[events], timeline.level[events]
    before = int(np.count_nonzero((days < day) | ((days == day) & (row < 0))))  # its splits of the day come first
    own = np.flatnonzero((movements.position == at) & movements.exchange)
    near = own[np.abs(movements.day[own] - day) <= BOOKING_DAYS]
    booked = (int(movements.day[near[-1]]), float(movements.units[near].sum())) if near.size else None
    return _Leg(
        position=position,
        units=float(level[before - 1]),
        booked=booked,
        row=int(rows[near[-1]]) if near.size else -1,
        first=float(level[0]),
        least=float((level[:before] / timeline.growth[events][:before]).min() * timeline.growth[events][before - 1]),
        dealt=bool((row[:before] >= 0).any()),
        lately=timeline.delta[events][:before][(row[:before] >= 0) & (days[:before] >= day - BOOKING_DAYS)][::-1],
    )


def _spun_off(exchanges: Exchanges, which: int, parent: _Leg, child: _Leg | None) -> list[Added]:
    day, kept, ratio = int(exchanges.day[which]), float(exchanges.kept[which]), float(exchanges.ratio[which])
    added = [] if np.isnan(kept) or abs(parent.units) <= NOTHING else [Added(parent.position, day, keep=kept)]
    if child is None or child.booked or abs(child.units) <= NOTHING:
        return added  # nothing has come yet
    received = _received(parent.units * ratio, child.units)
    return [*added, Added(child.position, day, units=received)] if received else added


def _received(entitled: float, held: float) -> float:
    """Whole units where whole ones are held: a fraction was paid in cash."""
    whole = abs(held - round(held)) <= NOTHING
    return float(np.trunc(entitled + np.copysign(NOTHING, entitled))) if whole else entitled


def _ended(book: Book, exchanges: Exchanges, which: int, parent: _Leg, child: _Leg | None) -> list[Added]:
    """A merger, a new name, a delisting: nothing of the parent is left."""
    if abs(book.positions.units[parent.position]) > NOTHING:
        return []  # the brokerage has not done it yet
    ratio, day = float(exchanges.ratio[which]), int(exchanges.day[which])
    left = _booked_end(book.movements, parent, day)
    if left is not None:
        day, units = left
    elif child is not None and child.booked and ratio:
        day, units = child.booked[0], child.booked[1] / ratio
    else:
        units = _units_ended(book.positions, parent, child, ratio, day)
    if abs(units) <= NOTHING:
        return []
    added = [] if left else [Added(parent.position, day, units=-units)]
    if child is not None and not child.booked and ratio and abs(child.units) > NOTHING:
        added.append(Added(child.position, day, units=_received(units * ratio, child.units)))
    cash = float(exchanges.cash[which]) * units
    if cash and not left and not _is_paid(book.movements, parent, child, day):
        added.append(Added(parent.position, day, cash=cash))
    return added


def _booked_end(movements: Movements, parent: _Leg, day: int) -> tuple[int, float] | None:
    """Day and units of the brokerage's own removal: whatever it calls it, none is left after its last row."""
    if abs(parent.units) > NOTHING:
        rows = np.flatnonzero((movements.position == parent.position) & (movements.units != 0))
        return max(day, int(movements.day[rows].max())), parent.units
    if parent.booked and parent.booked[1]:
        return parent.booked[0], -parent.booked[1]
    return None


def _units_ended(positions: Positions, parent: _Leg, child: _Leg | None, ratio: float, day: int) -> float:
    """As many as the brokerage last told, or as its rows need, or as what came instead can have come from."""
    needed = max(-parent.least, 0.0)
    told = _last_told(positions, parent.position, day)
    if told and not np.any(np.abs(np.cumsum(parent.lately) + told) <= NOTHING):
        return told
    if parent.dealt and needed <= NOTHING:
        return 0.0  # its rows tell a whole story: sold before
    came = child.first / ratio if child is not None and ratio and child.first > 0 else 0.0
    return max(needed, came)


def _last_told(positions: Positions, position: int, day: int) -> float:
    """Units that the brokerage listed until the exchange, 0 where it told nothing of them then."""
    last, since = positions.last_units, positions.removed_day
    if last is None or since is None or since[position] < day - BOOKING_DAYS:
        return 0.0
    return float(np.nan_to_num(last[position]))


def _is_paid(movements: Movements, parent: _Leg, child: _Leg | None, day: int) -> bool:
    """Whether the brokerage has a row of cash for it."""
    return bool(cash_rows(movements, parent.position, day).size) or bool(
        child is not None and cash_rows(movements, child.position, day).size
    )


def cash_rows(movements: Movements, position: int, day: int) -> Ints:
    """Rows near the day that pay cash for a position without a trade, an income or a deposit behind them."""
    near = (movements.day >= day - BOOKING_DAYS) & (movements.day <= day + CASH_DAYS)
    return np.flatnonzero((movements.position == position) & near & plain_cash(movements))


def plain_cash(movements: Movements) -> Bools:
    """Rows that pay cash for some position without a trade, an income or a deposit behind them."""
    paid = (movements.position >= 0) & (movements.units == 0) & (movements.cash > 0)
    plain: Bools = paid & (movements.income == 0) & (movements.flow == 0) & (movements.cost == 0)
    return plain


def with_added(movements: Movements, positions: Positions, added: list[Added]) -> Movements:
    """The movements with these before them: what happens at the start of a day comes before its trades."""
    if not added:
        return movements
    position = np.array([one.position for one in added], np.int64)
    units = np.array([one.units for one in added])
    nothing, no = np.zeros(position.size), np.zeros(position.size, np.bool_)
    new = Movements(
        account=positions.account[position],
        position=position,
        day=np.array([one.day for one in added], np.int64),
        units=units,
        cash=np.array([one.cash for one in added]),
        flow=nothing,
        income=nothing,
        fee=nothing,
        cost=np.where(units != 0, np.nan, 0.0),
        price=np.full(position.size, np.nan),
        in_kind=no,
        split=no,
        dividend=no,
        short=no,
        exchange=no,
        keep=np.array([one.keep for one in added]),
    )
    return Movements(*(np.concatenate((getattr(new, f.name), getattr(movements, f.name))) for f in fields(Movements)))

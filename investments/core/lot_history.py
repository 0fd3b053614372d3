"""The lots of all of an owner's accounts: from ledger rows, corporate actions and what brokerages say is held today.

Accounts go through the days together, because shares move between them and keep their date and basis. What a brokerage
holds and no row explains was there before the first row: an opening lot (`opened_by` 0) whose day nobody knows, with
the basis that the brokerage's own figure leaves for it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal, localcontext
from typing import Final

from .effects import effect_of
from .ends import ends_once
from .in_lieu import fractions_once
from .lot import WIDE, ZERO, Closing, Lot, LotMethod, UnknownLot, portion
from .lot_events import Placed, Row, in_order, place_actions, placed_events
from .positions import (
    Arrival,
    Delisting,
    Departure,
    Event,
    Growth,
    InLieu,
    Merger,
    Paid,
    Positions,
    SpinOff,
    Split,
    Trade,
    Transit,
)

OPENING: Final = 0
ONE: Final = Decimal(1)
DUST: Final = Decimal("0.000001")  # units that rounding of fractional shares leaves


@dataclass(frozen=True, slots=True)
class Held:
    """What a brokerage says is held today; `basis` None: not told."""

    quantity: Decimal
    basis: Decimal | None = None


@dataclass(frozen=True, slots=True)
class AccountBook:
    """An account's rule, and its holdings by security; None where no brokerage tells them (kept by hand)."""

    method: LotMethod = LotMethod.FIFO
    held: Mapping[int, Held] | None = None


@dataclass(frozen=True, slots=True)
class AccountLots:
    """By security: the open lots, oldest first, what was closed, and the opening lot as it was before the first row.

    `unexplained`: units that the rows have and the brokerage has not (> 0), or that no row explains (< 0, shorts).
    `paid`: cash of corporate actions, which is in no row.
    """

    lots: Mapping[int, Sequence[Lot]]
    closings: Mapping[int, Sequence[Closing]]
    openings: Mapping[int, Lot]
    unexplained: Mapping[int, Decimal]
    paid: Sequence[Paid] = ()


@dataclass(frozen=True, slots=True)
class _Walk:
    """One account's events, and the units they make of nothing by security: at the end, and at their lowest in units
    of the beginning. `growth`: what one unit of the beginning has become. `children` came of other securities.
    """

    events: Sequence[Event]
    units: Mapping[int, Decimal]
    lowest: Mapping[int, Decimal]
    growth: Mapping[int, Decimal]
    children: frozenset[int]


def lot_history(
    *,
    rows: Sequence[Row],
    actions: Sequence[Event],
    books: Mapping[int, AccountBook],
    identity: Mapping[int, int] | None = None,
) -> dict[int, AccountLots]:
    """The lots of each account in `books`. `actions` are events of positions: splits, spin-offs, mergers, delistings.

    The order of `rows` does not matter. `identity`: securities that are one under several ids, by one of those ids.
    Where a sale names lots that are not there, the account's rule decides.
    """
    with localcontext(WIDE):
        return _history(rows, actions, books, identity)


def _history(
    rows: Sequence[Row],
    actions: Sequence[Event],
    books: Mapping[int, AccountBook],
    identity: Mapping[int, int] | None,
) -> dict[int, AccountLots]:
    told = placed_events(rows=rows, actions=actions, identity=identity)
    acting = [one for account in books for one in place_actions(account=account, actions=_sorted(actions))]
    placed = told
    if acting:
        everything = fractions_once([*acting, *told], whole=lambda one: _is_whole(books[one.account], one.event))
        placed = in_order(ends_once(everything))
    first_day = dict.fromkeys(books, date.max)
    for row in rows:
        first_day[row.account] = min(first_day[row.account], row.day)
    walks = _walks(placed, books)
    shorted = shorted_in(rows)
    openings = {
        account: _openings(account, book, walks[account], shorted, first_day[account])
        for account, book in books.items()
    }
    done = _run(placed, books, openings)
    with_basis = {
        account: _with_basis(openings[account], done[account], books[account], walks[account]) for account in books
    }
    if with_basis != openings:
        openings = with_basis
        done = _run(placed, books, openings)
    return {account: _lots_of(done[account], openings[account], books[account]) for account in books}


def _sorted(actions: Iterable[Event]) -> list[Event]:
    return sorted(actions, key=lambda action: (action.day, action.id))


def _is_whole(book: AccountBook, event: Event) -> bool:
    """Whether the brokerage keeps no fractions of it. An account kept by hand keeps what its rows leave."""
    if book.held is None:
        return False
    return event.security not in book.held or not book.held[event.security].quantity % 1


def _run(
    placed: Iterable[Placed], books: Mapping[int, AccountBook], openings: Mapping[int, Mapping[int, Lot]]
) -> dict[int, Positions]:
    transit: Transit = {}
    positions = {
        account: Positions(method=book.method, opening=openings[account].items(), transit=transit)
        for account, book in books.items()
    }
    waiting: _Waiting = {}
    for one in placed:
        event = one.event
        if type(event) is Trade and not event.picks:
            trades = waiting.setdefault((one.account, event.security), [])
            trades.append((event.id, event.day, event.quantity, event.amount))
        else:
            _trade_all(positions, waiting)
            _apply(positions[one.account], event)
    _trade_all(positions, waiting)
    return positions


_Waiting = dict[tuple[int, int], list[tuple[int, date, Decimal, Decimal | None]]]


def _trade_all(positions: Mapping[int, Positions], waiting: _Waiting) -> None:
    """Trades of one account and security touch no other's: between other events they go together."""
    for (account, security), trades in waiting.items():
        positions[account].trade_all(security, trades)
    waiting.clear()


def _apply(positions: Positions, event: Event) -> None:
    """A sale that names lots which are not there (any more) closes lots by the account's rule."""
    try:
        positions.apply((event,))
    except UnknownLot:
        assert isinstance(event, Trade)
        positions.apply((replace(event, picks=()),))


def shorted_in(rows: Iterable[Row]) -> set[tuple[int, int]]:
    """(account, security) of which a row says that it is short: a sale beyond what is held is meant then."""
    kinds = {(row.type, row.subtype) for row in rows}
    short = {kind for kind in kinds if effect_of(*kind).short}
    return {(row.account, row.security) for row in rows if (row.type, row.subtype) in short} if short else set()


def _openings(
    account: int, book: AccountBook, walk: _Walk, shorted: set[tuple[int, int]], first_day: date
) -> dict[int, Lot]:
    """What must have been there before the first row, for today's holdings to come out.

    What came of another security (a spin-off, a merger) is counted once that one's own opening is known.
    """
    if book.held is None:
        return {}
    openings = _missing(account, book, walk, shorted, first_day)
    if not walk.children:
        return openings
    own = {security: lot for security, lot in openings.items() if security not in walk.children}
    again = _walk(walk.events, {security: lot.quantity for security, lot in own.items()})
    came = _missing(account, book, again, shorted, first_day)
    return own | {security: lot for security, lot in came.items() if security in walk.children}


def _missing(
    account: int, book: AccountBook, walk: _Walk, shorted: set[tuple[int, int]], first_day: date
) -> dict[int, Lot]:
    held = book.held or {}
    day = date.min if first_day == date.max else first_day - timedelta(days=1)
    missing = {}
    for security in sorted({*walk.units, *held}):
        now = held[security].quantity if security in held else ZERO
        units = WIDE.divide(now - walk.units.get(security, ZERO), walk.growth.get(security, ONE))
        if now >= 0 and (account, security) not in shorted:
            units = max(units, -walk.lowest.get(security, ZERO), ZERO)
        if abs(units) > DUST:
            missing[security] = Lot(OPENING, day, units, None, day)
    return missing


def _walks(placed: Iterable[Placed], books: Mapping[int, AccountBook]) -> dict[int, _Walk]:
    """Of the accounts whose holdings are told: what others hold is what their rows leave."""
    by_account: dict[int, list[Event]] = {account: [] for account in books}
    for one in placed:
        if books[one.account].held is not None:
            by_account[one.account].append(one.event)
    return {account: _walk(events, {}) for account, events in by_account.items()}


def _walk(events: Sequence[Event], start: Mapping[int, Decimal]) -> _Walk:
    units: dict[int, Decimal] = defaultdict(Decimal, start)
    growth: dict[int, Decimal] = defaultdict(lambda: ONE)
    lowest: dict[int, Decimal] = defaultdict(Decimal)
    children: set[int] = set()
    for event in events:
        security = event.security
        if type(event) is Trade:
            _move(event.quantity, security, units, growth, lowest)
        elif isinstance(event, Split):
            units[security] = WIDE.multiply(units[security], event.ratio)
            growth[security] = WIDE.multiply(growth[security], event.ratio)
            units[security] -= ZERO if event.fraction_price is None else units[security] % 1
        elif isinstance(event, InLieu):
            units[security] -= units[security] % 1
        elif isinstance(event, SpinOff | Merger):
            child = event.child if isinstance(event, SpinOff) else event.successor
            if child is not None:
                units[child] += WIDE.multiply(units[security], event.ratio)
                children.add(child)
            if isinstance(event, Merger):
                units[security] = ZERO
        elif isinstance(event, Delisting):
            units[security] = ZERO
        elif isinstance(event, Growth | Arrival | Departure):
            moved = -event.quantity if isinstance(event, Departure) else event.quantity
            _move(moved, security, units, growth, lowest)
    return _Walk(events, units, lowest, growth, frozenset(children))


def _move(
    moved: Decimal,
    security: int,
    units: dict[int, Decimal],
    growth: Mapping[int, Decimal],
    lowest: dict[int, Decimal],
) -> None:
    left = units[security] = units[security] + moved
    if left < 0:
        lowest[security] = min(lowest[security], WIDE.divide(left, growth[security]))


def _with_basis(openings: Mapping[int, Lot], positions: Positions, book: AccountBook, walk: _Walk) -> dict[int, Lot]:
    """The openings with what the brokerage's basis leaves for them, where the other lots' costs are all known."""
    return {
        security: _estimated(lot, positions.lots(security), (book.held or {}).get(security), walk.growth[security])
        for security, lot in openings.items()
    }


def _estimated(opening: Lot, lots: Sequence[Lot], told: Held | None, growth: Decimal) -> Lot:
    """All units of an opening cost the same, for lack of better knowledge: those sold as much as those left."""
    left = sum((abs(lot.quantity) for lot in lots if lot.opened_by == OPENING), ZERO)
    others = [lot.cost for lot in lots if lot.opened_by != OPENING]
    if told is None or told.basis is None or not left or any(cost is None for cost in others):
        return opening
    rest = abs(told.basis) - sum((cost for cost in others if cost is not None), ZERO)
    cost = portion(rest, WIDE.multiply(abs(opening.quantity), growth), left)
    return opening if cost is None or rest < 0 else opening._replace(cost=cost)


def _lots_of(positions: Positions, openings: Mapping[int, Lot], book: AccountBook) -> AccountLots:
    lots = {security: tuple(queue.lots) for security, queue in positions.queues.items() if queue.lots}
    return AccountLots(
        lots=lots,
        closings={security: tuple(closed) for security, closed in positions.closings.items() if closed},
        openings=openings,
        unexplained=_unexplained(lots, book),
        paid=tuple(positions.paid),
    )


def _unexplained(lots: Mapping[int, Sequence[Lot]], book: AccountBook) -> dict[int, Decimal]:
    if book.held is None:
        return {}
    over = {}
    for security in sorted({*lots, *book.held}):
        held = book.held[security].quantity if security in book.held else ZERO
        difference = sum((lot.quantity for lot in lots.get(security, ())), ZERO) - held
        if abs(difference) > DUST:
            over[security] = difference
    return over

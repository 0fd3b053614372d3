"""From lots to what a tax report counts: closings with their wash sales, and the open lots with what those added."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import count
from operator import attrgetter
from typing import Final, NamedTuple

from .lot import WIDE, ZERO, Closing, Lot
from .lot_events import Row
from .lot_history import OPENING, AccountLots
from .positions import Event, Split
from .washsales import Parcel, WashSale, wash

LONG_AGO: Final = date(1900, 1, 1)  # an opening lot replaces nothing: nobody knows when it was bought
ONE: Final = Decimal(1)


class OpenLot(NamedTuple):
    """Units held. `opened` starts the holding period, None: not known; `cost` includes `added` by wash sales."""

    account: int
    security: int
    opened_by: int
    opened: date | None
    entered: date
    quantity: Decimal
    cost: Decimal | None
    added: Decimal


class ClosedLot(NamedTuple):
    """Units that are gone, in units of the day they went. `disallowed`: of the loss. `acquired` None: not known."""

    account: int
    security: int
    opened_by: int
    closed_by: int
    acquired: date | None
    closed: date
    quantity: Decimal
    proceeds: Decimal | None
    basis: Decimal | None
    disallowed: Decimal
    is_short: bool
    is_long_term: bool


class Washing(NamedTuple):
    """A wash sale with the two accounts and securities it lies between."""

    account: int
    security: int
    replacement_account: int
    replacement_security: int
    sale: WashSale


@dataclass(frozen=True, slots=True)
class Gains:
    """Everything of one owner."""

    open: Sequence[OpenLot]
    closed: Sequence[ClosedLot]
    washed: Sequence[Washing]


class _Piece(NamedTuple):
    """Where a parcel comes from, and how many units of the last day one of its own day is."""

    account: int
    security: int
    source: Lot | Closing
    growth: Decimal


def gains(
    *,
    history: Mapping[int, AccountLots],
    rows: Iterable[Row],
    actions: Iterable[Event],
    sheltered: Iterable[int] = (),
    identity: Mapping[int, int] | None = None,
    same_lot: bool = False,
) -> Gains:
    """Apply the wash-sale rule across one owner's accounts. `sheltered`: accounts where losses do not count.

    `identity`: securities that are substantially identical, by one of their ids. `same_lot`: see `washsales.wash`.
    """
    places = _Places(rows)
    pieces = list(_pieces(history, _Growth(actions)))
    groups: dict[int, list[Parcel]] = defaultdict(list)
    out_of_scope = set(sheltered)
    for origin, piece in enumerate(pieces):
        if piece.source.quantity:
            group = (identity or {}).get(piece.security, piece.security)
            groups[group].append(_parcel(origin, piece, places, piece.account in out_of_scope))
    washed = [wash(parcels, same_lot=same_lot) for _, parcels in sorted(groups.items())]
    parcels = [parcel for result in washed for parcel in result.parcels]
    closed = [_closed(pieces[parcel.origin], parcel) for parcel in parcels if parcel.closed is not None]
    closed += [_without_units(piece) for piece in pieces if not piece.source.quantity]
    return Gains(
        open=[_open(pieces[parcel.origin], parcel) for parcel in parcels if parcel.closed is None],
        closed=closed,
        washed=[_washing(pieces, sale) for result in washed for sale in result.sales],
    )


class _Places:
    """The place of every row among all of the owner, and of a day that has no row."""

    def __init__(self, rows: Iterable[Row]) -> None:
        ordered = sorted(rows, key=attrgetter("day", "order"))
        self.place = {row.id: place for place, row in zip(count(1, 2), ordered, strict=False)}
        self.days = [row.day for row in ordered]

    def of(self, row_id: int, day: date) -> int:
        """A row's place; what is no row (a company's act) stands before the rows of its day."""
        known = self.place.get(row_id)
        return 2 * bisect_left(self.days, day) if known is None else known


class _Growth:
    """How many units of the last day a unit of an earlier day is."""

    def __init__(self, actions: Iterable[Event]) -> None:
        self.splits: dict[int, list[Split]] = defaultdict(list)
        for action in actions:
            if isinstance(action, Split):
                self.splits[action.security].append(action)

    def since(self, security: int, day: date) -> Decimal:
        """The product of the splits after a day; ONE itself where there is none."""
        growth = ONE
        for split in self.splits.get(security, ()):
            if split.day > day:
                growth = WIDE.multiply(growth, split.ratio)
        return growth


def _pieces(history: Mapping[int, AccountLots], growth: _Growth) -> Iterable[_Piece]:
    for account, of_account in sorted(history.items()):
        for security, closings in sorted(of_account.closings.items()):
            for closing in closings:
                yield _Piece(account, security, closing, growth.since(security, closing.closed))
        for security, lots in sorted(of_account.lots.items()):
            for lot in lots:
                yield _Piece(account, security, lot, ONE)


def _parcel(origin: int, piece: _Piece, places: _Places, is_sheltered: bool) -> Parcel:
    account, _, source, growth = piece
    lot, bought = source.opened_by, source.opened
    opened, place = bought, -1
    if lot == OPENING:
        lot, bought = -1 - origin, LONG_AGO
    else:
        place = places.of(lot, bought)
    if isinstance(source, Lot):
        return Parcel(
            lot, account, bought, place, abs(source.quantity), source.cost, opened, None, 0, None, None, is_sheltered,
            source.quantity < 0, ZERO, ZERO, origin,
        )  # fmt: skip
    units = source.quantity if growth is ONE else WIDE.multiply(source.quantity, growth)
    closed_order = places.of(source.closed_by, source.closed)
    return Parcel(
        lot, account, bought, place, units, source.basis, opened, source.closed, closed_order, source.closed_by,
        source.proceeds, is_sheltered, source.is_short, ZERO, ZERO, origin,
    )  # fmt: skip


def _open(piece: _Piece, parcel: Parcel) -> OpenLot:
    account, security, lot, _ = piece
    assert isinstance(lot, Lot)
    opened = None if lot.opened_by == OPENING else parcel.opened
    units = parcel.quantity if lot.quantity > 0 else -parcel.quantity
    return OpenLot(account, security, lot.opened_by, opened, lot.entered, units, parcel.cost, parcel.added)


def _closed(piece: _Piece, parcel: Parcel) -> ClosedLot:
    account, security, closing, growth = piece
    assert isinstance(closing, Closing)
    acquired = None if closing.opened_by == OPENING else closing.opened
    units = parcel.quantity if growth is ONE else WIDE.divide(parcel.quantity, growth)
    return ClosedLot(
        account, security, closing.opened_by, closing.closed_by, acquired, closing.closed, units,
        parcel.proceeds, parcel.cost, parcel.disallowed, closing.is_short, parcel.is_long_term,
    )  # fmt: skip


def _without_units(piece: _Piece) -> ClosedLot:
    """Gain without a sale: capital returned beyond the basis, cash in a merger."""
    account, security, closing, _ = piece
    assert isinstance(closing, Closing)
    acquired = None if closing.opened_by == OPENING else closing.opened
    return ClosedLot(
        account, security, closing.opened_by, closing.closed_by, acquired, closing.closed, ZERO,
        closing.proceeds, closing.basis, ZERO, False, closing.is_long_term,
    )  # fmt: skip


def _washing(pieces: Sequence[_Piece], sale: WashSale) -> Washing:
    sold, replacement = pieces[sale.sold_origin], pieces[sale.replacement_origin]
    return Washing(sold.account, sold.security, replacement.account, replacement.security, sale)

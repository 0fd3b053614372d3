"""First in, first out for somebody who trades a lot: many trades of one security as arrays, not one by one."""

from collections.abc import Sequence
from decimal import Decimal, localcontext
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np

from .fifo import Ints, Pieces, in_last_places, match, whole_numbers
from .lot import WIDE, ZERO, Closing, Deal, Lot
from .precision import MONEY_PLACES, QUANTITY_PLACES

# Below that many trades their conversion to arrays takes longer than one by one does.
FEWEST: Final = 64
_new = tuple.__new__


class _Columns(NamedTuple):
    """The lots to take from and what is sold, each oldest first. `unit`: what one of the quantities is."""

    lots: Sequence[Lot]
    sales: Sequence[Deal]
    bought: Ints
    cost: Ints
    sold: Ints
    received: Ints
    unit: Decimal


def trade_many(lots: Sequence[Lot], deals: Sequence[Deal]) -> tuple[list[Lot], list[Closing]] | None:
    """The lots that are left and what was closed, as trading one by one makes them: to the last place, in that order.

    None where that has to be done: few trades, shorts, days out of order, money not known, numbers too long.
    """
    if len(deals) < FEWEST:
        return None
    with localcontext(WIDE):
        sales = [deal for deal in deals if deal[2] < 0]
        opened = [_new(Lot, (number, day, units, paid, day)) for number, day, units, paid in deals if units > 0]
        if not sales or len(sales) + len(opened) < len(deals) or not _is_in_order([*lots[-1:], *opened]):
            return None
        every = [*lots, *opened]
        enough = _enough(every, sales)
        if enough > len(lots) and _is_ever_short(lots, deals):
            return None
        columns = _columns(every[:enough], sales)
        pieces = columns and match(columns.bought, columns.cost, columns.sold, columns.received)
        if columns is None or pieces is None:
            return None
        return [*_left(columns, pieces), *every[enough:]], _closings(columns, pieces)


def _is_in_order(lots: Sequence[Lot]) -> bool:
    return all(lot.opened <= later.opened for lot, later in pairwise(lots))


def _enough(lots: Sequence[Lot], sales: Sequence[Deal]) -> int:
    """How many of the lots the sales can take from."""
    wanted = -sum((units for _, _, units, _ in sales), ZERO)
    for number, (_, _, units, _, _) in enumerate(lots, start=1):
        wanted -= units
        if wanted <= 0:
            return number
    return len(lots) + 1


def _is_ever_short(lots: Sequence[Lot], deals: Sequence[Deal]) -> bool:
    held = sum((lot.quantity for lot in lots), ZERO)
    for _, _, units, _ in deals:
        held += units
        if held < 0:
            return True
    return False


def _columns(lots: Sequence[Lot], sales: Sequence[Deal]) -> _Columns | None:
    """None where a quantity or an amount is not known, short, or no whole number of 64 bits."""
    money = [*(lot.cost for lot in lots), *(amount for _, _, _, amount in sales)]
    if None in money:
        return None
    quantities = [*(lot.quantity for lot in lots), *(units for _, _, units, _ in sales)]
    units, amounts = whole_numbers(quantities, QUANTITY_PLACES), in_last_places(money, MONEY_PLACES)  # type: ignore[arg-type]
    if units is None or amounts is None or int(amounts.min()) < 0:
        return None
    numbers, in_one = units
    part, count = int(np.gcd.reduce(numbers)), len(lots)
    if not part or int(numbers[:count].min()) <= 0:
        return None
    numbers //= part
    return _Columns(
        lots, sales, numbers[:count], amounts[:count], -numbers[count:], amounts[count:], Decimal(part) / in_one
    )


def _closings(columns: _Columns, pieces: Pieces) -> list[Closing]:
    opened = [(lot.opened_by, lot.opened) for lot in columns.lots]
    closed = [(number, day) for number, day, _, _ in columns.sales]
    columned = zip(
        map(opened.__getitem__, pieces.purchase.tolist()),
        map(closed.__getitem__, pieces.sale.tolist()),
        map(columns.unit.__mul__, pieces.units.tolist()),
        map(MONEY_PLACES.__mul__, pieces.proceeds.tolist()),
        map(MONEY_PLACES.__mul__, pieces.basis.tolist()),
        strict=True,
    )
    return [
        _new(Closing, (opened_by, closed_by, since, until, units, proceeds, basis, False))
        for (opened_by, since), (closed_by, until), units, proceeds, basis in columned
    ]


def _left(columns: _Columns, pieces: Pieces) -> list[Lot]:
    """Of the lots to take from: all but the first one that is left is as it came."""
    left = list(columns.lots[pieces.taken :])
    if left:
        units, cost = pieces.left_units * columns.unit, pieces.left_cost * MONEY_PLACES
        left[0] = left[0]._replace(quantity=units, cost=cost)
    return left

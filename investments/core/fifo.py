"""First in, first out over many trades at once: the pieces in which sales take purchases, by cumulated units.

Purchases and sales lie along one axis of units, each from where the one before it ended. Wherever either ends, a piece
ends. Numbers are whole (64 bits): units in their greatest common part, money in the ledger's last place, so that sums,
products and quotients are exact. Where that does not fit, there is no answer, and the caller goes trade by trade.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]

QUANTITY_UNIT: Final = Decimal(10) ** 12  # of precision.QUANTITY_PLACES in one
MONEY_UNIT: Final = Decimal(10) ** 6  # of precision.MONEY_PLACES in one
_ROOM: Final = 1 << 62
# Pieces of one lot go one after the other: with more of them than this share of all, arrays are no gain.
_DEEPEST: Final = 1 / 10


@dataclass(frozen=True, slots=True)
class Pieces:
    """Arrays (N,), in the order of the sales: the place of the purchase and of the sale, units, and both moneys.

    `taken`: purchases that are gone altogether. `left_units` and `left_cost` are of the one after them, all of it where
    nothing has been taken from it.
    """

    purchase: Ints
    sale: Ints
    units: Ints
    proceeds: Ints
    basis: Ints
    taken: int
    left_units: int
    left_cost: int


def whole_numbers(values: Sequence[Decimal], unit: Decimal) -> Ints | None:
    """The values in parts of `unit` to the one; None where some are below zero, not whole, or do not fit.

    Needs a wide context: what is cut off values of one sign is missing in their sum.
    """
    try:
        numbers = np.fromiter(map(int, map(unit.__mul__, values)), np.int64, len(values))
    except OverflowError:
        return None
    if int(numbers.min()) < 0 or int(numbers.max()) * len(values) >= _ROOM:
        return None
    return numbers if int(numbers.sum()) == unit * sum(values) else None


def match(bought: Ints, cost: Ints, sold: Ints, received: Ints) -> Pieces | None:
    """What sales take of purchases, both above zero and in their order; the sales sell no more than was bought.

    A part of a lot takes its cost by units, rounded half to even, of what the parts before it have left; a part of a
    sale takes of the sale's proceeds likewise. None where 64 bits do not hold it, or arrays would be slower.
    """
    if not _fits(bought, cost, sold, received):
        return None
    bought_to, sold_to = np.cumsum(bought), np.cumsum(sold)
    end = int(sold_to[-1])
    taken = int(np.searchsorted(bought_to, end, side="right"))
    ends = np.sort(np.concatenate((bought_to[:taken], sold_to)), kind="stable")
    ends = ends[np.diff(ends, prepend=0) > 0]
    purchase = np.searchsorted(bought_to, ends)
    sale = np.searchsorted(sold_to, ends)
    units = np.diff(ends, prepend=0)
    basis = _shared(cost, bought, purchase, units)
    proceeds = _shared(received, sold, sale, units)
    if basis is None or proceeds is None:
        return None
    left_units, left_cost = 0, 0
    if taken < len(bought):
        left_units = int(bought_to[taken]) - end
        left_cost = int(cost[taken]) - int(basis[purchase == taken].sum())
    return Pieces(purchase, sale, units, proceeds, basis, taken, left_units, left_cost)


def _fits(bought: Ints, cost: Ints, sold: Ints, received: Ints) -> bool:
    """Whether no sum of units and no product of units and money leaves 64 bits. Sums are taken where none can."""
    most = max(int(bought.max()), int(sold.max()))
    dearest = max(int(np.abs(cost).max()), int(np.abs(received).max()))
    return most * (len(bought) + len(sold)) < _ROOM and most * dearest < _ROOM


def _shared(totals: Ints, wholes: Ints, owner: Ints, units: Ints) -> Ints | None:
    """(N,) what each piece gets of its owner's total; pieces of one owner lie together, in their order."""
    first = np.flatnonzero(np.diff(owner, prepend=-1))
    rank = np.arange(len(owner)) - np.repeat(first, np.diff(first, append=len(owner)))
    deepest = int(rank.max())
    if deepest > len(owner) * _DEEPEST:
        return None
    by_rank = np.argsort(rank, kind="stable")
    counts = np.bincount(rank)
    shares, rest, whole = np.empty_like(units), totals.copy(), wholes.copy()
    start = 0
    for count in counts.tolist():
        pieces = by_rank[start : start + count]
        start += count
        of, part = owner[pieces], units[pieces]
        share = _rounded(rest[of] * part, whole[of])
        shares[pieces] = share
        rest[of] -= share
        whole[of] -= part
    return shares


def _rounded(product: Ints, whole: Ints) -> Ints:
    """The quotient to the nearest whole number, half to even; `whole` > 0."""
    quotient, rest = np.divmod(product, whole)
    twice = 2 * rest
    rounded: Ints = quotient + ((twice > whole) | ((twice == whole) & (quotient & 1 == 1)))
    return rounded

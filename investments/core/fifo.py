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

_ROOM: Final = 1 << 62
_DIGITS: Final = 18  # that 64 bits always hold
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


def whole_numbers(values: Sequence[Decimal], places: Decimal) -> tuple[Ints, int] | None:
    """The values as whole numbers, signs kept, and how many of these make one: as few as hold them all exactly.

    `places`: the ledger's last place of them (1E-6). None where a value has more places, or 64 bits do not hold their
    sum. By way of text, which costs a Decimal less than any arithmetic, and is exact or not at all.
    """
    read = _read(" ".join(map(str, values)), len(values)) if values else None
    if read is None:
        read = _read(_evened(values, places), len(values))
    if read is None:
        return None
    whole, fraction, one, is_below = read
    part = int(np.gcd.reduce(fraction, initial=one))
    in_one = one // part
    if in_one > 1 / places or (int(whole.max()) + 1) * in_one * len(values) >= _ROOM:
        return None
    numbers = whole * in_one + fraction // part
    return np.where(is_below, -numbers, numbers), in_one


def in_last_places(values: Sequence[Decimal], places: Decimal) -> Ints | None:
    """The values in parts of the last place; None as for `whole_numbers`."""
    found = whole_numbers(values, places)
    if found is None:
        return None
    numbers, in_one = found
    parts = int(1 / places) // in_one
    return numbers * parts if int(np.abs(numbers).max()) * parts < _ROOM else None


def _evened(values: Sequence[Decimal], places: Decimal) -> str:
    """As text with as many places each; '' where some do not fit. Needs a wide context."""
    evened = [value.quantize(places) for value in values]
    return " ".join([f"{value:f}" for value in evened]) if evened == list(values) else ""


def _read(text: str, count: int) -> tuple[Ints, Ints, int, npt.NDArray[np.bool_]] | None:
    """Before the point, behind it, what one is behind it, and which are below zero.

    None unless all have as many places, and digits that 64 bits hold.
    """
    raw = np.frombuffer(f" {text} ".encode(), np.uint8)
    spaces, points = np.flatnonzero(raw == ord(" ")), np.flatnonzero(raw == ord("."))
    starts, ends = spaces[:-1] + 1, spaces[1:]
    if len(points) != count or len(starts) != count or not text or "E" in text:
        return None
    places = ends - points
    if (places != places[0]).any() or int(places[0]) > _DIGITS or int((points - starts).max()) > _DIGITS:
        return None
    numbers = np.fromstring(text.replace(".", " "), np.int64, sep=" ")
    return np.abs(numbers[::2]), numbers[1::2], 10 ** int(places[0] - 1), raw[starts] == ord("-")


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

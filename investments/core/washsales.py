"""Wash sales: losses that are put off because the same shares were bought within 30 days (26 USC 1091).

Works on what lots became: `Parcel`s, pieces of purchases of one owner's substantially identical securities, each still
held or closed once. Losses are taken in the order they were made; each is matched with the shares bought earliest in
its 61 days; a matched share is replacement for one loss only. What a loss put off raises the basis of the replacement,
and its own loss, when that is sold, counts with the raised basis.
"""

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal, localcontext
from heapq import heappop, heappush
from typing import Final, NamedTuple

from .lot import WIDE, ZERO, held_over_a_year, portion

WINDOW: Final = timedelta(days=30)


@dataclass(slots=True)
class Parcel:
    """Units bought together and, if at all, sold together. `closed` None: still held, and no proceeds then.

    Not frozen: the pool of `wash` works on its own copies.

    `quantity` > 0 in units of the last day, so that splits between purchases compare; `order` is the place among all
    transactions of the owner. `is_sheltered`: in an IRA or the like, where losses do not count and basis is not kept.
    `cost` includes what wash sales have added (`added`); `opened` starts the holding period. `origin` is the caller's
    name for the parcel, which its pieces keep.
    """

    lot: int
    account: int
    bought: date
    bought_order: int
    quantity: Decimal
    cost: Decimal | None
    opened: date
    closed: date | None = None
    closed_order: int = 0
    closed_by: int | None = None
    proceeds: Decimal | None = None
    is_sheltered: bool = False
    is_short: bool = False
    added: Decimal = ZERO
    disallowed: Decimal = ZERO
    origin: int = 0

    @property
    def gain(self) -> Decimal | None:
        """Proceeds less basis before any loss is put off; None while held, or where a figure is not known."""
        return None if self.proceeds is None or self.cost is None or self.closed is None else self.proceeds - self.cost

    @property
    def recognised(self) -> Decimal | None:
        """The gain that counts: the loss put off is taken out."""
        return None if self.gain is None else self.gain + self.disallowed

    @property
    def is_long_term(self) -> bool:
        """Whether, once closed, it was held for more than a year, the replaced shares' time included."""
        return self.closed is not None and not self.is_short and held_over_a_year(self.opened, self.closed)


class WashSale(NamedTuple):
    """One loss met by one replacement: `quantity` units, `amount` > 0 put off, or lost for good (`is_permanent`)."""

    sold_lot: int
    sold_by: int | None
    sold_on: date
    replacement_lot: int
    replacement_account: int
    bought_on: date
    quantity: Decimal
    amount: Decimal
    is_permanent: bool
    sold_origin: int = 0
    replacement_origin: int = 0


@dataclass(slots=True)
class Washed:
    """The parcels as they count, divided where a match divides them, and every match."""

    parcels: list[Parcel] = field(default_factory=list)
    sales: list[WashSale] = field(default_factory=list)


def wash(parcels: Iterable[Parcel], *, same_lot: bool = False) -> Washed:
    """Apply the rule to one owner's parcels of substantially identical securities; the parcels stay as they are.

    `same_lot`: whether what is left of the lot that was sold counts as a replacement when it was bought within the 30
    days before (unsettled in law; off unless the user wants it).
    """
    ordered = sorted(parcels, key=lambda parcel: (parcel.bought, parcel.bought_order, parcel.lot))
    if not any(_is_open_loss(parcel) for parcel in ordered):
        return Washed(ordered)
    with localcontext(WIDE):
        pool = _Pool([_copy(parcel) for parcel in ordered], same_lot)
        while (loss := pool.next_loss()) is not None:
            pool.wash(loss)
    return Washed(pool.parcels, pool.sales)


_Path = tuple[int, ...]
_Key = tuple[date, int, int, _Path]


class _Pool:
    """The parcels while they are matched, by purchase; pieces of one stay side by side.

    `keys` are what they are sorted by, `key` the same by identity. Last in a key is a path: the place of a parcel at
    first, and for what was cut off it, its own with a number behind it that falls with every cut. `losses`: those not
    yet dealt with, the one made first on top, of one sale the lot bought first; `seen`: those that are or were among
    them. `used`: parcels that replace a loss already.
    """

    def __init__(self, parcels: list[Parcel], same_lot: bool) -> None:
        self.parcels, self.same_lot = parcels, same_lot
        self.keys: list[_Key] = [(one.bought, one.bought_order, one.lot, (at,)) for at, one in enumerate(parcels)]
        self.key: dict[int, _Key] = dict(zip(map(id, parcels), self.keys, strict=True))
        self.sales: list[WashSale] = []
        self.used: set[int] = set()
        self.seen: set[int] = set()
        self.losses: list[tuple[int, int, _Path, Parcel]] = []
        for parcel in parcels:
            self._push(parcel)

    def next_loss(self) -> Parcel | None:
        """The loss made first among those not yet dealt with."""
        return heappop(self.losses)[3] if self.losses else None

    def wash(self, sold: Parcel) -> None:
        """Match a loss with the parcel that replaces it first; what that does not cover is a loss of its own."""
        match = self._replacement(sold)
        if match is None:
            return
        units = min(sold.quantity, match.quantity)
        for parcel in (sold, match):
            if parcel.quantity > units:
                self._divide(parcel, units)
        self._put_off(sold, match)

    def _push(self, parcel: Parcel) -> None:
        if _is_open_loss(parcel) and id(parcel) not in self.seen:
            self.seen.add(id(parcel))
            heappush(self.losses, (parcel.closed_order, parcel.bought_order, self.key[id(parcel)][3], parcel))

    def _replacement(self, sold: Parcel) -> Parcel | None:
        """The parcel bought first that can replace the shares sold: held after the sale, not itself part of it."""
        assert sold.closed is not None
        last = sold.closed + WINDOW
        for place in range(bisect_left(self.keys, (sold.closed - WINDOW,)), len(self.parcels)):
            parcel = self.parcels[place]
            if parcel.bought > last:
                return None
            if parcel.closed is not None and parcel.closed_order <= sold.closed_order:
                continue
            if parcel.lot == sold.lot and not self.same_lot:
                continue
            if parcel.is_short or parcel is sold or id(parcel) in self.used:
                continue
            return parcel
        return None

    def _divide(self, parcel: Parcel, units: Decimal) -> None:
        """Leave `units` in the parcel and put the rest behind it."""
        rest = cut(parcel, units)
        key = self.key[id(parcel)]
        place = bisect_left(self.keys, key) + 1
        bought, order, lot, path = key
        behind = self.key[id(rest)] = bought, order, lot, (*path, -len(self.parcels))
        self.parcels.insert(place, rest)
        self.keys.insert(place, behind)
        self._push(rest)

    def _put_off(self, sold: Parcel, bought: Parcel) -> None:
        assert sold.closed is not None
        assert sold.cost is not None
        assert sold.proceeds is not None
        amount = sold.cost - sold.proceeds
        if amount <= 0:  # the piece is too small for its share of the loss to show in the ledger's places
            return
        self.used.add(id(bought))
        sold.disallowed = amount
        self.sales.append(_sale(sold, bought, amount))
        if not bought.is_sheltered:
            bought.cost = None if bought.cost is None else bought.cost + amount
            bought.added += amount
            bought.opened -= sold.closed - sold.opened
            self._push(bought)


def cut(parcel: Parcel, units: Decimal) -> Parcel:
    """Leave `units` in the parcel; returns the rest. Money goes by units, to the last place."""
    rest, whole = _copy(parcel), parcel.quantity
    parcel.quantity, rest.quantity = units, whole - units
    parcel.added = portion(parcel.added, units, whole) or ZERO
    rest.added -= parcel.added
    parcel.cost, parcel.proceeds = portion(parcel.cost, units, whole), portion(parcel.proceeds, units, whole)
    rest.cost = None if rest.cost is None or parcel.cost is None else rest.cost - parcel.cost
    rest.proceeds = None if rest.proceeds is None or parcel.proceeds is None else rest.proceeds - parcel.proceeds
    return rest


def _sale(sold: Parcel, bought: Parcel, amount: Decimal) -> WashSale:
    assert sold.closed is not None
    return WashSale(
        sold.lot,
        sold.closed_by,
        sold.closed,
        bought.lot,
        bought.account,
        bought.bought,
        sold.quantity,
        amount,
        bought.is_sheltered,
        sold.origin,
        bought.origin,
    )


def _is_open_loss(parcel: Parcel) -> bool:
    """Whether the rule may put off what was lost."""
    if parcel.closed is None or parcel.proceeds is None or parcel.cost is None:
        return False
    return parcel.proceeds < parcel.cost and not parcel.is_sheltered and not parcel.is_short


def _copy(one: Parcel) -> Parcel:
    return Parcel(
        one.lot, one.account, one.bought, one.bought_order, one.quantity, one.cost, one.opened, one.closed,
        one.closed_order, one.closed_by, one.proceeds, one.is_sheltered, one.is_short, one.added, one.disallowed,
        one.origin,
    )  # fmt: skip

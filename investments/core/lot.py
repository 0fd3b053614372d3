"""A tax lot, what closes it, and the arithmetic of both.

Costs are totals, not prices: a part of a lot takes `cost x part / whole`, rounded to the ledger's places, and the rest
keeps what remains, so that nothing is lost to rounding however often a lot is divided.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Context, Decimal
from enum import Enum
from functools import lru_cache
from typing import Final, NamedTuple

from .precision import MONEY_PLACES

ZERO: Final = Decimal(0)
# Wide enough for every sum and product of the ledger's numbers to be exact; quotients have that many digits.
WIDE: Final = Context(prec=80)


class LotMethod(Enum):
    """Which lots a sale closes. SPECIFIC names them; what it leaves unnamed is FIFO."""

    FIFO = "fifo"
    LIFO = "lifo"
    HIFO = "hifo"
    AVERAGE = "average"
    SPECIFIC = "specific"


class Lot(NamedTuple):
    """Units opened together. `quantity` < 0 is a short; `cost` is what was paid for a long, received for a short.

    A tuple, because millions are made and a tuple is made four times as fast as a frozen dataclass.

    `opened_by` is the transaction; `cost` None: not known. `opened` starts the holding period, `entered` is the day
    the lot came to this account: they differ after a transfer, a spin-off or a merger.
    """

    opened_by: int
    opened: date
    quantity: Decimal
    cost: Decimal | None
    entered: date

    @property
    def unit_cost(self) -> Decimal | None:
        """Cost of one unit; None when the lot's is not known."""
        return None if self.cost is None else WIDE.divide(self.cost, abs(self.quantity))


class Closing(NamedTuple):
    """Part of a lot that is gone, and for what. `quantity` > 0; `basis` and `proceeds` None: not known."""

    opened_by: int
    closed_by: int
    opened: date
    closed: date
    quantity: Decimal
    proceeds: Decimal | None
    basis: Decimal | None
    is_short: bool = False

    @property
    def gain(self) -> Decimal | None:
        """Proceeds less basis; None when either is not known."""
        return None if self.proceeds is None or self.basis is None else self.proceeds - self.basis

    @property
    def is_long_term(self) -> bool:
        """Whether it was held for more than a year; a short never is (26 USC 1233)."""
        return not self.is_short and held_over_a_year(self.opened, self.closed)


@dataclass(frozen=True, slots=True)
class Pick:
    """Units that a sale takes from one lot, named by the transaction that opened it."""

    opened_by: int
    quantity: Decimal


class UnknownLot(ValueError):
    """A sale names a lot that is not there, or more units of it than it has."""


@lru_cache(maxsize=4096)
def long_term_from(opened: date) -> date:
    """The first day of the long term: the anniversary of the day after the purchase (IRS Pub. 550)."""
    first = date.fromordinal(opened.toordinal() + 1)
    leap_day = first.month == 2 and first.day == 29
    return date(first.year + 1, 3, 1) if leap_day else first.replace(year=first.year + 1)


def held_over_a_year(opened: date, closed: date) -> bool:
    """Exactly one year is short term."""
    return closed >= long_term_from(opened)


def portion(total: Decimal | None, part: Decimal, whole: Decimal) -> Decimal | None:
    """`total x part / whole` at the ledger's places, all of it when the part is the whole; 0 and None stay."""
    if not total or part == whole:
        return total
    return _quantize(_divide(_multiply(total, part), whole), MONEY_PLACES)


_multiply, _divide, _quantize = WIDE.multiply, WIDE.divide, WIDE.quantize

# id, day, quantity, amount, as `LotQueue.trade` takes them.
Deal = tuple[int, date, Decimal, Decimal | None]

"""Form 8949: sales and other dispositions of capital assets, as the IRS wants them listed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from enum import Enum

from .lot import ZERO

CENT = Decimal("0.01")
WASH_SALE_CODE = "W"


class Part(Enum):
    """Short-term dispositions go to part I, long-term ones to part II."""

    SHORT_TERM = "I"
    LONG_TERM = "II"


@dataclass(frozen=True, slots=True)
class Disposition:
    """One closing as the tax report sees it; money unrounded, None where a figure or the day is not known."""

    description: str
    acquired: date | None
    sold: date
    proceeds: Decimal | None
    basis: Decimal | None
    disallowed: Decimal
    is_long_term: bool
    is_short: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """Columns (a) to (h), money in cents; (d) - (e) + (g) = (h).

    Of a short of before what is known the proceeds are missing,
    of a purchase the basis; `gain` is None then.
    """

    part: Part
    description: str
    acquired: date | None
    sold: date
    proceeds: Decimal | None
    basis: Decimal | None
    code: str
    adjustment: Decimal
    gain: Decimal | None


@dataclass(frozen=True, slots=True)
class Totals:
    """Columns (d), (e), (g) and (h) of a part added up; rows without basis or proceeds are counted, not added."""

    proceeds: Decimal = ZERO
    basis: Decimal = ZERO
    adjustment: Decimal = ZERO
    gain: Decimal = ZERO
    without_basis: int = 0

    def __add__(self, other: "Totals") -> "Totals":
        return Totals(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(self)))


def form_8949(dispositions: Iterable[Disposition], *, year: int) -> list[Row]:
    """The rows of a tax year, by part, then by day of sale, then by description and day of purchase."""
    rows = [_row(disposition) for disposition in dispositions if disposition.sold.year == year]
    return sorted(rows, key=lambda row: (row.part.value, row.sold, row.description, row.acquired or date.min))


def totals(rows: Sequence[Row], part: Part) -> Totals:
    """What stands at the foot of a part."""
    return sum((_totals_of(row) for row in rows if row.part is part), Totals())


def _row(disposition: Disposition) -> Row:
    """Cents column by column, so that each row adds up as printed."""
    proceeds, basis = _known_cents(disposition.proceeds), _known_cents(disposition.basis)
    adjustment, gain = _cents(disposition.disallowed), None
    if proceeds is not None and basis is not None:
        if disposition.basis == (disposition.proceeds or ZERO) + disposition.disallowed:
            adjustment = basis - proceeds  # the whole loss, which must leave nothing over to rounding
        gain = proceeds - basis + adjustment
    return Row(
        part=Part.LONG_TERM if disposition.is_long_term else Part.SHORT_TERM,
        description=disposition.description,
        # What closes a short is bought on the day it is delivered.
        acquired=disposition.sold if disposition.is_short else disposition.acquired,
        sold=disposition.sold,
        proceeds=proceeds,
        basis=basis,
        code=WASH_SALE_CODE if adjustment else "",
        adjustment=adjustment,
        gain=gain,
    )


def _totals_of(row: Row) -> Totals:
    if row.proceeds is None or row.basis is None or row.gain is None:
        return Totals(without_basis=1)
    return Totals(row.proceeds, row.basis, row.adjustment, row.gain)


def _known_cents(amount: Decimal | None) -> Decimal | None:
    return None if amount is None else _cents(amount)


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, rounding=ROUND_HALF_UP)

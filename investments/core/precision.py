"""Numbers as the ledger stores them: which fit, and to how many places they are kept."""

from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Final

QUANTITY_PLACES: Final = Decimal("1E-12")
MONEY_PLACES: Final = Decimal("1E-6")
QUANTITY_LIMIT: Final = Decimal("1E18")
MONEY_LIMIT: Final = Decimal("1E14")
_WIDE: Final = Context(prec=60)


class DoesNotFit(ValueError):
    """A number that no account can mean: not finite, too large, or too small to be kept."""


def quantity(value: Decimal) -> Decimal:
    """A quantity or price at 12 places. A number that would round to nothing is refused, not lost."""
    rounded = _rounded(value, QUANTITY_PLACES, QUANTITY_LIMIT)
    if value and not rounded:
        raise DoesNotFit(f"{value} is too small: at 12 places it is nothing")
    return rounded


def money(value: Decimal) -> Decimal:
    """An amount of money at 6 places."""
    return _rounded(value, MONEY_PLACES, MONEY_LIMIT)


def _rounded(value: Decimal, places: Decimal, limit: Decimal) -> Decimal:
    if not value.is_finite():
        raise DoesNotFit(f"{value} is not a number")
    if abs(value) >= limit:
        raise DoesNotFit(f"{value:.3E} is absurdly large")
    return value.quantize(places, rounding=ROUND_HALF_UP, context=_WIDE)

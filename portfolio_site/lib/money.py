"""The one place where money is rounded."""

from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache

from babel.numbers import get_currency_precision, list_currencies

# Stored market values: finer than any currency's minor unit, so that sums of them round once, at display.
STORED_PLACES = Decimal("0.0001")


def stored(value: Decimal) -> Decimal:
    """`value` at the four places in which market values are kept."""
    return value.quantize(STORED_PLACES, rounding=ROUND_HALF_UP)


@lru_cache(maxsize=512)  # asked of every figure on a page
def minor_unit(currency: str) -> Decimal:
    """The smallest amount of a currency: 0.01 for USD, 1 for JPY. Unknown codes get two places."""
    return Decimal(1).scaleb(-int(get_currency_precision(currency.upper())))


def is_currency(code: str) -> bool:
    """Whether `code` is a currency's ISO 4217 code: `USD`, not `usd` and not `XYZ`."""
    return code in list_currencies()


def displayed(value: Decimal, currency: str = "USD") -> Decimal:
    """`value` rounded half up to the currency's minor unit. For display only, never before a sum."""
    return value.quantize(minor_unit(currency), rounding=ROUND_HALF_UP)


def exact(value: Decimal) -> str:
    """All digits of `value` and no more, but at least two places: 12.5 as `12.50`, 0.00012 as `0.00012`."""
    whole, _, fraction = format(value, "f").partition(".")
    return f"{whole}.{fraction.rstrip('0').ljust(2, '0')}"

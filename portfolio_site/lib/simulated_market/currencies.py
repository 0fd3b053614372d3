"""Exchange rates of the simulated market."""

from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Final

import numpy as np

from .factors import ANCHOR_INDEX, Floats, reverting, shocks
from .listing import EPOCH, HORIZON

# US dollars for one unit on ANCHOR.
USD_VALUE: Final[dict[str, float]] = {
    "USD": 1.0,
    "EUR": 1.172,
    "GBP": 1.346,
    "CHF": 1.262,
    "JPY": 0.00638,
    "CAD": 0.729,
    "AUD": 0.669,
    "NZD": 0.577,
    "SEK": 0.1085,
    "NOK": 0.0993,
    "DKK": 0.157,
    "SGD": 0.778,
    "HKD": 0.1285,
    "CNY": 0.1431,
    "INR": 0.0111,
    "KRW": 0.00069,
    "MXN": 0.0557,
    "BRL": 0.182,
    "PLN": 0.278,
    "ILS": 0.313,
    "ZAR": 0.0605,
}
VOLATILITY: Final = 0.07
SIGNIFICANT_DIGITS: Final = 6


@lru_cache(maxsize=32)
def _dollars(currency: str) -> Floats:
    if currency == "USD":
        return np.ones((HORIZON - EPOCH).days + 1)
    wandering = reverting(shocks(f"currency {currency}", VOLATILITY))
    value: Floats = USD_VALUE[currency] * np.exp(wandering - wandering[ANCHOR_INDEX])
    return value


def fx_rates(base: str, quote: str, start: date, end: date) -> list[tuple[date, Decimal]]:
    """Units of `quote` for one `base` on each weekday from `start` to `end`, ascending, six significant digits.

    Empty for a currency that is not known here.
    """
    if base not in USD_VALUE or quote not in USD_VALUE:
        return []
    rates = _dollars(base) / _dollars(quote)
    first, last = max(start, EPOCH), min(end, HORIZON)
    days = (first + timedelta(days=offset) for offset in range((last - first).days + 1))
    return [(day, _rounded(rates[(day - EPOCH).days])) for day in days if day.weekday() < 5]


def _rounded(rate: float) -> Decimal:
    return Decimal(f"{rate:.{SIGNIFICANT_DIGITS}g}")

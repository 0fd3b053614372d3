"""Listed options of the simulated market: OCC symbols, and prices after Black and Scholes (1973)."""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from statistics import NormalDist
from typing import Final, Literal

RATE: Final = 0.04
MARKET_PART: Final = 0.15  # what the market adds to a symbol's own volatility
OCC: Final = re.compile(r"([A-Z][A-Z0-9.]{0,5}) *(\d{6})([CP])(\d{8})")
_NORMAL: Final = NormalDist()


@dataclass(frozen=True, slots=True)
class OptionTerms:
    """One contract on 100 units of `underlying`; `strike` in its currency."""

    underlying: str
    expires_on: date
    contract_type: Literal["call", "put"]
    strike: Decimal


def option_terms(symbol: str) -> OptionTerms | None:
    """The terms in an OCC symbol (`AAPL270115C00250000`, padded or not); None for anything else."""
    match = OCC.fullmatch(symbol.strip().upper())
    if match is None:
        return None
    underlying, day, side, strike = match.groups()
    try:
        expires_on = datetime.strptime(day, "%y%m%d").date()  # noqa: DTZ007
    except ValueError:
        return None
    return OptionTerms(underlying, expires_on, "call" if side == "C" else "put", Decimal(strike) / 1000)


def option_symbol(terms: OptionTerms) -> str:
    """The OCC symbol of a contract, without padding."""
    side = "C" if terms.contract_type == "call" else "P"
    return f"{terms.underlying}{terms.expires_on:%y%m%d}{side}{int(terms.strike * 1000):08d}"


def premiums(
    terms: OptionTerms, underlying: Iterable[tuple[date, Decimal]], *, volatility: float
) -> list[tuple[date, Decimal]]:
    """The price of one unit (a hundredth of a contract) on each day of `underlying` up to expiry, at least 0.01."""
    return [(day, _premium(terms, float(spot), day, volatility)) for day, spot in underlying if day <= terms.expires_on]


def _premium(terms: OptionTerms, spot: float, day: date, volatility: float) -> Decimal:
    strike, years = float(terms.strike), (terms.expires_on - day).days / 365
    sign = 1 if terms.contract_type == "call" else -1
    if not years:
        value = sign * (spot - strike)
    else:
        deviation = volatility * math.sqrt(years)
        d1 = (math.log(spot / strike) + (RATE + volatility**2 / 2) * years) / deviation
        discounted = strike * math.exp(-RATE * years)
        value = sign * (spot * _NORMAL.cdf(sign * d1) - discounted * _NORMAL.cdf(sign * (d1 - deviation)))
    return max(Decimal(f"{value:.2f}"), Decimal("0.01"))

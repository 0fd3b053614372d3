"""What is listed on the simulated market, and the identifiers that go with it."""

import hashlib
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from .identifiers import cusip_of, isin_of

EPOCH: Final = date(2015, 1, 2)
HORIZON: Final = date(2048, 12, 31)
ANCHOR: Final = date(2026, 1, 2)  # the day on which a listing trades at its stated price

Kind = Literal["equity", "etf", "mutual fund", "money market", "crypto", "currency", "option"]

QUARTERLY: Final = (3, 6, 9, 12)
MONTHLY: Final = tuple(range(1, 13))


@dataclass(frozen=True, slots=True)
class SplitSchedule:
    """Splits that recur: `ratio` new units for an old one (1:8 reverse is 0.125), first in a month, then every so many.

    The company's growth is made to follow its splits, so that the price as traded stays in its range.
    """

    ratio: float
    first: date
    every_months: int = 72


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """One listed thing. `price`: as traded on ANCHOR, in `currency`. Rates are per year, as fractions.

    `drift`: of the logarithm of the price, before splits. `volatility`: of the symbol alone, beside the market's part.
    """

    symbol: str
    name: str
    kind: Kind
    price: float
    sector: str = "Miscellaneous"
    industry: str = "Miscellaneous"
    exchange: str = "XNYS"
    currency: str = "USD"
    drift: float = 0.05
    volatility: float = 0.2
    beta: float = 1.0
    dividend_yield: float = 0.0
    dividend_months: tuple[int, ...] = QUARTERLY
    split: SplitSchedule | None = None
    listed_on: date = EPOCH
    delisted_on: date | None = None  # the last day of trading

    @property
    def trades_daily(self) -> bool:
        """Whether it trades on weekends and holidays too."""
        return self.kind == "crypto"

    @property
    def cusip(self) -> str | None:
        """A CUSIP with a valid check digit; None for what has none."""
        if self.kind in ("crypto", "currency", "option"):
            return None
        return cusip_of(f"{seed_of(self.symbol, 'cusip') % 10**8:08d}")

    @property
    def isin(self) -> str | None:
        """The US ISIN around the CUSIP; None for what has none."""
        return None if self.cusip is None else isin_of("US" + self.cusip)


def seed_of(symbol: str, purpose: str) -> int:
    """64 bits that depend on nothing but the two texts."""
    return int.from_bytes(hashlib.sha256(f"{purpose}:{symbol}".encode()).digest()[:8], "big")

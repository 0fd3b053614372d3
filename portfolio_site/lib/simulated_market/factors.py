"""What moves prices: the whole market, the sector, and the symbol itself, each as a daily series of logarithms.

Index 0 is EPOCH and there is an entry for every calendar day, so that a day's value depends on the day alone and not
on which days the exchange held sessions.
"""

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .listing import ANCHOR, EPOCH, HORIZON, Listing, seed_of

Floats = NDArray[np.float64]

DAYS: Final = (HORIZON - EPOCH).days + 1
ANCHOR_INDEX: Final = (ANCHOR - EPOCH).days
SESSIONS_A_YEAR: Final = 252
DAYS_A_YEAR: Final = 365.25
MARKET_VOLATILITY: Final = 0.12
SECTOR_VOLATILITY: Final = 0.06
REVERSION: Final = np.log(2) / (3 * DAYS_A_YEAR)  # a symbol's own wandering halves in three years

_WEEKDAY: Final[NDArray[np.bool_]] = (np.arange(DAYS) + EPOCH.weekday()) % 7 < 5


def shocks(name: str, volatility: float, *, daily: bool = False) -> Floats:
    """Independent daily moves with a yearly `volatility`; none on weekends unless `daily`."""
    draws: Floats = np.random.Generator(np.random.PCG64(seed_of(name, "shocks"))).standard_normal(DAYS)
    a_year = DAYS_A_YEAR if daily else SESSIONS_A_YEAR
    moves: Floats = draws * float(volatility / np.sqrt(a_year)) * (1.0 if daily else _WEEKDAY)
    return moves


def reverting(moves: Floats) -> Floats:
    """The moves summed while older ones fade (Ornstein-Uhlenbeck), so that prices keep to their trend for decades."""
    growth = np.exp(REVERSION * np.arange(DAYS))
    faded: Floats = np.cumsum(moves * growth) / growth
    return faded


def _falls() -> Floats:
    """Sell-offs: one begins somewhere in most years, falls in weeks and recovers in months."""
    total = np.zeros(DAYS)
    for year in range(EPOCH.year, HORIZON.year + 1):
        seed = seed_of(str(year), "fall")
        begin = int((year - EPOCH.year) * DAYS_A_YEAR) + seed % 365
        depth = 0.05 + 0.2 * ((seed >> 16) % 1000 / 1000) ** 2
        bottom = begin + 15 + (seed >> 32) % 25
        end = bottom + 70 + (seed >> 40) % 110
        total -= depth * np.interp(np.arange(DAYS), [begin, bottom, end], [0.0, 1.0, 0.0])
    return total


@lru_cache(maxsize=1)
def market() -> Floats:
    """The logarithm of the market's level on each day, without drift."""
    return reverting(shocks("market 1", MARKET_VOLATILITY)) + _falls()


@lru_cache(maxsize=64)
def sector(name: str) -> Floats:
    """The logarithm of a sector's level beside the market's."""
    return reverting(shocks(f"sector {name}", SECTOR_VOLATILITY))


@lru_cache(maxsize=256)
def path(item: Listing) -> Floats:
    """The logarithm of price times units of one initial unit, relative to ANCHOR: continuous across splits."""
    own = reverting(shocks(item.symbol, item.volatility, daily=item.trades_daily))
    years = np.arange(DAYS) / DAYS_A_YEAR
    total = own + item.beta * market() + (item.drift + _split_growth(item)) * years
    if item.kind == "equity":
        total += sector(item.sector)
    relative: Floats = total - total[ANCHOR_INDEX]
    relative.flags.writeable = False
    return relative


def _split_growth(item: Listing) -> float:
    """The growth per year that a recurring split answers to; the drift stated is what is left between splits."""
    if item.split is None:
        return 0.0
    return float(np.log(item.split.ratio)) * 12 / item.split.every_months - item.drift

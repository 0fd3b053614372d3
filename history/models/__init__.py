"""Prices over time, and what they make of the ledger: a value per account and day."""

from .account_day import AccountDay
from .fx import FxRate
from .price import Price
from .reconstruction import AccountHistory, Anomaly
from .symbol import MarketSymbol, SecurityMapping, SymbolAction

__all__ = [
    "AccountDay",
    "AccountHistory",
    "Anomaly",
    "FxRate",
    "MarketSymbol",
    "Price",
    "SecurityMapping",
    "SymbolAction",
]

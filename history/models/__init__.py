"""Prices over time, and what they make of the ledger: a value per account and day."""

from .account_day import AccountDay
from .benchmark import BenchmarkSector
from .correction import Correction, PriceDoubt
from .fx import CurrencyRange, FxRate
from .intraday import IntradayValue
from .mapping import MappingReview
from .price import Price
from .reconstruction import AccountHistory, Anomaly
from .snapshot import SnapshotRun, SnapshotShard
from .symbol import FormerName, MarketSymbol, SecurityMapping, SymbolAction
from .usage import ProviderUsage, StoreUsage

__all__ = [
    "AccountDay",
    "AccountHistory",
    "Anomaly",
    "BenchmarkSector",
    "Correction",
    "CurrencyRange",
    "FormerName",
    "FxRate",
    "IntradayValue",
    "MappingReview",
    "MarketSymbol",
    "Price",
    "PriceDoubt",
    "ProviderUsage",
    "SecurityMapping",
    "SnapshotRun",
    "SnapshotShard",
    "StoreUsage",
    "SymbolAction",
]

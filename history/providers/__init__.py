"""Sources of market data. Importing the package registers every provider."""

from . import alphavantage, fmp, simulated, stored, yahoo
from .base import REGISTRY, DataProvider, ProviderError
from .chain import DataProviderChain, configured_chain

__all__ = [
    "REGISTRY",
    "DataProvider",
    "DataProviderChain",
    "ProviderError",
    "alphavantage",
    "configured_chain",
    "fmp",
    "simulated",
    "stored",
    "yahoo",
]

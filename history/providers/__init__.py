"""Sources of market data. Importing the package registers every provider."""

from . import simulated, stored
from .base import REGISTRY, DataProvider, DataProviderChain, ProviderError, configured_chain

__all__ = ["REGISTRY", "DataProvider", "DataProviderChain", "ProviderError", "configured_chain", "simulated", "stored"]

"""Plaid as a source."""

from .client import PlaidClient, client
from .source import PlaidSource

__all__ = ["PlaidClient", "PlaidSource", "client"]

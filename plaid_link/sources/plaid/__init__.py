"""Plaid as a source."""

from typing import TYPE_CHECKING

from .source import PlaidSource

if TYPE_CHECKING:
    from .official import PlaidClient

__all__ = ["PlaidSource", "client"]


def client() -> "PlaidClient":
    """The client for the PLAID_HOST of the settings; connections are shared within the process.

    plaid-python takes most of a second and 50 MB to import, which beat, commands and most workers never need.
    """
    from plaid_link.sources.plaid.official import client as official

    return official()

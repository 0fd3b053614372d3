"""A market that exists only here: prices, splits and dividends for any symbol, the same on every machine and day.

Everything follows from a hash of the symbol and the day asked for; there is no clock and no shared random state, so
the price of a day never changes whatever was asked before. The local Plaid server and the simulated price provider
read the same market, so that holdings and history agree.
"""

from .currencies import fx_rates
from .events import Dividend, Split, dividends, splits
from .listing import EPOCH, HORIZON, Kind, Listing, SplitSchedule
from .options import OptionTerms, option_symbol, option_terms
from .prices import Bar, bars, close_on, closes
from .quotes import LastTrade, last_trade
from .universe import UNIVERSE, canonical, listing, search

__all__ = [
    "EPOCH",
    "HORIZON",
    "UNIVERSE",
    "Bar",
    "Dividend",
    "Kind",
    "LastTrade",
    "Listing",
    "OptionTerms",
    "Split",
    "SplitSchedule",
    "bars",
    "canonical",
    "close_on",
    "closes",
    "dividends",
    "fx_rates",
    "last_trade",
    "listing",
    "option_symbol",
    "option_terms",
    "search",
    "splits",
]

"""The layouts that are recognised by their header, the most telling first, and the one for everything else."""

from collections.abc import Mapping
from typing import Final

from plaid_link.sources.csv.layouts.base import Layout
from plaid_link.sources.csv.layouts.fidelity import Fidelity
from plaid_link.sources.csv.layouts.generic import Generic
from plaid_link.sources.csv.layouts.ibkr import InteractiveBrokers
from plaid_link.sources.csv.layouts.robinhood import Robinhood
from plaid_link.sources.csv.layouts.schwab import Schwab
from plaid_link.sources.csv.layouts.vanguard import Vanguard

GENERIC: Final = Generic()
BROKERS: Final[Mapping[str, Layout]] = {
    layout.name: layout for layout in (InteractiveBrokers(), Robinhood(), Vanguard(), Fidelity(), Schwab())
}
LAYOUTS: Final[Mapping[str, Layout]] = {**BROKERS, GENERIC.name: GENERIC}

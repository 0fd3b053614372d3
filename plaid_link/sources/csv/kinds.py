"""What a row of a file can be, in the ledger's types, and the words that brokers and people use for it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Final


class Needs(Enum):
    """What a row of this kind cannot do without."""

    TRADE = "trade"  # a security, units, and money or a price
    UNITS = "units"  # a security and units
    CASH = "cash"  # money
    SOMETHING = "something"  # units or money


@dataclass(frozen=True, slots=True)
class Kind:
    """`outward`: what it is when money, or units, leave the account."""

    label: str
    type: str
    subtype: str
    needs: Needs
    outward: tuple[str, str] | None = None


def _trade(label: str, type: str, subtype: str) -> Kind:
    return Kind(label, type, subtype, Needs.TRADE)


def _cash(label: str, subtype: str, type: str = "cash", outward: str = "") -> Kind:
    return Kind(label, type, subtype, Needs.CASH, ("cash", outward) if outward else None)


def _units(label: str, subtype: str, needs: Needs = Needs.UNITS) -> Kind:
    return Kind(label, "transfer", subtype, needs)


KINDS: Final[Mapping[str, Kind]] = {
    "buy": _trade("Purchase", "buy", "buy"),
    "sell": _trade("Sale", "sell", "sell"),
    "buy_contribution": _trade("Contribution invested", "buy", "contribution"),
    "sell_distribution": _trade("Sale paid out", "sell", "distribution"),
    "sell_short": _trade("Short sale", "sell", "sell short"),
    "buy_to_cover": _trade("Purchase to cover", "buy", "buy to cover"),
    "reinvest": _trade("Dividend reinvested", "buy", "dividend reinvestment"),
    "reinvest_interest": _trade("Interest reinvested", "buy", "interest reinvestment"),
    "reinvest_long": _trade("Long-term gain reinvested", "buy", "long-term capital gain reinvestment"),
    "reinvest_short": _trade("Short-term gain reinvested", "buy", "short-term capital gain reinvestment"),
    "dividend": _cash("Dividend", "dividend"),
    "qualified_dividend": _cash("Qualified dividend", "qualified dividend"),
    "non_qualified_dividend": _cash("Non-qualified dividend", "non-qualified dividend"),
    "interest": _cash("Interest", "interest"),
    "long_gain": _cash("Long-term capital gain", "long-term capital gain"),
    "short_gain": _cash("Short-term capital gain", "short-term capital gain"),
    "return_of_capital": _cash("Return of capital", "return of principal"),
    "cash_in_lieu": _cash("Cash in lieu of a fraction", "split", "transfer"),
    "deposit": _cash("Deposit or withdrawal", "deposit", outward="withdrawal"),
    "contribution": _cash("Contribution", "contribution", outward="withdrawal"),
    "account_fee": _cash("Account fee", "account fee", "fee"),
    "management_fee": _cash("Management fee", "management fee", "fee"),
    "fee": _cash("Other fee", "miscellaneous fee", "fee"),
    "margin_interest": _cash("Margin interest", "margin expense", "fee"),
    "tax_withheld": _cash("Tax withheld", "tax withheld", "fee"),
    "foreign_tax": _cash("Foreign tax", "non-resident tax", "fee"),
    "transfer": _units("Transfer of units or cash", "transfer", Needs.SOMETHING),
    "adjustment": Kind("Adjustment", "cash", "adjustment", Needs.SOMETHING),
    "split": _units("Split", "split"),
    "stock_dividend": Kind("Stock dividend", "cash", "stock distribution", Needs.UNITS),
    "spin_off": _units("Spin-off", "spin off"),
    "merger": _units("Merger", "merger", Needs.SOMETHING),
    "expire": _units("Option expired", "expire"),
    "assignment": _units("Option assigned", "assignment"),
    "exercise": _units("Option exercised", "exercise"),
}
LEAVE_OUT: Final = "leave_out"
# Rows of these move units out when money comes in, whatever sign the file gives the units.
OUT_OF_HOLDINGS: Final = frozenset({"sell", "sell_short"})

# Words of a column that says what happened, as people write it by hand.
_WORDS: Final[Mapping[str, str]] = {
    "buy": "buy", "bought": "buy", "purchase": "buy", "b": "buy", "kauf": "buy", "achat": "buy", "compra": "buy",
    "market buy": "buy", "limit buy": "buy", "buy to open": "buy", "bto": "buy",
    "sell": "sell", "sold": "sell", "sale": "sell", "s": "sell", "verkauf": "sell", "vente": "sell", "venta": "sell",
    "market sell": "sell", "limit sell": "sell", "sell to close": "sell", "stc": "sell",
    "sell short": "sell_short", "short": "sell_short", "sell to open": "sell_short", "sto": "sell_short",
    "buy to cover": "buy_to_cover", "cover": "buy_to_cover", "buy to close": "buy_to_cover", "btc": "buy_to_cover",
    "dividend": "dividend", "dividends": "dividend", "div": "dividend", "cash dividend": "dividend",
    "dividende": "dividend", "ordinary dividend": "dividend", "dividendo": "dividend",
    "qualified dividend": "qualified_dividend", "non-qualified dividend": "non_qualified_dividend",
    "reinvest": "reinvest", "reinvestment": "reinvest", "dividend reinvestment": "reinvest", "drip": "reinvest",
    "reinvest shares": "reinvest", "reinvested dividend": "reinvest",
    "interest": "interest", "int": "interest", "zinsen": "interest", "interest income": "interest",
    "long-term capital gain": "long_gain", "short-term capital gain": "short_gain",
    "capital gain": "long_gain", "return of capital": "return_of_capital",
    "deposit": "deposit", "withdrawal": "deposit", "withdraw": "deposit", "einzahlung": "deposit",
    "auszahlung": "deposit", "ach": "deposit", "wire": "deposit", "cash in": "deposit", "cash out": "deposit",
    "contribution": "contribution", "fee": "fee", "fees": "fee", "commission": "fee", "gebühr": "fee",
    "tax": "tax_withheld", "tax withheld": "tax_withheld", "withholding tax": "tax_withheld", "steuer": "tax_withheld",
    "transfer": "transfer", "transfer in": "transfer", "transfer out": "transfer", "acat": "transfer",
    "split": "split", "stock split": "split", "spin-off": "spin_off", "spinoff": "spin_off", "merger": "merger",
    "stock dividend": "stock_dividend", "cash in lieu": "cash_in_lieu",
    "expired": "expire", "assigned": "assignment", "exercised": "exercise",
}  # fmt: skip


@lru_cache(maxsize=4096)
def plain(text: str) -> str:
    """Words to look up: lower case, single spaces."""
    return re.sub(r"\s+", " ", text).strip().lower()


def guessed(words: str) -> str:
    """The kind that somebody means by these words, or '' where nobody can tell."""
    return _WORDS.get(plain(words), "")

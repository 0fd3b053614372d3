"""Robinhood's account activity report: dates, Instrument, Description, Trans Code, Quantity, Price, Amount."""

import re
from dataclasses import replace
from decimal import Decimal
from typing import Final

from plaid_link.sources.csv.drafting import Record, Told
from plaid_link.sources.csv.instruments import instrument, option
from plaid_link.sources.csv.kinds import plain
from plaid_link.sources.csv.layouts.base import Broker, Context
from plaid_link.sources.csv.rows import Instrument

CODES: Final = {
    "bcxl": "buy", "scxl": "sell",
    "buy": "buy", "sell": "sell", "bto": "buy", "stc": "sell", "sto": "sell_short", "btc": "buy_to_cover",
    "ss": "sell_short", "bc": "buy_to_cover", "cdiv": "dividend", "mdiv": "dividend", "qdiv": "qualified_dividend",
    "sdiv": "stock_dividend", "cil": "cash_in_lieu", "int": "interest", "slip": "interest", "mint": "margin_interest",
    "gdbp": "deposit", "ach": "deposit", "rtp": "deposit", "wire": "deposit", "xent": "deposit", "dcf": "deposit",
    "itrf": "transfer", "abip": "deposit", "futswp": "deposit", "jnlc": "deposit", "jnls": "transfer",
    "gold": "account_fee", "gmpc": "deposit", "dfee": "fee", "afee": "fee", "mrgf": "fee", "wfee": "fee",
    "dtax": "foreign_tax", "nrat": "foreign_tax", "dfrn": "foreign_tax", "roc": "return_of_capital",
    "acati": "transfer", "acato": "transfer", "rec": "transfer", "spl": "split", "spr": "split", "soff": "spin_off",
    "mrgs": "merger", "mrgc": "merger", "sxch": "merger", "oexp": "expire", "oasgn": "assignment", "oexcs": "exercise",
    "ltcg": "long_gain", "stcg": "short_gain", "crrd": "deposit", "mtch": "contribution", "cfir": "contribution",
}  # fmt: skip
CANCELS: Final = frozenset({"bcxl", "scxl"})
_CUSIP: Final = re.compile(r"CUSIP: ?([0-9A-Z]{9})")
_OPTION_PREFIX: Final = re.compile(r"^Option (?:Expiration|Assignment|Exercise) for ", re.IGNORECASE)


class Robinhood(Broker):
    name = "robinhood"
    label = "Robinhood"
    institution = "Robinhood"
    header = frozenset({"activity date", "settle date", "instrument", "trans code", "quantity", "amount"})
    date_column = "activity date"
    aliases = {"symbol": ("instrument",)}

    def told(self, record: Record, context: Context) -> Told:
        """A quantity with an S is short; money in brackets was paid. A reinvestment is said in the description."""
        code, description = record.text("trans code"), record.text("description")
        known = CODES.get(plain(code), "")
        if known == "buy" and "dividend reinvestment" in description.lower():
            known = "reinvest"
        kind = context.kind(code, known, column="trans code")
        record.cells["quantity"], is_short = _unmarked(record.text("quantity"))
        return Told(
            kind=kind,
            cancelled_in="trans code" if plain(code) in CANCELS else "",
            day=record.day("activity date"),
            cash=record.number("amount"),
            quantity=_signed(record.number("quantity"), known, is_short),
            price=record.number("price"),
            instrument=_instrument(record.text("instrument"), description),
            name=" ".join(description.split()),
            settles_on=record.settles("settle date") if kind.type in ("buy", "sell") else None,
        )


def _unmarked(quantity: str) -> tuple[str, bool]:
    return (quantity[:-1], True) if quantity[-1:] in ("S", "s") else (quantity, False)


def _signed(quantity: Decimal | None, kind: str, is_short: bool) -> Decimal | None:
    """What expires or is assigned leaves: long units go, short ones come back. An S elsewhere takes units away."""
    if quantity is None:
        return None
    if kind in ("expire", "assignment", "exercise"):
        return abs(quantity) if is_short else -abs(quantity)
    return -quantity if is_short else quantity


def _instrument(symbol: str, description: str) -> Instrument | None:
    first = _OPTION_PREFIX.sub("", description.splitlines()[0].strip()) if description else ""
    contract = option(first)
    if contract or not symbol:
        return contract
    told = _CUSIP.search(description)
    found = instrument(symbol, first)
    return replace(found, cusip=told[1]) if told and found and not found.cusip else found

"""Schwab's transactions: Date, Action, Symbol, Description, Quantity, Price, Fees & Comm, Amount."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from plaid_link.sources.csv.drafting import Record, Told
from plaid_link.sources.csv.instruments import instrument
from plaid_link.sources.csv.kinds import plain
from plaid_link.sources.csv.layouts.base import Broker, Context, LeaveOut, names
from plaid_link.sources.csv.rows import Instrument, Line
from plaid_link.sources.csv.table import Table

ACTIONS: Final = {
    "buy": "buy", "buy to open": "buy", "sell": "sell", "sell to close": "sell", "sell to open": "sell_short",
    "buy to close": "buy_to_cover", "sell short": "sell_short", "buy to cover": "buy_to_cover",
    "reinvest shares": "reinvest", "ret cap reinvest": "reinvest", "full redemption": "sell",
    "cash dividend": "dividend", "qualified dividend": "qualified_dividend", "special dividend": "dividend",
    "non-qualified div": "non_qualified_dividend", "qual div reinvest": "qualified_dividend",
    "reinvest dividend": "dividend", "pr yr cash div": "dividend", "pr yr div reinvest": "dividend",
    "pr yr special div": "dividend", "pr yr non-qual div": "non_qualified_dividend", "special qual div":
    "qualified_dividend", "special non qual div": "non_qualified_dividend", "div adjustment": "dividend",
    "cash in lieu": "cash_in_lieu", "long term cap gain": "long_gain", "short term cap gain": "short_gain",
    "long term cap gain reinvest": "long_gain", "short term cap gain reinvest": "short_gain",
    "bank interest": "interest", "credit interest": "interest", "bond interest": "interest",
    "interest adj": "interest", "margin interest": "margin_interest", "return of capital": "return_of_capital",
    "moneylink transfer": "deposit", "moneylink deposit": "deposit", "moneylink adj": "deposit",
    "wire received": "deposit", "wire funds": "deposit", "wire sent": "deposit", "wire funds received": "deposit",
    "funds received": "deposit", "funds paid": "deposit", "visa purchase": "deposit", "atm withdrawal": "deposit",
    "misc credits": "deposit", "journal": "transfer", "journaled shares": "transfer", "security transfer": "transfer",
    "internal transfer": "transfer", "stock plan activity": "transfer", "misc cash entry": "adjustment",
    "foreign tax paid": "foreign_tax", "foreign tax reclaim": "foreign_tax", "nra tax adj": "foreign_tax",
    "nra withholding": "foreign_tax", "tax withholding": "tax_withheld", "irs withhold adj": "tax_withheld",
    "adr mgmt fee": "fee", "service fee": "fee", "advisor fee": "management_fee", "fee": "fee",
    "stock split": "split", "stock split adj": "split", "reverse split": "split", "spin-off": "spin_off",
    "stock merger": "merger", "cash merger": "merger", "cash merger adj": "merger", "cash/stock merger": "merger",
    "exchange or exercise": "exercise", "expired": "expire", "assigned": "assignment", "mandatory reorg exc": "merger",
    "stock div dist": "stock_dividend", "name change": "merger", "conversion": "merger",
}  # fmt: skip
# What leaves in a reorganisation is told by its CUSIP, and as "OLD NAME XXXREVERSE SPLIT EFF: 06/10/24".
_OLD_NAME: Final = re.compile(r"^(.+?) *XXX")
_CUSIP: Final = re.compile(r"(?=.*\d)[0-9A-Z]{8}\d")
_CANCEL: Final = re.compile(r"\bcancel(?:led)?\b", re.IGNORECASE)
_AS_OF: Final = re.compile(r"^(.*?)\s+as of\s+(.*)$", re.IGNORECASE)


class Schwab(Broker):
    name = "schwab"
    label = "Charles Schwab"
    institution = "Charles Schwab"
    header = frozenset({"date", "action", "symbol", "description", "quantity", "price", "fees & comm", "amount"})
    date_column = "date"

    def lines(self, rows: Table, context: Context) -> Iterator[Line]:
        """A file of reorganisations is read twice: the ticker of what one took away stands in other rows."""
        return super().lines(rows, replace(context, tickers=_tickers(rows)))

    def told(self, record: Record, context: Context) -> Told:
        """ "07/01/2026 as of 06/30/2026" happened on the second date; it was only booked on the first."""
        if plain(record.text("date")).startswith("transactions total"):
            raise LeaveOut("Not a transaction: the total of the file")
        action = record.text("action")
        booked = _CANCEL.sub("", action).strip()
        kind = context.kind(booked, ACTIONS.get(plain(booked), ""), column="action")
        told = _AS_OF.match(record.text("date"))
        record.cells["date"] = told[2] if told else record.text("date")
        return Told(
            kind=kind,
            cancelled_in="" if booked == action else "action",
            day=record.day("date"),
            cash=record.number("amount"),
            quantity=record.number("quantity"),
            price=record.number("price"),
            fees=record.sum("fees & comm"),
            instrument=_instrument(record, context),
            name=f"{action}: {record.text('description')}",
        )


def _instrument(record: Record, context: Context) -> Instrument | None:
    symbol, name = record.text("symbol"), record.text("description")
    old = _OLD_NAME.match(name)
    if old and _CUSIP.fullmatch(symbol):
        return instrument(context.tickers.get(old[1], symbol), old[1])
    return instrument(symbol, name) if symbol else None


def _tickers(rows: Table) -> dict[str, str]:
    """{name: ticker} of the rows that tell both; empty in a file without a reorganisation."""
    found: dict[str, str] = {}
    columns: list[str] = []
    for row in rows if "XXX" in rows.text else ():
        if not columns:
            columns = names(row) if Schwab.header <= set(names(row)) else []
            continue
        cells = dict(zip(columns, row.cells, strict=False))
        symbol, name = cells.get("symbol", ""), cells.get("description", "")
        if symbol and not _CUSIP.fullmatch(symbol):
            found.setdefault(name, symbol)
    return found

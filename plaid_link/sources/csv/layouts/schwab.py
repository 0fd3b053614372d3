"""Schwab's transactions: Date, Action, Symbol, Description, Quantity, Price, Fees & Comm, Amount."""

import re
from typing import Final

from plaid_link.sources.csv.drafting import Record, Told
from plaid_link.sources.csv.instruments import instrument
from plaid_link.sources.csv.kinds import plain
from plaid_link.sources.csv.layouts.base import Broker, Context, LeaveOut

ACTIONS: Final = {
    "buy": "buy", "buy to open": "buy", "sell": "sell", "sell to close": "sell", "sell to open": "sell_short",
    "buy to close": "buy_to_cover", "sell short": "sell_short", "buy to cover": "buy_to_cover",
    "reinvest shares": "reinvest", "ret cap reinvest": "reinvest", "full redemption": "sell",
    "cash dividend": "dividend", "qualified dividend": "qualified_dividend", "special dividend": "dividend",
    "non-qualified div": "non_qualified_dividend", "qual div reinvest": "qualified_dividend",
    "reinvest dividend": "dividend", "pr yr cash div": "dividend", "pr yr div reinvest": "dividend",
    "pr yr special div": "dividend", "pr yr non-qual div": "non_qualified_dividend", "special qual div":
    "qualified_dividend", "special non qual div": "non_qualified_dividend", "div adjustment": "dividend",
    "cash in lieu": "long_gain", "long term cap gain": "long_gain", "short term cap gain": "short_gain",
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
}  # fmt: skip
_AS_OF: Final = re.compile(r"^(.*?)\s+as of\s+(.*)$", re.IGNORECASE)


class Schwab(Broker):
    name = "schwab"
    label = "Charles Schwab"
    institution = "Charles Schwab"
    header = frozenset({"date", "action", "symbol", "description", "quantity", "price", "fees & comm", "amount"})
    date_column = "date"

    def told(self, record: Record, context: Context) -> Told:
        """ "07/01/2026 as of 06/30/2026" happened on the second date; it was only booked on the first."""
        if plain(record.text("date")).startswith("transactions total"):
            raise LeaveOut("Not a transaction: the total of the file")
        action = record.text("action")
        kind = context.kind(action, ACTIONS.get(plain(action), ""), column="action")
        told = _AS_OF.match(record.text("date"))
        record.cells["date"] = told[2] if told else record.text("date")
        return Told(
            kind=kind,
            day=record.day("date"),
            cash=record.number("amount"),
            quantity=record.number("quantity"),
            price=record.number("price"),
            fees=record.sum("fees & comm"),
            instrument=instrument(record.text("symbol"), record.text("description")) if record.text("symbol") else None,
            name=f"{action}: {record.text('description')}",
        )

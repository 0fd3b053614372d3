"""Vanguard's OfxDownload.csv: a table of holdings, which is not read, and below it the transactions."""

from typing import Final

from plaid_link.sources.csv.drafting import Record, Told
from plaid_link.sources.csv.instruments import instrument
from plaid_link.sources.csv.kinds import plain
from plaid_link.sources.csv.layouts.base import Broker, Context, LeaveOut

ACTIONS: Final = {
    "buy": "buy", "sell": "sell", "buy (exchange)": "buy", "sell (exchange)": "sell", "exchange in": "buy",
    "exchange out": "sell", "reinvestment": "reinvest", "reinvestment (lt gain)": "reinvest_long",
    "reinvestment (st gain)": "reinvest_short", "dividend": "dividend", "dividend received": "dividend",
    "interest": "interest", "capital gain (lt)": "long_gain", "capital gain (st)": "short_gain",
    "return of capital": "return_of_capital", "fee": "fee", "account service fee": "account_fee",
    "advisory fee": "management_fee", "withholding": "tax_withheld", "foreign tax withheld": "foreign_tax",
    "funds received": "deposit", "withdrawal": "deposit", "contribution": "contribution", "distribution": "deposit",
    "rollover": "deposit", "rollover (incoming)": "transfer", "transfer": "transfer",
    "transfer (incoming)": "transfer", "transfer (outgoing)": "transfer", "conversion": "transfer",
    "conversion (incoming)": "transfer", "conversion (outgoing)": "transfer",
    "asset conversion": "transfer", "stock split": "split", "split": "split", "spin-off": "spin_off",
    "merger": "merger", "corp action (redemption)": "sell", "redemption": "sell", "sell short": "sell_short",
    "buy to cover": "buy_to_cover", "expiration": "expire", "assignment": "assignment", "exercise": "exercise",
}  # fmt: skip
SWEEPS: Final = frozenset({"sweep in", "sweep out"})
_CASH_SYMBOLS: Final = frozenset({"", "CASH"})


class Vanguard(Broker):
    name = "vanguard"
    label = "Vanguard"
    institution = "Vanguard"
    header = frozenset({"account number", "trade date", "transaction type", "investment name", "shares", "net amount"})
    date_column = "trade date"
    account_column = "account number"
    aliases = {"quantity": ("shares",), "amount": ("net amount",), "price": ("share price",)}

    def told(self, record: Record, context: Context) -> Told:
        """Sweeps move cash to the settlement fund and back, without units: cash counts as cash here."""
        action = record.text("transaction type")
        if plain(action) in SWEEPS:
            raise LeaveOut("A sweep between cash and the settlement fund")
        shares = record.number("shares")
        kind = context.kind(action, _known(plain(action), bool(shares)), column="transaction type")
        symbol, name = record.text("symbol"), record.text("investment name")
        named = symbol.upper() not in _CASH_SYMBOLS or (name and name.upper() != "CASH")
        fees = "commission fees" if "commission fees" in record.cells else "commissions and fees"
        price = record.number("share price")
        return Told(
            kind=kind,
            day=record.day("trade date"),
            cash=record.number("net amount"),
            quantity=shares,
            # Vanguard writes 0 for "not told", and 1 a unit on rows without units.
            price=price or None,
            fees=record.sum(fees),
            instrument=instrument(symbol, name) if named else None,
            name=f"{record.text('transaction description') or action}: {name}",
            settles_on=record.settles("settlement date") if kind.type in ("buy", "sell") else None,
        )


def _known(action: str, has_units: bool) -> str:
    """A 529 plan invests what comes in at once, and one row tells of both: "Contribution AIP", with shares."""
    if has_units and action.startswith(("contribution", "distribution")):
        return "buy_contribution" if action.startswith("contribution") else "sell_distribution"
    return ACTIONS.get(action, "contribution" if action.startswith("contribution") else "")

"""Fidelity's "Accounts History": Run Date, Action in words, Symbol, ... , Amount ($), Settlement Date."""

import re
from typing import Final

from investments.core.currencies import told_code
from plaid_link.sources.csv.drafting import Record, Told
from plaid_link.sources.csv.instruments import instrument
from plaid_link.sources.csv.layouts.base import Broker, Context
from plaid_link.sources.csv.rows import Instrument

# How the words of an action begin, the longer before the shorter.
ACTIONS: Final = (
    ("you bought opening", "buy"), ("you bought closing", "buy_to_cover"), ("you bought short cover", "buy_to_cover"),
    ("you bought", "buy"), ("you sold opening", "sell_short"), ("you sold short sale", "sell_short"),
    ("you sold closing", "sell"), ("you sold", "sell"), ("purchase into core account", "buy"),
    ("redemption from core account", "sell"), ("redemption payout", "sell"), ("reinvestment", "reinvest"),
    ("dividend received", "dividend"), ("dividend adjustment", "dividend"), ("interest earned", "interest"),
    ("interest", "interest"), ("muni exempt int", "interest"), ("muni taxable int", "interest"),
    ("long-term cap gain", "long_gain"), ("short-term cap gain", "short_gain"),
    ("return of capital", "return_of_capital"), ("margin interest", "margin_interest"),
    ("foreign tax paid", "foreign_tax"), ("non-resident tax", "foreign_tax"), ("adj non-resident tax", "foreign_tax"),
    ("tax withheld", "tax_withheld"), ("fed tax w/h", "tax_withheld"), ("state tax w/h", "tax_withheld"),
    ("advisory fee", "management_fee"), ("fee charged", "fee"), ("adr fee", "fee"),
    ("electronic funds transfer", "deposit"), ("direct deposit", "deposit"), ("direct debit", "deposit"),
    ("wire transfer", "deposit"), ("check received", "deposit"), ("check paid", "deposit"), ("bill payment", "deposit"),
    ("deposit", "deposit"), ("withdrawal", "deposit"), ("debit card purchase", "deposit"), ("cash advance", "deposit"),
    ("cash contribution", "contribution"), ("contrib", "contribution"), ("co contr", "contribution"),
    ("partic contr", "contribution"), ("rollover cash", "deposit"), ("early dist", "deposit"),
    ("normal distr", "deposit"), ("premature dist", "deposit"), ("in lieu of", "cash_in_lieu"),
    ("transferred from", "transfer"), ("transferred to", "transfer"), ("transfer of assets", "transfer"),
    ("journaled", "transfer"), ("rollover shares", "transfer"), ("asset/acct", "transfer"),
    ("reverse split", "split"), ("distribution", "split"), ("stock split", "split"), ("spin", "spin_off"),
    ("merger", "merger"), ("exchanged", "merger"), ("expired", "expire"), ("assigned", "assignment"),
    ("exercised", "exercise"),
)  # fmt: skip
_CASH_SYMBOLS: Final = frozenset({"CASH", "USD", "FCASH", "QACDS"})
_ACCOUNT_KIND: Final = re.compile(r"\s*\((?:cash|margin|short|type: [^)]*)\)\s*$", re.IGNORECASE)


class Fidelity(Broker):
    name = "fidelity"
    label = "Fidelity"
    institution = "Fidelity"
    header = frozenset({"run date", "action", "symbol", "quantity", "amount"})
    date_column = "run date"
    account_column = "account"

    def told(self, record: Record, context: Context) -> Told:
        """Amounts are the account's: below zero was paid. Commission, fees and accrued interest are in them."""
        action = _ACCOUNT_KIND.sub("", record.text("action"))
        lower = action.lower()
        known = next((kind for start, kind in ACTIONS if lower.startswith(start)), "")
        kind = context.kind(_first_words(lower), known, column="action")
        return Told(
            kind=kind,
            cancelled_in="action" if "cancelled trade" in lower else "",
            day=record.day("run date"),
            cash=record.number("amount"),
            quantity=record.number("quantity"),
            price=record.number("price"),
            fees=record.sum("commission", "fees"),
            instrument=_instrument(record),
            name=action,
            currency=told_code(record.text("currency")),
            settles_on=record.settles("settlement date") if kind.type in ("buy", "sell") else None,
        )


def _first_words(action: str) -> str:
    """What names the kind of an unknown action, without the security after it."""
    return " ".join(action.split()[:3])


def _instrument(record: Record) -> Instrument | None:
    symbol = record.text("symbol").strip()
    if not symbol or symbol.upper() in _CASH_SYMBOLS:
        return None
    name = record.text("description") or record.text("security description")
    return instrument(symbol, "" if name.lower() == "no description" else name)

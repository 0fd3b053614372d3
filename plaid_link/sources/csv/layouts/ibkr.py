"""Interactive Brokers' activity statement: many tables in one file, each row beginning with the table's name."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from investments.core.currencies import told_code
from plaid_link.sources.csv.drafting import Record, Told
from plaid_link.sources.csv.instruments import instrument
from plaid_link.sources.csv.kinds import KINDS, plain
from plaid_link.sources.csv.layouts.base import OTHER_ACCOUNT, Context, LeaveOut, line_of, names, titled
from plaid_link.sources.csv.rows import ZERO, Instrument, LeftOut, Line, Refusal, Refused
from plaid_link.sources.csv.table import Row, Table

_NOT_EVENTS: Final = "Not a transaction: a total or a heading"
_ABOUT: Final = re.compile(r"^\s*([A-Z0-9][A-Z0-9 .]{0,19}?)\s*\(([A-Z]{2}[A-Z0-9]{9}\d)\)")
_CATEGORIES: Final = {"stocks": "", "equity and index options": "derivative", "bonds": "fixed income",
                      "mutual funds": "mutual fund", "treasury bills": "fixed income"}  # fmt: skip
_ACTION_WORDS: Final = (
    ("split", "split"), ("stock dividend", "stock_dividend"), ("spinoff", "spin_off"), ("spin-off", "spin_off"),
    ("merged", "merger"), ("merger", "merger"), ("acquired", "merger"), ("delisted", "merger"), ("tender", "merger"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Statement:
    """What a statement says of itself. `securities`: name, and ISIN or CUSIP, by symbol; `base`: its currency."""

    securities: Mapping[str, tuple[str, str]]
    base: str

    def name(self, symbol: str) -> str:
        """What the list of instruments calls it."""
        return self.securities.get(symbol, ("", ""))[0]


ALIASES: Final = {
    "quantity": ("quantity", "qty"), "price": ("t. price", "price"), "amount": ("proceeds", "amount", "net amount"),
}  # fmt: skip
Teller = Callable[[Record, Context, Statement], Told]


class InteractiveBrokers:
    name = "ibkr"
    label = "Interactive Brokers"
    institution = "Interactive Brokers"

    def header_of(self, rows: Sequence[Row]) -> int | None:
        """Where tables begin with `Name,Header,...`."""
        for position, row in enumerate(rows):
            if len(row.cells) > 2 and row.cells[1] == "Header" and plain(row.cells[0]) in {"statement", *TABLES}:
                return position
        return None

    def accounts(self, rows: Table) -> list[str]:
        """The accounts that rows are of, where the statement covers several."""
        found: dict[str, None] = {}
        columns: list[str] = []
        for row in rows:
            if row.cells[1:2] == ("Header",):
                columns = names(row)
            elif plain(row.cells[0]) in TABLES and "account" in columns:
                cells = dict(zip(columns, row.cells, strict=False))
                found[cells.get("account", "")] = None
        return [account for account in found if account]

    def lines(self, rows: Table, context: Context) -> Iterator[Line]:
        """Rows of the tables that tell what happened. The list of instruments comes last, so the file is read twice."""
        statement = _statement(rows)
        headers: dict[str, Row] = {}
        for row in rows:
            table = plain(row.cells[0]) if row.cells else ""
            if table not in TABLES or len(row.cells) < 3:
                continue
            if row.cells[1] == "Header":
                headers[table] = row
            elif row.cells[1] == "Data" and table in headers:
                yield titled(_line(row, table, headers[table], context, statement), headers[table], ALIASES)
            elif row.cells[1] == "Data":
                yield Refusal(row.number, "", f"{row.cells[0]}: data without a header before it")


def _line(row: Row, table: str, header: Row, context: Context, statement: Statement) -> Line:
    record = Record(row.number, dict(zip(names(header), row.cells, strict=False)), context.style, context.today)
    if context.account and record.text("account") not in ("", context.account):
        return LeftOut(row.number, OTHER_ACCOUNT)
    if plain(row.cells[2]).startswith("total") or plain(record.text("currency")).startswith("total"):
        return LeftOut(row.number, _NOT_EVENTS)
    return line_of(row.number, lambda: TABLES[table](record, context, statement))


def _statement(rows: Table) -> Statement:
    found: dict[str, tuple[str, str]] = {}
    columns: list[str] = []
    base = ""
    for row in rows:
        if row.cells[2:3] == ("Base Currency",):
            base = told_code("".join(row.cells[3:4]))
        if not row.cells or plain(row.cells[0]) != "financial instrument information":
            continue
        if row.cells[1:2] == ("Header",):
            columns = names(row)
            continue
        cells = dict(zip(columns, row.cells, strict=False))
        for symbol in cells.get("symbol", "").split(","):
            found[symbol.strip()] = cells.get("description", ""), cells.get("security id", "")
    return Statement(found, base)


def _trade(record: Record, context: Context, statement: Statement) -> Told:
    discriminator = plain(record.text("datadiscriminator"))
    if discriminator not in ("order", "", "trade"):
        raise LeaveOut("A closed lot or execution of an order that is told by itself")
    category = plain(record.text("asset category"))
    if category == "forex":
        raise LeaveOut("An exchange of currencies: both sides stay cash of the account")
    if category not in _CATEGORIES:
        raise Refused(f"Cannot hold {record.text('asset category')!r} yet", column="asset category")
    quantity, codes = record.number("quantity"), set(record.text("code").split(";"))
    is_cancel = "Ca" in codes  # the trade again, with its signs turned
    sells = quantity is not None and (quantity > 0 if is_cancel else quantity < 0)
    opens_or_closes = "sell_short" if sells and "O" in codes else "buy_to_cover" if not sells and "C" in codes else ""
    fees = record.sum("comm/fee", "comm in " + record.text("currency").lower())
    proceeds = record.number("proceeds")
    return Told(
        kind=KINDS[opens_or_closes or ("sell" if sells else "buy")],
        cancelled_in="code" if is_cancel else "",
        day=record.day("date/time"),
        # Proceeds are before the commission here.
        cash=None if proceeds is None else (-proceeds if is_cancel else proceeds) - fees,
        quantity=quantity,
        price=record.number("t. price"),
        fees=fees,
        instrument=_named(record.text("symbol"), category, statement),
        name=f"{record.text('symbol')} {'sold' if sells else 'bought'}",
        currency=told_code(record.text("currency")),
    )


def _named(symbol: str, category: str, statement: Statement) -> Instrument | None:
    name, number = statement.securities.get(symbol, ("", ""))
    kind = _CATEGORIES.get(category, "")
    is_isin, is_cusip = len(number) == 12, len(number) == 9
    return instrument(
        symbol, name, "" if kind == "derivative" else kind, number if is_cusip else "", number if is_isin else ""
    )


def _cash(kind: str, *, about_security: bool = False) -> Teller:
    def told(record: Record, context: Context, statement: Statement) -> Told:
        description = record.text("description")
        day_column = next((name for name in ("date", "settle date", "date/time") if name in record.cells), "date")
        about = _ABOUT.match(description) if about_security else None
        symbol, isin = (about[1].strip(), about[2]) if about else ("", "")
        return Told(
            kind=KINDS["return_of_capital" if "return of capital" in description.lower() else kind],
            day=record.day(day_column),
            cash=record.number("amount"),
            instrument=instrument(symbol, statement.name(symbol), "", "", isin) if symbol else None,
            name=description,
            currency=told_code(record.text("currency")),
        )

    return told


def _interest(record: Record, context: Context, statement: Statement) -> Told:
    is_debit = "debit interest" in record.text("description").lower()
    return _cash("margin_interest" if is_debit else "interest")(record, context, statement)


def _corporate_action(record: Record, context: Context, statement: Statement) -> Told:
    description = record.text("description")
    lower = description.lower()
    known = next((kind for words, kind in _ACTION_WORDS if words in lower), "")
    # The security that the row moves stands in the last brackets: (NEW, NEW CORP, US0000000001).
    moved = re.search(r"\(([^(),]+),[^()]*,\s*([A-Z]{2}[A-Z0-9]{9}\d)\)\s*$", description)
    about = _ABOUT.match(description)
    symbol, isin = (moved[1].strip(), moved[2]) if moved else (about[1], about[2]) if about else ("", "")
    return Told(
        kind=context.kind(" ".join(lower.split()[:4]), known, column="description"),
        day=record.day("date/time" if "date/time" in record.cells else "date"),
        cash=record.number("proceeds"),
        quantity=record.number("quantity"),
        instrument=instrument(symbol, statement.name(symbol), "", "", isin),
        name=description,
        currency=told_code(record.text("currency")),
    )


def _transfer(record: Record, context: Context, statement: Statement) -> Told:
    quantity = record.number("qty")
    cash = record.number("cash amount")
    category = plain(record.text("asset category"))
    moves_units = bool(quantity) and record.text("symbol") not in ("", "--")
    return Told(
        kind=KINDS["transfer" if moves_units else "deposit"],
        day=record.day("date"),
        cash=cash or ZERO,
        quantity=quantity if moves_units else Decimal(0),
        instrument=_named(record.text("symbol"), category, statement) if moves_units else None,
        name=f"{record.text('type')} {record.text('direction')}".strip(),
        currency=told_code(record.text("currency")),
    )


def _history(record: Record, context: Context, statement: Statement) -> Told:
    """A row of a "Transaction History": all kinds in one table, money in the base currency, prices in the market's."""
    words, description = record.text("transaction type"), record.text("description")
    if plain(words) in _NO_CASH:
        raise LeaveOut("An exchange or translation of currencies: both sides stay cash of the account")
    kind = context.kind(words, HISTORY.get(plain(words), ""), column="transaction type")
    symbol = record.text("symbol").strip("- ")
    about = _ABOUT.match(description)
    fees = record.sum("commission")
    quantity, price, gross = record.number("quantity"), record.number("price"), record.number("gross amount")
    named = instrument(symbol, "" if about else description, "", "", about[2] if about else "") if symbol else None
    worth = abs((quantity or ZERO) * (price or ZERO)) * (named.multiplier if named else 1)
    is_in_base = gross is not None and abs(worth - abs(gross)) <= abs(gross) / 100
    return Told(
        kind=kind,
        day=record.day("date"),
        cash=record.number("net amount"),
        quantity=quantity,
        price=price if is_in_base else None,
        fees=fees,
        instrument=named,
        name=description,
        currency=statement.base,
    )


HISTORY: Final = {
    "buy": "buy", "sell": "sell", "dividend": "dividend", "payment in lieu": "dividend",
    "foreign tax withholding": "foreign_tax", "credit interest": "interest", "debit interest": "margin_interest",
    "deposit": "deposit", "withdrawal": "deposit", "electronic fund transfer": "deposit", "other fee": "fee",
    "transaction fee": "fee", "commission adjustment": "fee", "sales tax": "fee", "assignment": "assignment",
}  # fmt: skip
_NO_CASH: Final = frozenset({"forex trade component", "adjustment"})
TABLES: Final[Mapping[str, Teller]] = {
    "transaction history": _history,
    "trades": _trade,
    "dividends": _cash("dividend", about_security=True),
    "withholding tax": _cash("tax_withheld", about_security=True),
    "interest": _interest,
    "fees": _cash("fee"),
    "other fees": _cash("fee"),
    "transaction fees": _cash("fee"),
    "deposits & withdrawals": _cash("deposit"),
    "corporate actions": _corporate_action,
    "transfers": _transfer,
}

"""Any table with a header: the user says once which column is which, and is asked no more."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final

from investments.core.currencies import told_code
from plaid_link.sources.csv.drafting import Record, Told
from plaid_link.sources.csv.instruments import instrument
from plaid_link.sources.csv.kinds import KINDS, LEAVE_OUT, guessed, plain
from plaid_link.sources.csv.layouts.base import CHOSEN_OUT, Context, LeaveOut, line_of, unknown_kind
from plaid_link.sources.csv.rows import ZERO, Line, Refused
from plaid_link.sources.csv.table import Row, Table

# Fields of a transaction, and what people and programs call their columns.
FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "date": ("date", "trade date", "transaction date", "activity date", "time", "datum", "executed at", "run date"),
    "action": (
        "action",
        "type",
        "transaction type",
        "activity",
        "activity type",
        "side",
        "transaction",
        "buy/sell",
        "typ",
        "vorgang",
    ),
    "symbol": ("symbol", "ticker", "security", "instrument", "asset", "stock"),
    "quantity": ("quantity", "shares", "units", "qty", "no. of shares", "number of shares", "anzahl", "menge"),
    "price": ("price", "share price", "price per share", "unit price", "price / share", "kurs", "preis"),
    "amount": ("amount", "total", "net amount", "value", "total amount", "betrag", "proceeds"),
    "fees": ("fees", "fee", "commission", "commissions", "fees & comm", "charges", "gebühren", "gebühr"),
    "currency": ("currency", "ccy", "währung", "currency code"),
    "description": ("description", "name", "security name", "details", "notes", "memo", "beschreibung"),
    "isin": ("isin",),
    "cusip": ("cusip",),
    "settlement date": ("settlement date", "settle date", "value date"),
}


class Generic:
    name = "generic"
    label = "Another file"
    institution = ""

    def header_of(self, rows: Sequence[Row]) -> int | None:
        """The first row of words that is as wide as the rows under it; they must hold a number."""
        for position, row in enumerate(rows):
            filled = [cell for cell in row.cells if cell]
            below = rows[position + 1 :]
            wide = len(filled) > 1 and not any(_is_figure(cell) for cell in filled)
            if wide and any(len(other.cells) >= len(filled) and any(map(_is_figure, other.cells)) for other in below):
                return position
        return None

    def accounts(self, rows: Table) -> list[str]:
        """Nothing is known about its columns."""
        return []

    def lines(self, rows: Table, context: Context) -> Iterator[Line]:
        """Every row under the header."""
        told = iter(rows)
        before: list[Row] = []
        for row in told:
            before.append(row)
            if set(context.columns.values()) <= {cell for cell in row.cells if cell}:
                break
        header = before[-1].cells if before else ()
        for row in told:
            if not row.is_blank:
                yield _line(row, header, context)


def guessed_columns(header: Sequence[str]) -> dict[str, str]:
    """{field: column}, as far as the names of the columns tell."""
    by_name = {plain(cell.replace("($)", "")): cell for cell in header if cell}
    found: dict[str, str] = {}
    for field, known in FIELDS.items():
        column = next((by_name[name] for name in known if name in by_name), "")
        if column and column not in found.values():
            found[field] = column
    return found


def is_complete(columns: Mapping[str, str]) -> bool:
    """Whether rows can be read: a date, and either what was traded or how much money moved."""
    return "date" in columns and ("amount" in columns or {"symbol", "quantity", "price"} <= columns.keys())


def _is_figure(cell: str) -> bool:
    return any(map(str.isdigit, cell)) and sum(map(str.isalpha, cell)) <= 3


def _line(row: Row, header: Sequence[str], context: Context) -> Line:
    by_column = dict(zip(header, row.cells, strict=False))
    named = {field: by_column.get(column, "") for field, column in context.columns.items()}
    record = Record(row.number, named, context.style, context.today, context.columns)
    return line_of(row.number, lambda: _told(record, context))


def _told(record: Record, context: Context) -> Told:
    symbol, name = record.text("symbol"), record.text("description")
    quantity, amount = record.number("quantity"), record.number("amount")
    words = record.text("action")
    key = context.actions.get(plain(words), "") or guessed(words)
    if not words:
        key = _by_signs(quantity, amount, symbol, context.columns.get("quantity", ""))
    if key == LEAVE_OUT:
        raise LeaveOut(CHOSEN_OUT)
    if key not in KINDS:
        raise unknown_kind(words, context.columns.get("action", "action"))
    kind = KINDS[key]
    currency = told_code(record.text("currency"))
    about = symbol or record.text("isin") or record.text("cusip")
    return Told(
        kind=kind,
        day=record.day("date"),
        cash=_directed(amount, words),
        quantity=_directed(quantity, words) if kind.type == "transfer" else quantity,
        price=record.number("price"),
        fees=record.sum("fees"),
        instrument=instrument(symbol, "", "", record.text("cusip"), record.text("isin")) if about else None,
        name=name or words,
        currency=currency,
        settles_on=record.settles("settlement date"),
        columns=dict(context.columns),
    )


def _by_signs(quantity: Decimal | None, amount: Decimal | None, symbol: str, column: str) -> str:
    """A table without a column for the kind: units came or went, else cash did. Raises Refused."""
    if quantity:
        return "buy" if quantity > 0 else "sell"
    if symbol or not amount:
        raise Refused("Nothing says what happened, and the quantity is empty", column=column)
    return "deposit"


def _directed(value: Decimal | None, words: str) -> Decimal | None:
    """Below zero where the word itself says that something left, and the file writes no signs."""
    leaves = plain(words) in ("withdrawal", "withdraw", "auszahlung", "cash out", "transfer out", "fee", "fees", "tax",
                              "commission", "gebühr", "steuer", "tax withheld", "withholding tax")  # fmt: skip
    return -abs(value or ZERO) if leaves and value else value

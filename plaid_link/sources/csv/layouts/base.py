"""What every layout is: how its header looks, and what a row under it means."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final, Protocol

from plaid_link.sources.csv.drafting import Record, Told, drafted
from plaid_link.sources.csv.kinds import KINDS, LEAVE_OUT, Kind, plain
from plaid_link.sources.csv.rows import Draft, LeftOut, Line, Refusal, Refused
from plaid_link.sources.csv.styles import Style
from plaid_link.sources.csv.table import Row, Table

CHOSEN_OUT: Final = "Left out, as you chose"
OTHER_ACCOUNT: Final = "Of another account"


@dataclass(frozen=True, slots=True)
class Context:
    """What reading a file knows beside its rows. `actions`: kinds that the user gave to words of the file.

    `tickers`: of names, as other rows of the file tell them, where a layout needs them.
    """

    style: Style
    today: date
    actions: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)
    account: str = ""
    tickers: Mapping[str, str] = field(default_factory=dict)

    def kind(self, words: str, known: str, *, column: str) -> Kind:
        """The kind of these words: the user's choice, else what is `known`. Raises Refused, LeaveOut."""
        chosen = self.actions.get(plain(words), known)
        if chosen == LEAVE_OUT:
            raise LeaveOut(CHOSEN_OUT)
        if chosen not in KINDS:
            raise unknown_kind(words, column)
        return KINDS[chosen]


def unknown_kind(words: str, column: str) -> Refused:
    """The user can say which kind these words mean."""
    value = plain(words)[:100]
    return Refused(f"Unknown kind of row: {words[:60]!r}", column=column, code="action", value=value)


class LeaveOut(Exception):
    """A row moves nothing; the text says why."""


class Layout(Protocol):
    """`name` is for programs, `label` for people. `header`: columns that no other layout has together."""

    name: str
    label: str
    institution: str

    def header_of(self, rows: Sequence[Row]) -> int | None:
        """The position of the header among the first rows; None: not this layout."""

    def accounts(self, rows: Table) -> list[str]:
        """The account numbers in the file, where it tells them."""

    def lines(self, rows: Table, context: Context) -> Iterator[Line]:
        """What becomes of each row."""


def names(row: Row) -> list[str]:
    """The names of the columns as they are compared: lower case, single spaces, without what stands in brackets."""
    return [plain(cell.replace("($)", "")) for cell in row.cells]


def titled(line: Line, header: Row, aliases: Mapping[str, Sequence[str]]) -> Line:
    """A refusal, or what may become one, with its column as the file writes it.

    `aliases`: what brokers call quantity, amount and the like.
    """
    if isinstance(line, Refusal):
        return replace(line, column=_title(line.column, header, aliases))
    if isinstance(line, Draft) and line.cancelled_in:
        return replace(line, cancelled_in=_title(line.cancelled_in, header, aliases))
    return line


def _title(column: str, header: Row, aliases: Mapping[str, Sequence[str]]) -> str:
    known = dict(zip(names(header), header.cells, strict=True))
    return next((known[name] for name in aliases.get(column, (column,)) if name in known), column)


class Broker:
    """A file of one table: rows before its header and after its end are not read.

    `aliases`: the columns of what is called otherwise here, such as `{"quantity": ("shares",)}`.
    """

    name = ""
    label = ""
    institution = ""
    header: frozenset[str] = frozenset()
    date_column = ""
    account_column = ""
    aliases: Mapping[str, Sequence[str]] = {}

    def header_of(self, rows: Sequence[Row]) -> int | None:
        """The first row that has all the names of the header."""
        for position, row in enumerate(rows):
            if self.header <= set(names(row)):
                return position
        return None

    def accounts(self, rows: Table) -> list[str]:
        """In the order in which they come first."""
        columns: list[str] | None = None
        found: dict[str, None] = {}
        for row in rows:
            if columns is None:
                columns = names(row) if self.header <= set(names(row)) else None
                if columns is not None and self.account_column not in columns:
                    return []
                continue
            cells = dict(zip(columns, row.cells, strict=False))
            if cells.get(self.date_column):
                found[cells.get(self.account_column, "")] = None
        return [account for account in found if account]

    def lines(self, rows: Table, context: Context) -> Iterator[Line]:
        """Row by row under the header; what has no date after the table is the broker's small print."""
        header: Row | None = None
        columns: list[str] = []
        for row in rows:
            if header is None:
                columns = names(row)
                header = row if self.header <= set(columns) else None
            elif not row.is_blank:
                yield titled(self._line(row, columns, context), header, self.aliases)

    def _line(self, row: Row, columns: list[str], context: Context) -> Line:
        record = Record(row.number, dict(zip(columns, row.cells, strict=False)), context.style, context.today)
        if self.is_small_print(record, len(columns)):
            return LeftOut(row.number, "Not a transaction: the broker's small print")
        if context.account and record.text(self.account_column) not in ("", context.account):
            return LeftOut(row.number, OTHER_ACCOUNT)
        return line_of(row.number, lambda: self.told(record, context))

    def is_small_print(self, record: Record, width: int) -> bool:
        """Text under the table: no date and little else."""
        filled = sum(bool(cell) for cell in record.cells.values())
        return not any(map(str.isdigit, record.text(self.date_column)[:4])) and filled <= 2

    def told(self, record: Record, context: Context) -> Told:
        """What the row says. Raises Refused, LeaveOut."""
        raise NotImplementedError


def line_of(row: int, read: "Reader") -> Line:
    """The row read, or why it is not."""
    try:
        return drafted(row, read())
    except Refused as problem:
        return Refusal(row, problem.column, str(problem), problem.code, problem.value)
    except LeaveOut as reason:
        return LeftOut(row, str(reason))


class Reader(Protocol):
    def __call__(self) -> Told: ...

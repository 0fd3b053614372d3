"""A file read: which layout and style it has, what is not certain and has to be asked, and its lines."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import Final

from plaid_link.sources.csv.cancelled import without_cancelled
from plaid_link.sources.csv.kinds import plain
from plaid_link.sources.csv.layouts import BROKERS, GENERIC, LAYOUTS
from plaid_link.sources.csv.layouts.base import Context, Layout
from plaid_link.sources.csv.layouts.generic import guessed_columns, is_complete
from plaid_link.sources.csv.rows import Line, identified
from plaid_link.sources.csv.styles import (
    Style,
    date_orders,
    decimal_marks,
    has_undecided_dates,
    has_undecided_numbers,
)
from plaid_link.sources.csv.table import DELIMITERS, Row, Table, delimiter_of, first_rows
from plaid_link.sources.csv.text import Unreadable, decode

DATE_FIELDS: Final = ("date", "settlement date")
NUMBER_FIELDS: Final = ("quantity", "price", "amount", "fees")
SAMPLE_ROWS: Final = 5


@dataclass(frozen=True, slots=True)
class Options:
    """What the user has said about a file; '' and {} is: find out. `actions` are kinds by the file's own words."""

    layout: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    date_order: str = ""
    decimal: str = ""
    actions: Mapping[str, str] = field(default_factory=dict)
    account: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """Something only the user can say. `kind`: columns, date_order, decimal or account; `values`: what is possible."""

    kind: str
    text: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """`header` and `sample`: the columns of a generic file and its first rows, for the mapping. `lines` is empty while
    there are questions."""

    layout: str
    encoding: str = ""
    delimiter: str = ""
    header: tuple[str, ...] = ()
    sample: tuple[tuple[str, ...], ...] = ()
    columns: Mapping[str, str] = field(default_factory=dict)
    questions: tuple[Question, ...] = ()
    lines: Iterator[Line] = field(default_factory=lambda: iter(()))


def read(data: bytes, *, options: Options, today: date, most_rows: int) -> Reading:
    """How the file is read. Raises Unreadable for a file of which nothing can be made; lines may raise it too."""
    decoded = decode(data)
    layout, delimiter = _recognised(decoded.text, options.layout)
    if layout is None:
        list(Table(decoded.text, delimiter, most_rows))  # says what is wrong, where rows are
        raise Unreadable("No table of transactions was found: a row with the names of the columns is needed.")
    head = first_rows(decoded.text, delimiter)
    # Names are checked before rows, so that a broken file says what is wrong with it as a whole.
    header_row = head[layout.header_of(head) or 0]
    if layout is GENERIC:
        _check_header(header_row)
    every = Table(decoded.text, delimiter, most_rows)
    # All of it is gone through once, so that a quote open at the end is found before anything is read.
    if not sum(not row.is_blank for row in every if row.number > header_row.number):
        raise Unreadable("The file has a header and no rows under it.")
    if layout is GENERIC:
        style, columns, questions = _generic(every, header_row, options)
    else:
        style, columns, questions = Style(), {}, _accounts(layout, every, options)
    context = Context(style, today, options.actions, columns, options.account)
    return Reading(
        layout.name,
        decoded.encoding,
        delimiter,
        header_row.cells if layout is GENERIC else (),
        tuple(row.cells for row in head if row.number > header_row.number)[:SAMPLE_ROWS] if layout is GENERIC else (),
        columns,
        tuple(questions),
        iter(()) if questions else identified(without_cancelled(decoded.text, lambda: layout.lines(every, context))),
    )


def kind_of(data: bytes, layout: str = "") -> tuple[str, tuple[str, ...]]:
    """The layout, and the names of the columns of one that is not a broker's. Raises Unreadable."""
    text = decode(data).text
    found, delimiter = _recognised(text, layout)
    if found is None:
        return "", ()
    head = first_rows(text, delimiter)
    return found.name, head[found.header_of(head) or 0].cells if found is GENERIC else ()


def _recognised(text: str, wanted: str) -> tuple[Layout | None, str]:
    """The layout, and the delimiter with which its header is there."""
    for layout in [LAYOUTS[wanted]] if wanted in LAYOUTS else BROKERS.values():
        for delimiter in DELIMITERS:
            if layout is not GENERIC and layout.header_of(first_rows(text, delimiter)) is not None:
                return layout, delimiter
    delimiter = delimiter_of(text)
    head = first_rows(text, delimiter)
    found = wanted in ("", GENERIC.name) and GENERIC.header_of(head) is not None
    return (GENERIC if found else None), delimiter


def _check_header(header: Row) -> None:
    named = [plain(cell) for cell in header.cells if cell]
    twice = sorted({name for name in named if named.count(name) > 1})
    if twice:
        text = f"Row {header.number}: the column {twice[0]!r} is there twice. Rename or remove one of them."
        raise Unreadable(text, row=header.number, column=twice[0])


def _accounts(layout: Layout, every: Table, options: Options) -> list[Question]:
    accounts = layout.accounts(every)
    if len(accounts) < 2 or options.account in accounts:
        return []
    return [Question("account", "The file is of several accounts. Which one is this import for?", tuple(accounts))]


def _generic(every: Table, header: Row, options: Options) -> tuple[Style, dict[str, str], list[Question]]:
    known = {name: column for name, column in options.columns.items() if column in header.cells}
    columns = known or guessed_columns(header.cells)
    # Names alone are a guess: somebody has to look at them once.
    if not known or not is_complete(columns):
        return Style(), columns, [Question("columns", "Which column is which?", header.cells)]
    questions: list[Question] = []
    cells = partial(_cells, every, header, columns)
    orders = date_orders(cells(DATE_FIELDS))
    order = options.date_order or _decided(orders, "Some dates are written day first, others month first.")
    if not order and has_undecided_dates(cells(DATE_FIELDS)):
        questions.append(Question("date_order", "Are dates written day first or month first?", ("dmy", "mdy")))
    marks = decimal_marks(cells(NUMBER_FIELDS))
    mark = options.decimal or _decided(marks, "Numbers are written both as 1,234.50 and as 1.234,50.")
    if not mark and has_undecided_numbers(cells(NUMBER_FIELDS)):
        questions.append(Question("decimal", "Is 1,234 more than a thousand, or a little more than one?", (".", ",")))
    return Style(order or "mdy", mark or "."), dict(columns), questions


def _decided(proved: set[str], contradiction: str) -> str:
    if len(proved) > 1:
        raise Unreadable(f"{contradiction} Nobody can tell which is meant.")
    return next(iter(proved), "")


def _cells(every: Table, header: Row, columns: Mapping[str, str], names: Sequence[str]) -> Iterator[str]:
    """The filled cells of these fields under the header."""
    wanted = [header.cells.index(columns[name]) for name in names if name in columns]
    for row in every:
        if row.number > header.number:
            yield from (row.cells[at] for at in wanted if at < len(row.cells) and row.cells[at])

"""CSV that spreadsheets may open: no cell of it is taken for a formula."""

import csv
import io
import re
from collections.abc import Generator, Iterable, Sequence
from itertools import islice

# A spreadsheet runs what begins like this (OWASP, CSV injection).
_FORMULA = frozenset("=+-@\t\r")
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?")
ROWS_AT_ONCE = 500


def safe_cell(text: str) -> str:
    """The text, with an apostrophe before what a spreadsheet would run; plain numbers stay numbers."""
    return "'" + text if text[:1] in _FORMULA and not _NUMBER.fullmatch(text) else text


def csv_chunks(header: Sequence[str], rows: Iterable[Iterable[str]]) -> Generator[bytes, None, None]:
    """The table as UTF-8 (RFC 4180) in pieces of some hundred rows, in the memory of one of them."""
    remaining = iter(rows)
    yield _text([header])
    while piece := list(islice(remaining, ROWS_AT_ONCE)):
        yield _text(piece)


def _text(rows: Iterable[Iterable[str]]) -> bytes:
    sheet = io.StringIO()
    csv.writer(sheet).writerows([safe_cell(cell) for cell in row] for row in rows)
    return sheet.getvalue().encode()

"""Text into rows of cells: which delimiter, and where rows end."""

import contextlib
import csv
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from plaid_link.sources.csv.text import Unreadable, visible

DELIMITERS: Final = (",", ";", "\t", "|")
LONGEST_CELL: Final = 100_000
_LINE: Final = re.compile(r"[^\r\n]*(?:\r\n?|\n)|[^\r\n]+")
_LOOKED_AT: Final = 40


@dataclass(frozen=True, slots=True)
class Row:
    """`number` is the line of the file in which the row begins, from 1."""

    number: int
    cells: tuple[str, ...]

    @property
    def is_blank(self) -> bool:
        return not any(self.cells)


@dataclass(frozen=True, slots=True)
class Table:
    """The rows, read anew each time they are gone through: a list of them would take ten times the file's size.

    Cells are cleaned of what cannot be seen. Going through raises Unreadable where quotes or cells cannot be right, and
    with `most` where there are more rows than that.
    """

    text: str
    delimiter: str
    most: int = 0

    def __iter__(self) -> Iterator[Row]:
        return _rows(self.text, self.delimiter, self.most)


def _rows(text: str, delimiter: str, most: int) -> Iterator[Row]:
    # Not by StringIO, which would hold all of it once more, at four bytes a character.
    lines = (line.group() for line in _LINE.finditer(text))
    reader = csv.reader(lines, delimiter=delimiter, strict=True, skipinitialspace=True)
    begins, count = 1, 0
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as problem:
            raise Unreadable(f"Row {begins} {_reason(problem)}.", row=begins) from problem
        count += 1
        if most and count > most:
            raise Unreadable(f"The file has more than {most:,} rows. Export it in shorter periods.", row=begins)
        yield _row(begins, cells)
        begins = reader.line_num + 1


def _row(number: int, cells: list[str]) -> Row:
    longest = max(map(len, cells), default=0)
    if longest > LONGEST_CELL:
        position = [len(cell) for cell in cells].index(longest) + 1
        text = f"Row {number}, column {position}: a cell of {longest:,} characters. No broker writes such a one."
        raise Unreadable(text, row=number, column=str(position))
    return Row(number, tuple(map(visible, cells)))


def _reason(problem: csv.Error) -> str:
    text = str(problem)
    if "field larger" in text:
        return "holds a cell that is far too long, or a quotation mark that is never closed"
    if "unexpected end" in text:
        return "opens a quotation mark that is never closed"
    return "has a quotation mark in the middle of a cell"


def first_rows(text: str, delimiter: str, count: int = _LOOKED_AT) -> list[Row]:
    """The first rows, as far as they can be read."""
    found: list[Row] = []
    with contextlib.suppress(Unreadable):
        for row in islice(Table(text, delimiter), count):
            found.append(row)
    return found


def delimiter_of(text: str) -> str:
    """The delimiter that cuts most of the first rows into the same number of cells; a comma when none does."""
    return max(DELIMITERS, key=lambda delimiter: _evenness(text, delimiter))


def _evenness(text: str, delimiter: str) -> tuple[int, int]:
    widths = Counter(len(row.cells) for row in first_rows(text, delimiter) if len(row.cells) > 1)
    if not widths:
        return 0, 0
    width, count = max(widths.items(), key=lambda item: (item[1], item[0]))
    return count, width

"""How a file writes dates and numbers: found from what it holds, never guessed where two readings are possible."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Final

NOTHING: Final = frozenset({"", "-", "--", "---", "n/a", "na", "none", "null", "\N{EN DASH}", "\N{EM DASH}"})
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_TIME: Final = r"(?:[T ,;]+\d{1,2}[:.]?\d{2}.*)?"
_YMD: Final = re.compile(rf"(\d{{4}})[-/.](\d{{1,2}})[-/.](\d{{1,2}}){_TIME}$")
_COMPACT: Final = re.compile(rf"(\d{{4}})(\d{{2}})(\d{{2}}){_TIME}$")
_PARTS: Final = re.compile(rf"(\d{{1,2}})([-/.])(\d{{1,2}})[-/.](\d{{4}}|\d{{2}}){_TIME}$")
_WORDS: Final = (
    re.compile(r"(?P<m>[A-Za-z]{3})[a-z]*\.? +(?P<d>\d{1,2}),? +(?P<y>\d{4})"),
    re.compile(r"(?P<d>\d{1,2})[ -](?P<m>[A-Za-z]{3})[a-z]*\.?[ -](?P<y>\d{4}|\d{2})"),
)
_SIGNS: Final = "$€£¥₹"
_NUMBER: Final = {
    ".": re.compile(r"(?:\d{1,3}(?:[,'\u2019 ]\d{3})+|\d*)(?:\.\d*)?(?:[eE][+-]?\d{1,2})?"),
    ",": re.compile(r"(?:\d{1,3}(?:[.'\u2019 ]\d{3})+|\d*)(?:,\d*)?(?:[eE][+-]?\d{1,2})?"),
}
_SPACES: Final = dict.fromkeys(map(ord, "\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}\N{THIN SPACE}"), " ")


@dataclass(frozen=True, slots=True)
class Style:
    """`date_order`: mdy or dmy, of dates in numbers that begin with neither a year nor a word. `decimal`: . or ,"""

    date_order: str = "mdy"
    decimal: str = "."

    def day(self, text: str) -> date:
        """The day; a time after it is left out. Raises ValueError."""
        return _day(text, self.date_order)

    def number(self, text: str) -> Decimal | None:
        """The number, None for an empty cell. Brackets and a minus at either end mean below zero. Raises ValueError."""
        return _number(text, self.decimal)


@lru_cache(maxsize=4096)
def _day(text: str, order: str) -> date:
    told = _YMD.match(text) or _COMPACT.match(text)
    if told:
        return date(*map(int, told.groups()[:3]))
    parts = _PARTS.match(text)
    if parts:
        first, dot, second, year = parts.groups()
        # With dots it is written the German way, whatever the rest of the file does.
        day, month = (int(first), int(second)) if order == "dmy" or dot == "." else (int(second), int(first))
        return date(_year(year), month, day)
    for pattern in _WORDS:
        words = pattern.match(text)
        if words and words["m"].lower() in _MONTHS:
            return date(_year(words["y"]), _MONTHS.index(words["m"].lower()) + 1, int(words["d"]))
    raise ValueError(f"{text!r} is not a date")


def _year(text: str) -> int:
    year = int(text)
    if len(text) > 2:
        return year
    return year + (2000 if year < 70 else 1900)


def _number(text: str, decimal: str) -> Decimal | None:
    bare = text.translate(_SPACES).strip()
    if bare.lower() in NOTHING:
        return None
    bare, negative = _unsigned(bare)
    if not bare or not _NUMBER[decimal].fullmatch(bare) or not any(map(str.isdigit, bare)):
        raise ValueError(f"{text!r} is not a number")
    if decimal == ",":
        bare = bare.replace(".", "").replace(",", ".")
    digits = bare.replace(",", "").replace("'", "").replace("\u2019", "").replace(" ", "")
    return -Decimal(digits) if negative else Decimal(digits)


def _unsigned(text: str) -> tuple[str, bool]:
    """The digits without currency sign, and whether they are below zero."""
    bare = text.replace("\N{MINUS SIGN}", "-")
    brackets = bare.startswith("(") and bare.endswith(")")
    bare = bare[1:-1] if brackets else bare
    minus = "-" in (bare[:2]) or bare.endswith("-")
    for sign in _SIGNS:
        bare = bare.replace(sign, "", 1)
    bare = bare.strip()
    bare = bare.removesuffix("-") if bare.endswith("-") else bare.removeprefix("-").removeprefix("+")
    return bare.strip(), brackets or minus


def date_orders(texts: Iterable[str]) -> set[str]:
    """What the dates prove: mdy, dmy, both (no file can be that), or nothing. Dates that name year or month first
    or are written with dots prove nothing."""
    return {order for text in texts if (order := _order(text)) and order != "?"}


def has_undecided_dates(texts: Iterable[str]) -> bool:
    """Whether a date could be read both ways and would differ."""
    return any(_order(text) == "?" for text in texts)


def _order(text: str) -> str:
    parts = _PARTS.match(text)
    if not parts or parts[2] == "." or _YMD.match(text) or _COMPACT.match(text):
        return ""
    first, second = int(parts[1]), int(parts[3])
    if first > 12:
        return "dmy"
    if second > 12:
        return "mdy"
    return "?" if first != second else ""


def decimal_marks(texts: Iterable[str]) -> set[str]:
    """What the numbers prove to be the decimal mark: . or , or, in a file that contradicts itself, both."""
    return {mark for text in texts if (mark := _mark(text)) and mark != "?"}


def has_undecided_numbers(texts: Iterable[str]) -> bool:
    """Whether a number could be read both ways: 1,234 is a thousand and more, or a little above one."""
    return any(_mark(text) == "?" for text in texts)


def _mark(text: str) -> str:
    bare, _ = _unsigned(text.translate(_SPACES).strip())
    marks = [char for char in bare if char in ".,"]
    if not marks or not bare.replace(".", "").replace(",", "").replace("'", "").replace(" ", "").isdigit():
        return ""
    if len(set(marks)) == 2:
        return marks[-1]
    if len(marks) > 1:
        return "," if marks[0] == "." else "."
    whole, _, fraction = bare.partition(marks[0])
    grouped = len(fraction) == 3 and 1 <= len(whole) <= 3 and whole != "0"
    return "?" if grouped else marks[0]

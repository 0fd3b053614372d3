"""What an operator types to put market data right: one line for each correction, all of them or none."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Final

from history.providers.garbage import LARGEST_PRICE
from investments.models import CorporateAction

PRICE: Final = "price"
VOID: Final = "void"
CONTRACT_SIZE: Final = "contract_size"
KINDS: Final = frozenset({PRICE, VOID, CONTRACT_SIZE, *CorporateAction.Kind.values})
FIGURES: Final = {  # what follows kind, symbol and day; "?" may be left out
    PRICE: ("close",),
    "split": ("ratio", "cash?"),
    "stock_dividend": ("ratio",),
    "cash_dividend": ("cash",),
    "special_dividend": ("cash",),
    "spin_off": ("ratio", "successor", "fraction"),
    "merger": ("ratio?", "successor?", "cash?", "value?"),
    "symbol_change": ("successor",),
    "delisting": ("cash?",),
    VOID: ("action",),
    CONTRACT_SIZE: ("size",),
}


class BadCorrection(ValueError):
    """A line cannot be meant; the message names it and the field. Nothing was changed."""


@dataclass(frozen=True, slots=True)
class Line:
    """One correction. `cash`: a close, a dividend, what a merger pays, what is left at a delisting or what
    fractions left by a split are paid at, per unit. `value`: of what comes of the successor for each unit.
    `size`: units that one contract of an option is for.
    """

    number: int
    kind: str
    symbol: str
    day: date
    ratio: Decimal | None = None
    cash: Decimal | None = None
    successor: str = ""
    fraction: Decimal | None = None
    value: Decimal | None = None
    action: str = ""
    size: Decimal | None = None


def read_lines(text: str) -> list[Line]:
    """The corrections of `kind,symbol,day,figures...` lines; empty lines and those that begin with # are left out."""
    lines = list(_lines(text))
    if not lines:
        raise BadCorrection("There is no line")
    return lines


def _lines(text: str) -> Iterator[Line]:
    for number, typed in enumerate(text.splitlines(), start=1):
        if typed.strip() and not typed.lstrip().startswith("#"):
            yield _line(number, [field.strip() for field in typed.split(",")])


def _line(number: int, fields: list[str]) -> Line:
    kind = fields[0].lower()
    if kind not in KINDS:
        raise BadCorrection(f"Line {number}, kind: {fields[0]!r} is none of {', '.join(sorted(KINDS))}")
    names = FIGURES[kind]
    given = dict(zip(names, [*fields[3:], *[""] * len(names)], strict=False))
    if len(fields) < 3 or len(fields) > 3 + len(names):
        raise BadCorrection(f"Line {number}: it is to read {','.join([kind, 'symbol', 'day', *names])}")
    for name, text in given.items():
        if not text and not name.endswith("?"):
            raise BadCorrection(f"Line {number}, {name}: it is missing")
    told = {name.removesuffix("?"): text for name, text in given.items()}
    return Line(
        number=number,
        kind=kind,
        symbol=fields[1].upper(),
        day=_day(number, fields[2]),
        ratio=_figure(number, "ratio", told.get("ratio", "")),
        cash=_figure(number, "cash", told.get("cash", told.get("close", ""))),
        successor=told.get("successor", "").upper(),
        fraction=_figure(number, "fraction", told.get("fraction", "")),
        value=_figure(number, "value", told.get("value", "")),
        action=told.get("action", "").lower(),
        size=_figure(number, "size", told.get("size", "")),
    )


def _day(number: int, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadCorrection(f"Line {number}, day: {text!r} is not a date like 2024-01-31") from None


def _figure(number: int, name: str, text: str) -> Decimal | None:
    if not text:
        return None
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise BadCorrection(f"Line {number}, {name}: {text!r} is not a number") from None
    limit = Decimal(1) if name == "fraction" else LARGEST_PRICE
    if not value.is_finite() or value < 0 or value > limit or (name in ("ratio", "size") and value == 0):
        raise BadCorrection(f"Line {number}, {name}: {text!r} cannot be")
    return value

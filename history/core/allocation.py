"""How a value divides, and how much of it is cash, stocks and bonds."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

ZERO: Final = Decimal(0)


class Broad(StrEnum):
    """The three kinds of money, and what is none of them."""

    CASH = "cash"
    STOCK = "stock"
    BOND = "bond"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of a value in the base currency, below zero for shorts; `weight` of the total, None where that is none.

    `unpriced`: some of it is valued at a price of before the last session.
    """

    label: str
    value: Decimal
    weight: float | None
    key: str = ""
    unpriced: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """What is to be divided: a holding, or an account's cash."""

    label: str
    value: Decimal
    key: str = ""
    unpriced: bool = False


def slices(parts: Iterable[Part], total: Decimal) -> list[Slice]:
    """Parts of one label and key as one slice, greatest first; those that come to nothing are left out."""
    sums: dict[tuple[str, str], Decimal] = {}
    unpriced: set[tuple[str, str]] = set()
    for part in parts:
        place = part.label, part.key
        sums[place] = sums.get(place, ZERO) + part.value
        if part.unpriced and part.value:
            unpriced.add(place)
    found = sorted((item for item in sums.items() if item[1]), key=lambda item: (-item[1], item[0]))
    return [
        Slice(label, value, float(value / total) if total > 0 else None, key, (label, key) in unpriced)
        for (label, key), value in found
    ]


def broad_kind(type: str, *, is_cash: bool, name: str = "", subtype: str = "") -> Broad:
    """Cash, stock or bond. Funds are not looked through: a fund whose name or subtype says bonds counts as bonds, any
    other as stock; options and crypto are other.
    """
    if is_cash:
        return Broad.CASH
    if type == "fixed income":
        return Broad.BOND
    if type in ("etf", "mutual fund"):
        return Broad.BOND if _says_bonds(f"{name} {subtype}") else Broad.STOCK
    return Broad.STOCK if type == "equity" else Broad.OTHER


BOND_WORDS: Final = frozenset({"bond", "bonds", "treasury", "treasuries", "fixed", "muni", "municipal", "tips", "debt"})


def _says_bonds(words: str) -> bool:
    return not BOND_WORDS.isdisjoint(words.lower().replace("-", " ").replace("/", " ").split())

"""The allocation panel: how the value divides, by any of seven labels, and how much is cash, stocks and bonds."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from history.allocation import DIMENSIONS, Pieces
from history.core.allocation import Slice as Part
from investments.kinds import OTHER

ZERO = Decimal(0)
DEFAULT_DIMENSION = "class"
MOST_SLICES = 8
NAMES: Final = {"class": "Class"}
BROAD_COLORS: Final = {"stock": 1, "bond": 2, "cash": 3, "other": 8}
BROAD_NAMES: Final = {"stock": "Stocks", "bond": "Bonds", "cash": "Cash", "other": "Other"}


@dataclass(frozen=True, slots=True)
class Slice:
    """`value` in the base currency; `weight` of the total, below zero for shorts; `color` 1 to 8; `key` filters.

    `unpriced`: some of it is valued at a price of before the last session.
    """

    label: str
    value: Decimal
    weight: float
    color: int
    key: str = ""
    unpriced: bool = False


@dataclass(frozen=True, slots=True)
class Dimension:
    code: str
    words: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class AllocationPanel:
    by: str
    slices: tuple[Slice, ...]
    broad: tuple[Slice, ...]
    currency: str

    @property
    def words(self) -> str:
        return DIMENSIONS[self.by]

    @property
    def dimensions(self) -> list[Dimension]:
        return [Dimension(code, NAMES.get(code, code.capitalize()), code == self.by) for code in DIMENSIONS]

    @property
    def unpriced(self) -> list[str]:
        return [part.label for part in self.slices if part.unpriced]

    @property
    def series(self) -> dict[str, Any]:
        """The contract of `allocation.js`."""
        return {
            "currency": self.currency,
            "slices": [
                {"label": part.label, "value": float(part.value), "weight": part.weight, "color": part.color}
                for part in self.slices
            ],
        }


def allocation_panel(*, by: str, pieces: Pieces, total_value: Decimal, currency: str) -> AllocationPanel:
    """Slices that add up to the total."""
    chosen = by if by in DIMENSIONS else DEFAULT_DIMENSION
    broad = (
        Slice(BROAD_NAMES[part.label], part.value, part.weight or 0.0, BROAD_COLORS[part.label])
        for part in sorted(pieces.broad(total_value), key=lambda part: list(BROAD_NAMES).index(part.label))
        if part.value
    )
    found = pieces.slices(chosen, total_value)
    return AllocationPanel(chosen, tuple(_slices(found, total_value)), tuple(broad), currency)


def _slices(found: Sequence[Part], total_value: Decimal) -> Iterator[Slice]:
    """What does not fit into eight colours is `Other`, last."""
    shown = list(found[: MOST_SLICES - 1] if len(found) > MOST_SLICES else found)
    if len(found) > MOST_SLICES:
        rest = found[MOST_SLICES - 1 :]
        value = sum((part.value for part in rest), ZERO)
        weight = float(value / total_value) if total_value else 0.0
        shown.append(Part(OTHER, value, weight, "", any(part.unpriced for part in rest)))
    for color, part in enumerate(shown, start=1):
        yield Slice(part.label, part.value, part.weight or 0.0, color, part.key, part.unpriced)

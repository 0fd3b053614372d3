"""Where two adjusted series of one symbol part, and why that is likely.

Both are compared by the steps of their quotient: how each vendor scales its whole series does not matter. A quotient
that is off for one day is a wrong close; one that stays off since a day is an action that one of the two does not know.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

TOLERANCE: Final = 0.002
CENT: Final = 0.01  # vendors round adjusted closes
SMALLEST_SPLIT: Final = 1.2  # a dividend takes less of the price than that


@dataclass(frozen=True, slots=True)
class Doubt:
    """`factor`: what the quotient was before over what it is from `day` on; of a wrong close: its own over the rest."""

    day: date
    cause: str
    factor: float


def doubts(
    days: Sequence[date], ours: Sequence[float], theirs: Sequence[float], known: Collection[date]
) -> list[Doubt]:
    """Where `ours` and `theirs`, all above zero, oldest first, tell different returns. `known`: our ex-dates."""
    quotient = [one / other for one, other in zip(ours, theirs, strict=True)]
    tolerance = [TOLERANCE + CENT / min(one, other) for one, other in zip(ours, theirs, strict=True)]
    found: list[Doubt] = []
    place = 1
    while place < len(days):
        before, here = quotient[place - 1], quotient[place]
        allowed = max(tolerance[place - 1], tolerance[place])
        if abs(before / here - 1) <= allowed:
            place += 1
        elif place + 1 < len(days) and abs(before / quotient[place + 1] - 1) <= allowed:
            found.append(Doubt(days[place], "bad_price", here / before))
            place += 2
        else:
            found.append(Doubt(days[place], _cause(before / here, days[place] in known), before / here))
            place += 1
    return found


def _cause(factor: float, is_known: bool) -> str:
    if is_known:
        return "wrong_action"
    if max(factor, 1 / factor) >= SMALLEST_SPLIT:
        return "missing_split"
    return "missing_dividend" if factor > 1 else "bad_price"


def is_continuous(before: float, after: float, ratio: float) -> bool:
    """Whether two closes around the ex-date of a split look adjusted for it already."""
    step = after / before
    return max(step, 1 / step) < max(step * ratio, 1 / (step * ratio))

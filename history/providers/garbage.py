"""Prices that cannot be true: not a number, not above zero, or ten times the day before with no split to say why."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from history.providers.base import DailyPrice, Split

LARGEST_JUMP: Final = 10
LARGEST_PRICE: Final = Decimal(10) ** 18
SMALLEST_PRICE: Final = Decimal("5E-13")  # what is less rounds to nothing at the twelve places that are kept
LARGEST_VOLUME: Final = Decimal(10) ** 19
NEIGHBOURS: Final = 5


def believable(prices: Sequence["DailyPrice"], splits: Sequence["Split"]) -> list["DailyPrice"]:
    """The prices, oldest first, without those that cannot be true.

    One bad tick is dropped and the good days around it kept. A lasting jump that no split explains ends the series:
    what follows may be another share class, currency or company, and waits for an operator. Of a believable close the
    figures beside it that cannot be true are left out.
    """
    kept = [_without_garbage(price) for price in prices if _is_a_price(price.close)]
    level = [_on_last_scale(price, splits) for price in kept]
    steady = [place for place in range(len(kept)) if not _stands_out(level, place)]
    for before, after in pairwise(steady):
        if _jumps(level[before], level[after]):
            return [kept[place] for place in steady if place <= before]
    return [kept[place] for place in steady]


def believable_after(
    before: "DailyPrice", prices: Sequence["DailyPrice"], splits: Sequence["Split"]
) -> list["DailyPrice"]:
    """The prices, oldest first, without those that cannot follow a close that is believed already."""
    kept = believable([*[before] * NEIGHBOURS, *prices], splits)
    return [price for price in kept if price.day > before.day]


def _is_a_price(figure: Decimal) -> bool:
    return figure.is_finite() and SMALLEST_PRICE <= figure < LARGEST_PRICE - 1


def _without_garbage(price: "DailyPrice") -> "DailyPrice":
    sides = (price.open, price.high, price.low, price.adj_close)
    volume = price.volume
    is_volume = volume is None or (volume.is_finite() and 0 <= volume < LARGEST_VOLUME)
    if is_volume and all(side is None or _is_a_price(side) for side in sides):
        return price
    opened, high, low, adjusted = (side if side is not None and _is_a_price(side) else None for side in sides)
    return replace(price, open=opened, high=high, low=low, adj_close=adjusted, volume=volume if is_volume else None)


def _on_last_scale(price: "DailyPrice", splits: Sequence["Split"]) -> float:
    close = float(price.close)
    for split in splits:
        if price.day < split.ex_date:
            close /= float(split.ratio)
    return close


def _jumps(one: float, other: float) -> bool:
    return max(one, other) > LARGEST_JUMP * min(one, other)


def _stands_out(level: Sequence[float], place: int) -> bool:
    """Far from both neighbours, and from what is usual before and after."""
    beside = [level[near] for near in (place - 1, place + 1) if 0 <= near < len(level)]
    if not beside or not all(_jumps(level[place], near) for near in beside):
        return False
    before, after = level[max(0, place - NEIGHBOURS) : place], level[place + 1 : place + 1 + NEIGHBOURS]
    return all(_jumps(level[place], median(side)) for side in (before, after) if side)

"""Vendors' split-adjusted bars put back to what was traded."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Context, Decimal
from typing import Final

from history.core.actions import can_be
from history.core.adjust import Event, split_factors
from history.providers.base import DailyPrice, Split
from portfolio_site.lib.sessions import NEW_YORK

# A vendor's adjusted figure is rounded; beyond these digits of the product there is only its rounding.
_KEPT: Final = Context(prec=10)
# Whatever is told fits: what cannot be true is sorted out later, with the rest of the garbage.
_WIDE: Final = Context(prec=400)
VOLUME_PLACES: Final = Decimal("0.0001")


def told_believably(splits: Sequence[Split]) -> bool:
    """Whether prices may be put back by these splits; by one that cannot be they would all become garbage."""
    return all(can_be(split.ratio) for split in splits)


def as_traded(bars: Sequence[DailyPrice], splits: Sequence[Split]) -> list[DailyPrice]:
    """The bars, oldest first, at the prices and volumes of their day. `splits` have to reach to the vendor's today.

    What is only announced has divided nothing yet.
    """
    ordered, today = sorted(bars, key=lambda bar: bar.day), datetime.now(NEW_YORK).date()
    events = [Event(split.ex_date, ratio=split.ratio) for split in splits if split.ex_date <= today]
    factors = split_factors([bar.day for bar in ordered], events)
    return [bar if factor == 1 else _scaled(bar, factor) for bar, factor in zip(ordered, factors, strict=True)]


def _scaled(bar: DailyPrice, factor: Decimal) -> DailyPrice:
    """`adj_close` stays: it is adjusted by definition."""
    return replace(
        bar,
        close=_KEPT.multiply(bar.close, factor),
        open=_times(bar.open, factor),
        high=_times(bar.high, factor),
        low=_times(bar.low, factor),
        volume=None if bar.volume is None else _WIDE.quantize(_WIDE.divide(bar.volume, factor), VOLUME_PLACES),
    )


def _times(price: Decimal | None, factor: Decimal) -> Decimal | None:
    return None if price is None else _KEPT.multiply(price, factor)

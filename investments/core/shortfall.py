"""What must have been there before the first row, in an account that its owner keeps: units sold and never bought."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from .lot import ZERO, Closing, Lot


@dataclass(frozen=True, slots=True)
class Shortfall:
    """`units` > 0: the most that was ever sold beyond what was held, in units of that day; `since` the first such."""

    units: Decimal
    since: date


def shortfall(lots: Iterable[Lot], closings: Iterable[Closing]) -> Shortfall | None:
    """Of one security that nobody says is sold short; None where no more was sold than held."""
    moves = [(lot.opened, -lot.quantity) for lot in lots if lot.quantity < 0]
    for closing in closings:
        if closing.is_short:
            moves += [(closing.opened, closing.quantity), (closing.closed, -closing.quantity)]
    most = short = ZERO
    for _, units in sorted(moves):
        short += units
        most = max(most, short)
    return Shortfall(most, min(day for day, _ in moves)) if most else None

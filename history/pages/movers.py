"""The movers panel: the positions that changed the value most in the last session."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from history.positions import Position, positions
from history.valuation import AccountWorth

MOST_ROWS = 6
PAIRED_WITH = "USD"


@dataclass(frozen=True, slots=True)
class Mover:
    """Money in the base currency; `fraction` is the change of the position's value in the session."""

    security_id: int
    label: str
    name: str
    value: Decimal
    change: Decimal
    fraction: float | None


def movers(*, worths: Sequence[AccountWorth], total_value: Decimal) -> list[Mover]:
    """Greatest change first, whichever way; one query."""
    moved = [mover for mover in map(_mover, positions(worths=worths, total_value=total_value)) if mover]
    return sorted(moved, key=lambda mover: (-abs(mover.change), mover.label))[:MOST_ROWS]


def _mover(position: Position) -> Mover | None:
    changes = [part.day_change for part in position.accounts]
    change = sum((amount for amount in changes if amount is not None), Decimal(0))
    if position.market_value is None or None in changes or not change:
        return None
    return Mover(
        position.security_id, _label(position), position.name, position.market_value, change, position.change_today
    )


def _label(position: Position) -> str:
    """The symbol, but for options, whose symbol nobody reads, and coins, whose symbol is a pair."""
    if position.asset_class == "derivative":
        return position.name
    return position.symbol.removesuffix(f"-{PAIRED_WITH}") or position.name

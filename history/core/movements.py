"""Transactions as arrays: the table of effects applied to many rows at once.

The same table and rules as `investments.core.effects.deltas`, which works on one row in Decimal; a test holds the two
against each other on every kind of transaction.
"""

from typing import Final

import numpy as np

from history.core.book import Bools, Floats, Ints, Movements
from investments.core.effects import OTHER, TABLE, Cost, Direction, Effect, Flow, effect_of

_EFFECTS: Final[tuple[Effect, ...]] = tuple(dict.fromkeys((OTHER, *TABLE.values())))
_CODES: Final[dict[Effect, int]] = {effect: code for code, effect in enumerate(_EFFECTS)}


def effect_code(type: str, subtype: str | None) -> int:
    """A small number for the effect of a (type, subtype), good for this process only."""
    return _CODES[effect_of(type, subtype)]


def moves_units(effect: Ints) -> Bools:
    """(T,) of effect codes: whether such rows move units."""
    return np.asarray(_MOVES_UNITS[effect], np.bool_)


def _column(values: list[bool]) -> Bools:
    return np.array(values, np.bool_)


_IGNORED: Final = _column([effect.unsettled or effect.reverses for effect in _EFFECTS])
_MOVES_UNITS: Final = _column([effect.units is not Direction.NONE for effect in _EFFECTS])
_MOVES_CASH: Final = _column([effect.cash is not Direction.NONE for effect in _EFFECTS])
_FLOWS: Final = _column([effect.flow is not Flow.NONE for effect in _EFFECTS])
_FLOWS_AT_AMOUNT: Final = _column([effect.flow is Flow.AT_AMOUNT for effect in _EFFECTS])
_FLOWS_IN_KIND: Final = _column([effect.flow is Flow.IN_KIND for effect in _EFFECTS])
_IS_INCOME: Final = _column([effect.income for effect in _EFFECTS])
_IS_FEE: Final = _column([effect.fee for effect in _EFFECTS])
_IS_SHORT: Final = _column([effect.short for effect in _EFFECTS])
_IS_SPLIT: Final = _column([effect.corporate_action in ("split", "stock_dividend") for effect in _EFFECTS])
_IS_DIVIDEND: Final = _column([effect.corporate_action == "stock_dividend" for effect in _EFFECTS])
_IS_EXCHANGE: Final = _column([effect.corporate_action in ("spin_off", "merger") for effect in _EFFECTS])
_RETURNS_COST: Final = _column([effect.cost is Cost.RETURNED for effect in _EFFECTS])
_COSTS_AMOUNT: Final = _column([effect.cost is Cost.AMOUNT for effect in _EFFECTS])
_COST_UNKNOWN: Final = _column([effect.cost is Cost.UNKNOWN for effect in _EFFECTS])
_KNOWN: Final = _column([effect.known for effect in _EFFECTS])


def movements_from_rows(
    *,
    account: Ints,
    position: Ints,
    day: Ints,
    effect: Ints,
    quantity: Floats,
    price: Floats,
    amount: Floats,
    fees: Floats,
) -> Movements:
    """Movements of normalised rows, all (T,); `effect` from `effect_code`, `position` -1 for none or a currency.

    A `cancel` moves nothing here: leave it and the row it cancels out, or give its row the negated figures.
    """
    counts = ~_IGNORED[effect]
    units = np.where(counts & _MOVES_UNITS[effect] & (position >= 0), quantity, 0.0)
    cash_row = counts & ((units == 0) | _MOVES_CASH[effect])
    booked = np.where(cash_row, amount, 0.0)
    paid = np.where(cash_row, fees, 0.0)
    at_amount = _FLOWS_AT_AMOUNT[effect]
    return Movements(
        account=account,
        position=position,
        day=day,
        units=units,
        cash=np.where(at_amount, 0.0, -booked),
        flow=np.where(_FLOWS[effect], np.where(at_amount, booked, -booked), 0.0),
        income=np.where(_IS_INCOME[effect], paid - booked, 0.0),
        fee=np.where(_IS_FEE[effect], booked, paid),
        cost=_cost(effect, units, np.where(counts, amount, 0.0)),
        price=np.where((units != 0) & (price > 0), price, np.nan),
        in_kind=_FLOWS_IN_KIND[effect] & (units != 0),
        split=_IS_SPLIT[effect] & (units != 0),
        dividend=_IS_DIVIDEND[effect] & (units != 0),
        short=_IS_SHORT[effect] & (units != 0),
        exchange=_IS_EXCHANGE[effect] & (units != 0),
        keep=np.ones(units.size),
    )


def _cost(effect: Ints, units: Floats, amount: Floats) -> Floats:
    unknown = _COST_UNKNOWN[effect] | (_COSTS_AMOUNT[effect] & ~_KNOWN[effect] & (amount == 0))
    added = np.where(unknown, np.nan, np.where(_COSTS_AMOUNT[effect], amount, 0.0))
    return np.where(_RETURNS_COST[effect], amount, np.where(units == 0, 0.0, added))

"""What every position gained on every day, from the same books that histories are rebuilt from.

A position gains what its value moves by and what it pays, less what was paid for it: purchases, sales and transfers are
none. Together with what cash gained, positions add up to the value of their account less its flows, day by day.
"""

from dataclasses import dataclass

import numpy as np

from history.core.book import Book, Bools, Floats, Ints, Movements
from history.core.exchanges import exchanged
from history.core.fractions import fractions_paid
from history.core.market import Market
from history.core.prices import price_positions
from history.core.purses import beside_own_cash, purses_paid, purses_worth
from history.core.sums import cash_walked_back
from history.core.timeline import Timeline, build_timeline


@dataclass(frozen=True, slots=True)
class Trades:
    """T purchases and sales: their position, day, units (split-adjusted, below zero for sales) and what they gained
    on their day: the close less the price, fees off.
    """

    position: Ints
    day: Ints
    units: Floats
    price: Floats
    at_once: Floats


@dataclass(frozen=True, slots=True)
class PositionGains:
    """P positions and A accounts over D days, in the base currency.

    `value`, `gain` (P, D); `unit` (P, D) is what one split-adjusted unit is worth, 0 unknown; `cash` (A, D) is what
    cash gained: interest, fees without a security, and currency. The first day gains nothing.
    """

    value: Floats
    gain: Floats
    unit: Floats
    cash: Floats
    trades: Trades


def position_gains(*, book: Book, market: Market, rate: Floats) -> PositionGains:
    """The PositionGains of a book whose accounts share one currency; `rate` (D,) converts it, NaN unknown."""
    book = exchanged(book=fractions_paid(book=book, market=market), market=market)
    positions, movements = book.positions, book.movements
    timeline = build_timeline(positions=positions, movements=movements, market=market)
    prices = price_positions(positions=positions, movements=movements, market=market, timeline=timeline)
    worth = prices.price * positions.multiplier[:, None] * rate
    growth = _growth(timeline, movements)
    value = worth * timeline.spread(timeline.level)
    inside = (movements.position >= 0) & (movements.day >= 0) & (movements.day < market.days)
    rows = np.flatnonzero(inside)
    paid = _paid(movements, rows, worth, rate)
    gain = np.diff(value, axis=1, prepend=value[:, :1])
    gain += _by_position(paid, movements, rows, value.shape)
    gain[:, 0] = 0.0
    return PositionGains(
        value=value,
        gain=gain,
        unit=worth * timeline.spread(growth),
        cash=_cash_gains(book, market, rate),
        trades=_trades(movements, timeline, growth, worth, rate),
    )


def _growth(timeline: Timeline, movements: Movements) -> Floats:
    """(N,) units after each event that one unit of the opening has become, splits booked as rows included."""
    growth = timeline.growth.copy()
    booked = np.flatnonzero(_of_events(movements.split, timeline))
    for event in booked.tolist():
        before = timeline.level[event] - timeline.delta[event]
        if before * timeline.level[event] > 0:
            growth[event : timeline.end[timeline.position[event]] + 1] *= timeline.level[event] / before
    return growth


def _paid(movements: Movements, rows: Ints, worth: Floats, rate: Floats) -> Floats:
    """What each row adds to the gain of its position: cash received, less what came in kind or by contribution."""
    day = movements.day[rows]
    own = (movements.cash[rows] - movements.flow[rows]) * rate[day]
    kind = movements.in_kind[rows] * movements.units[rows]
    return np.asarray(own - np.where(kind != 0, kind * worth[movements.position[rows], day], 0.0), np.float64)


def _by_position(amounts: Floats, movements: Movements, rows: Ints, shape: tuple[int, ...]) -> Floats:
    place = movements.position[rows] * shape[1] + movements.day[rows]
    summed = np.bincount(place, weights=amounts, minlength=shape[0] * shape[1])
    return np.asarray(summed, np.float64).reshape(shape)


def _cash_gains(book: Book, market: Market, rate: Floats) -> Floats:
    """(A, D) rows of no security that are no flows, and what the rate did to the cash that was there."""
    movements, accounts = book.movements, book.accounts.cash.size
    bare = np.flatnonzero((movements.position < 0) & (movements.day >= 0) & (movements.day < market.days))
    own = movements.cash[bare] - movements.flow[bare]
    place = movements.account[bare] * market.days + movements.day[bare]
    earned = np.bincount(place, weights=own, minlength=accounts * market.days).reshape(accounts, market.days) * rate
    cash = cash_walked_back(book.accounts, movements, days=market.days)
    if book.purses.held.size:
        size = {"accounts": accounts, "days": market.days}
        cash += beside_own_cash(book.purses, **size)
        moved = np.diff(purses_worth(book.purses, **size), axis=1, prepend=0.0)
        earned += (moved - purses_paid(book.purses, **size)) * rate
    earned[:, 1:] += cash[:, :-1] * np.diff(rate)
    earned[:, 0] = 0.0
    return np.asarray(earned, np.float64)


def _trades(movements: Movements, timeline: Timeline, growth: Floats, worth: Floats, rate: Floats) -> Trades:
    """Rows that moved units for money; splits and exchanges are no trades, transfers in kind came at market value."""
    dealt = _dealt(movements)
    event = np.flatnonzero(_of_events(dealt, timeline))
    row, position, day = timeline.row[event], timeline.position[event], timeline.day[event]
    paid = movements.cash[row] * rate[day]
    return Trades(
        position=position,
        day=day,
        units=movements.units[row] / growth[event],
        price=movements.price[row],
        at_once=movements.units[row] * worth[position, day] + paid,
    )


def _of_events(rows: Bools, timeline: Timeline) -> Bools:
    """(N,) what is true of each event's row; false of openings and splits, whose row is -1."""
    return np.append(rows, False)[timeline.row]


def _dealt(movements: Movements) -> Bools:
    moved = (movements.units != 0) & (movements.cash != 0)
    return np.asarray(moved & ~movements.split & ~movements.exchange & ~movements.in_kind, np.bool_)

"""From positions and movements to accounts: the sums every figure of a History is made of."""

import numpy as np

from history.core.book import Accounts, Bools, Floats, Ints, Movements, Positions
from history.core.timeline import Timeline


def by_account(rows: Floats | Bools, account: Ints, accounts: int) -> Floats:
    """(R, D) rows of positions, sorted by account, as (A, D) sums."""
    summed = np.zeros((accounts, rows.shape[1]))
    if account.size:
        start = np.flatnonzero(np.diff(account, prepend=-1))
        summed[account[start]] = np.add.reduceat(rows, start, axis=0, dtype=np.float64)
    return summed


def by_day(amounts: Floats, account: Ints, day: Ints, *, shape: tuple[int, int]) -> Floats:
    """(A, D) sums of amounts (N,) on their days; days outside 0..D-1 are left out."""
    accounts, days = shape
    inside = (day >= 0) & (day < days)
    place = (account * days + day)[inside]
    summed = np.bincount(place, weights=amounts[inside], minlength=accounts * days)
    return np.asarray(summed, np.float64).reshape(shape)


def cash_walked_back(accounts: Accounts, movements: Movements, *, days: int) -> Floats:
    """(A, D) cash at the end of each day: cash now less everything that came after."""
    moved = by_day(movements.cash, movements.account, movements.day, shape=(accounts.cash.size, days))
    cash = np.repeat(accounts.cash[:, None], days, axis=1)
    cash[:, :-1] -= np.cumsum(moved[:, :0:-1], axis=1)[:, ::-1]
    return cash


def flows(movements: Movements, positions: Positions, prices: Floats, *, accounts: int) -> Floats:
    """(A, D) external flows: money as booked, transfers in kind at market value of their day. `prices` (P, D)."""
    days = prices.shape[1]
    moved = movements.in_kind & (movements.position >= 0) & (movements.day >= 0) & (movements.day < days)
    kind, amount = np.flatnonzero(moved), movements.flow.copy()
    position = movements.position[kind]
    worth = prices[position, movements.day[kind]] * positions.multiplier[position]
    amount[kind] += movements.units[kind] * worth
    return by_day(amount, movements.account, movements.day, shape=(accounts, days))


def securities_held(timeline: Timeline, positions: Positions, *, shape: tuple[int, int]) -> Ints:
    """(A, D) number of positions with units at the end of each day."""
    held = (timeline.level != 0).astype(np.float64)
    before = np.roll(held, 1)
    before[timeline.start] = 0
    changes = by_day(held - before, positions.account[timeline.position], timeline.day, shape=shape)
    return np.cumsum(changes, axis=1).astype(np.int64)

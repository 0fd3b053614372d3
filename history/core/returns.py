"""Returns from daily values and flows: time-weighted, by Modified Dietz, and in two currencies.

Flows count at the beginning of their day, as the Global Investment Performance Standards allow for daily valuation.
Everything is a fraction: 0.05 is five per cent.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
from numpy.typing import NDArray

from history.core.book import Bools, Floats

YEAR: Final = 365  # calendar days
NOTHING: Final = 1e-9  # of what was there: less is what rounding leaves of it


@dataclass(frozen=True, slots=True)
class Gain:
    """Money made in a period: `net` of fees and of the taxes that were withheld, which are `charged`; and before them.

    What is not charged to the accounts, such as the tax of the year's return, is in neither.
    """

    net: float
    charged: float

    @property
    def gross(self) -> float:
        return self.net + self.charged


def invested(value: Floats, net_flow: Floats) -> Floats:
    """(D,) what each day began with, V0 + F; 0 where that is nothing and so has no return: the first day, an empty
    or indebted portfolio, and a day whose withdrawals leave nothing.

    `value` (D,) at the end of each day, NaN unknown; `net_flow` (D,) in less out, on the day.
    """
    before = np.zeros_like(value)
    before[1:] = value[:-1]
    start = before + net_flow
    something = start > NOTHING * (np.abs(before) + np.abs(net_flow))
    emptied = (net_flow < 0) & (value <= 0)
    start = np.where(something & ~emptied & ~np.isnan(value), start, 0.0)
    start[:1] = 0.0
    return np.asarray(start, np.float64)


def daily_returns(value: Floats, net_flow: Floats) -> Floats:
    """(D,) r = (V1 - (V0 + F)) / (V0 + F), at least -1; 0 where nothing was invested, which restarts the chain."""
    start = invested(value, net_flow)
    moves = start > 0
    gain = np.where(moves, value - start, 0.0)
    return np.asarray(np.maximum(gain / np.where(moves, start, 1.0), -1.0), np.float64)


def index_of(returns: Floats) -> Floats:
    """(D,) what one unit became, after each return; a day of -100 % ends it at 0 for good."""
    return np.asarray(np.cumprod(1.0 + returns), np.float64)


def linked(returns: Floats) -> float:
    """The returns of consecutive periods as one: (1 + r1)(1 + r2)... - 1; 0 of none."""
    return float(np.prod(1.0 + returns) - 1.0)


def annualised(total: float, days: int) -> float | None:
    """A return of `days` calendar days per year of 365; None under one year, which is never extrapolated.

    Source: GIPS 2020, provision 4.A.
    """
    return None if days < YEAR else float((1.0 + total) ** (YEAR / days) - 1.0)


def modified_dietz(*, begin: float, end: float, flows: Sequence[tuple[int, float]], days: int) -> float | None:
    """The return of one period: gain over average capital, each flow (day 0..days, amount) weighted (T - t) / T.

    Flows count at the end of their day. None where the average capital is not above zero. Source: P. Dietz, Pension
    Funds: Measuring Investment Performance (1966), as modified to weigh flows by time.
    """
    if days <= 0:
        return None
    paid = sum(amount for _, amount in flows)
    average = begin + sum(amount * (days - day) / days for day, amount in flows)
    return (end - begin - paid) / average if average > 0 else None


def gain_of(value: Floats, net_flow: Floats, charges: Floats) -> Gain:
    """The Gain between the first day's value and the last's; flows and charges of the first day lie before it."""
    if not value.size:
        return Gain(0.0, 0.0)
    return Gain(float(value[-1] - value[0] - net_flow[1:].sum()), float(charges[1:].sum()))


def in_two_currencies(local: Floats, currency: Floats) -> Floats:
    """(1 + local)(1 + currency) - 1. Source: Karnosky and Singer, Global Asset Management (1994)."""
    return np.asarray((1.0 + local) * (1.0 + currency) - 1.0, np.float64)


def currency_part(total: Floats, local: Floats) -> Floats:
    """The currency return that takes `local` to `total`; 0 where nothing is left of either."""
    left = local > -1.0
    return np.asarray(np.where(left, (1.0 + total) / np.where(left, 1.0 + local, 1.0) - 1.0, 0.0), np.float64)


def currency_returns(exposure: Floats, rate: Floats, capital: Floats) -> Floats:
    """(D,) what exchange rates made of each day's capital; (1 + total) / (1 + this) - 1 is the local return.

    `exposure` (K, D) is what is held in each currency at the end of a day, in the base currency; `rate` (K, D) converts
    it, NaN unknown; `capital` (D,) is what each day began with, see `invested`. Source: as `in_two_currencies`, with
    the currency return of several markets weighed by what is held in each.
    """
    known = ~np.isnan(rate[:, 1:]) & (np.nan_to_num(rate[:, :-1]) > 0)
    moved = np.where(known, rate[:, 1:] / np.where(known, rate[:, :-1], 1.0) - 1.0, 0.0)
    made = np.zeros(capital.size)
    made[1:] = (exposure[:, :-1] * moved).sum(axis=0)
    return np.asarray(np.where(capital > 0, made / np.where(capital > 0, capital, 1.0), 0.0), np.float64)


def at_sessions(returns: Floats, counted: Bools, is_session: Bools) -> tuple[Floats, NDArray[np.int64]]:
    """(S,) returns of sessions, each with what happened since the session before, and (S,) the days they end on.

    `returns`, `counted` (something was invested) and `is_session` are by calendar day (D,). Days after the last session
    count to it; sessions over which nothing was invested are left out, so that they do not look calm.
    """
    ends = np.flatnonzero(is_session)
    if not ends.size:
        return np.empty(0), ends
    group = np.minimum(np.searchsorted(ends, np.arange(returns.size)), ends.size - 1)
    starts = np.searchsorted(group, np.arange(ends.size))
    compound = np.multiply.reduceat(1.0 + returns, starts) - 1.0
    kept = np.logical_or.reduceat(counted, starts)
    return np.asarray(compound[kept], np.float64), ends[kept]


def by_period(returns: Floats, keys: Sequence[str]) -> dict[str, float]:
    """Returns linked by key (a month, a year), in the order of the keys; `keys` beside the returns, grouped."""
    names, starts = _runs(keys)
    if not names:
        return {}
    found = np.multiply.reduceat(1.0 + returns, starts) - 1.0
    return dict(zip(names, found.tolist(), strict=True))


def _runs(keys: Sequence[str]) -> tuple[list[str], list[int]]:
    starts = [at for at, key in enumerate(keys) if at == 0 or key != keys[at - 1]]
    return [keys[at] for at in starts], starts


def months_of(days: Sequence[date]) -> list[str]:
    """`2026-11` of each day."""
    return [f"{day.year}-{day.month:02}" for day in days]

"""The money-weighted return: the rate at which dated flows are worth nothing today.

Written as a function of x = log(1 + r), on which present values are sums of exponentials: smooth, and defined for every
r above -100 %. Days count actual/365 from the first flow.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from history.core.book import Floats, Ints
from history.core.returns import YEAR

LEAST: Final = -0.999999
MOST: Final = 1e6  # a year's return beyond which nothing is looked for
GUESS: Final = 0.1
ITERATIONS: Final = 100
STEP: Final = 1e-13  # of log(1 + r)
BISECTIONS: Final = 200
POINTS: Final = 400  # where several roots are looked for between LEAST and MOST


class NoRate(StrEnum):
    """Why there is no rate."""

    ONE_SIGN = "one_sign"  # money has to go in and to come out
    ONE_DAY = "one_day"
    NO_ROOT = "no_root"
    SEVERAL = "several_roots"


@dataclass(frozen=True, slots=True)
class MoneyWeighted:
    """`rate` is a year's, or another period's; None with the `reason`. `roots` are all that were found, ascending."""

    rate: float | None
    reason: NoRate | None = None
    roots: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class _Flows:
    """One amount a day, in order; `years` (or other periods) since the first."""

    years: Floats
    amounts: Floats

    def worth(self, x: float) -> float:
        return float(self.amounts @ np.exp(-self.years * x))

    def worth_and_slope(self, x: float) -> tuple[float, float]:
        present = self.amounts * np.exp(-self.years * x)
        return float(present.sum()), -float(self.years @ present)


def money_weighted(*, days: Ints, amounts: Floats, per: int = YEAR) -> MoneyWeighted:
    """The internal rate of return of amounts (N,) on days (N,) in any order: negative paid in, positive out.

    The rate is for a year, or `per` so many days.
    Newton's method from 10 %, at most 100 steps, then bisection. Where roots may be several they are looked for between
    -99.9999 % and 10^6, and none is returned. A rate at which the investor is never in debt to the investment is the
    only one (D. Soper, The Marginal Efficiency of Capital: A Further Note, Economic Journal 69, 1959), which spares the
    search.
    """
    flows = _daily(days, amounts, per)
    if not (flows.amounts > 0).any() or not (flows.amounts < 0).any():
        return MoneyWeighted(None, NoRate.ONE_DAY if _cancel(amounts, flows) else NoRate.ONE_SIGN)
    found = _newton(flows)
    if found is not None and _is_only(flows, found):
        return _single(found)
    roots = _all_roots(flows)
    if len(roots) == 1:
        return _single(roots[0])
    if not roots:
        return MoneyWeighted(None, NoRate.NO_ROOT)
    return MoneyWeighted(None, NoRate.SEVERAL, tuple(float(np.expm1(x)) for x in roots))


def present_value(*, days: Ints, amounts: Floats, rate: float) -> float:
    """What the flows are worth on the day of the first, at an annual rate above -1."""
    return _daily(days, amounts, YEAR).worth(float(np.log1p(rate)))


def _single(x: float) -> MoneyWeighted:
    rate = float(np.expm1(x))
    return MoneyWeighted(rate, None, (rate,))


def _daily(days: Ints, amounts: Floats, per: int) -> _Flows:
    if not days.size:
        return _Flows(np.empty(0), np.empty(0))
    first, last = int(days.min()), int(days.max())
    if last - first > 20 * days.size:
        own, place = np.unique(days, return_inverse=True)
        summed = np.bincount(place, weights=amounts)
    else:
        summed = np.bincount(days - first, weights=amounts, minlength=last - first + 1)
        own = np.arange(first, last + 1)
    moved = np.flatnonzero(summed)
    return _Flows((own[moved] - first) / per, np.asarray(summed[moved], np.float64))


def _cancel(amounts: Floats, flows: _Flows) -> bool:
    """Money of both signs that was all on one day."""
    return bool((amounts > 0).any() and (amounts < 0).any() and flows.years.size <= 1)


def _newton(flows: _Flows) -> float | None:
    x = float(np.log1p(GUESS))
    low, high = float(np.log1p(LEAST)), float(np.log1p(MOST))
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(ITERATIONS):
            worth, slope = flows.worth_and_slope(x)
            if not np.isfinite(worth) or not slope:
                return None
            step = worth / slope
            x -= step
            if not low <= x <= high:
                return None
            if abs(step) <= STEP * max(1.0, abs(x)):
                return x
    return None


def _is_only(flows: _Flows, x: float) -> bool:
    """One change of sign has one root; and so has a balance that never turns before the end."""
    signs = np.sign(flows.amounts)
    if np.count_nonzero(np.diff(signs)) == 1:
        return True
    present = flows.amounts * np.exp(-flows.years * x)
    owed = np.cumsum(present)[:-1] * signs[0]
    return bool((owed >= -1e-12 * np.abs(present).sum()).all())


def _all_roots(flows: _Flows) -> list[float]:
    """Every change of sign between LEAST and MOST, by bisection; the grid is finer where rates are usual."""
    usual = np.linspace(np.log1p(-0.99), np.log1p(10.0), POINTS)
    grid = np.union1d(np.linspace(np.log1p(LEAST), np.log1p(MOST), POINTS // 2), usual)
    with np.errstate(over="ignore"):
        worth = np.array([_scaled(flows, float(x)) for x in grid])
    exact = [float(grid[at]) for at in np.flatnonzero(worth == 0)]
    turns = np.flatnonzero(worth[:-1] * worth[1:] < 0)
    return sorted([*exact, *(_bisect(flows, float(grid[at]), float(grid[at + 1])) for at in turns.tolist())])


def _scaled(flows: _Flows, x: float) -> float:
    """The worth seen from the day that weighs most, so that nothing overflows; its sign is the same."""
    exponent = -flows.years * x
    return float(flows.amounts @ np.exp(exponent - exponent.max()))


def _bisect(flows: _Flows, low: float, high: float) -> float:
    sign = _scaled(flows, low) > 0
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        if (_scaled(flows, middle) > 0) == sign:
            low = middle
        else:
            high = middle
    return (low + high) / 2

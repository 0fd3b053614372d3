"""Risk of a series of returns. A year has 252 sessions; standard deviations are of a sample (ddof 1).

What cannot be told is None: fewer than two returns, or a series that does not move. Callers withhold more (`figures`).
"""

from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

import numpy as np

from history.core.book import Bools, Floats

SESSIONS: Final = 252
STILL: Final = 1e-12  # of the greatest return: a deviation below it is what rounding leaves of none


@dataclass(frozen=True, slots=True)
class Drawdown:
    """The deepest fall from a peak, as a fraction below zero; places in the curve, `recovery` None until then."""

    depth: float
    peak: int
    trough: int
    recovery: int | None


@dataclass(frozen=True, slots=True)
class ValueAtRisk:
    """Returns of one session, below zero for losses, at a confidence: by history, by its tail's mean, by the normal."""

    confidence: float
    historical: float
    tail_mean: float
    parametric: float


def per_session(annual: float) -> float:
    """A yearly rate per session, geometrically: (1 + r)^(1/252) - 1."""
    return float((1.0 + annual) ** (1 / SESSIONS) - 1.0)


def deviation(returns: Floats) -> float | None:
    """The sample standard deviation per session; None of fewer than two returns."""
    return float(np.std(returns, ddof=1)) if returns.size > 1 else None


def moving_deviation(returns: Floats) -> float | None:
    """As `deviation`, None where nothing moves: what would be divided by it has no value."""
    found = deviation(returns)
    return found if found is not None and found > STILL * float(np.abs(returns).max(initial=0.0)) else None


def volatility(returns: Floats) -> float | None:
    """The standard deviation of a year: per session times the root of 252."""
    found = deviation(returns)
    return None if found is None else found * SESSIONS**0.5


def sharpe(returns: Floats, risk_free: float = 0.0) -> float | None:
    """Mean excess return over its deviation, times the root of 252; `risk_free` is per session.

    Source: W. Sharpe, The Sharpe Ratio, Journal of Portfolio Management 21 (1994).
    """
    excess = returns - risk_free
    found = moving_deviation(excess)
    return None if found is None else float(excess.mean() / found * SESSIONS**0.5)


def downside_deviation(returns: Floats, minimum: float = 0.0) -> float | None:
    """The root mean square of what falls short of `minimum` per session, over all sessions; None of no return.

    Source: F. Sortino and R. van der Meer, Downside Risk, Journal of Portfolio Management 17 (1991).
    """
    if not returns.size:
        return None
    return float(np.sqrt(np.mean(np.minimum(returns - minimum, 0.0) ** 2)))


def sortino(returns: Floats, minimum: float = 0.0) -> float | None:
    """Mean return above `minimum` per session over the downside deviation, times the root of 252."""
    found = downside_deviation(returns, minimum)
    if returns.size < 2 or not found:
        return None
    return float((returns - minimum).mean() / found * SESSIONS**0.5)


def drawdowns(returns: Floats) -> Floats:
    """(D,) the distance from the highest point so far, at most 0; the start is the first peak."""
    index = np.cumprod(1.0 + returns)
    return np.asarray(index / np.maximum(np.maximum.accumulate(index), 1.0) - 1.0, np.float64)


def max_drawdown(returns: Floats) -> Drawdown | None:
    """The deepest Drawdown; places count from 0 for the start, so that return i ends at place i + 1. None of none."""
    if not returns.size:
        return None
    index = np.concatenate(([1.0], np.cumprod(1.0 + returns)))
    below = index / np.maximum.accumulate(index) - 1.0
    trough = int(np.argmin(below))
    peak = int(np.argmax(index[: trough + 1]))
    back = np.flatnonzero(index[trough:] >= index[peak])
    return Drawdown(float(below[trough]), peak, trough, trough + int(back[0]) if back.size else None)


def ulcer(returns: Floats) -> float | None:
    """The root mean square of the drawdowns. Source: P. Martin and B. McCann, The Investor's Guide (1989)."""
    return float(np.sqrt(np.mean(drawdowns(returns) ** 2))) if returns.size else None


def calmar(annual_return: float | None, depth: float | None) -> float | None:
    """The annualised return over the depth of the deepest drawdown. Source: T. Young, Futures 20 (1991)."""
    return None if annual_return is None or not depth else annual_return / abs(depth)


def rolling_volatility(returns: Floats, window: int) -> Floats:
    """(N - window + 1,) volatility of each run of `window` returns; empty where there are fewer."""
    if returns.size < window:
        return np.empty(0)
    runs = np.lib.stride_tricks.sliding_window_view(returns, window)
    return np.asarray(np.std(runs, axis=1, ddof=1) * SESSIONS**0.5, np.float64)


def rolling_sharpe(returns: Floats, window: int, risk_free: float = 0.0) -> Floats:
    """(N - window + 1,) Sharpe ratio of each run of `window` returns, NaN where nothing moves."""
    if returns.size < window:
        return np.empty(0)
    runs = np.lib.stride_tricks.sliding_window_view(returns - risk_free, window)
    deviations = np.std(runs, axis=1, ddof=1)
    moves = deviations > STILL * np.abs(runs).max(axis=1)
    ratio = np.where(moves, runs.mean(axis=1) / np.where(moves, deviations, 1.0), np.nan)
    return np.asarray(ratio * SESSIONS**0.5, np.float64)


def rolling_beta(returns: Floats, benchmark: Floats, window: int) -> Floats:
    """(N - window + 1,) beta of each run of `window` returns, NaN where the benchmark does not move."""
    if returns.size < window:
        return np.empty(0)
    ours = np.lib.stride_tricks.sliding_window_view(returns, window)
    theirs = np.lib.stride_tricks.sliding_window_view(benchmark, window)
    apart = theirs - theirs.mean(axis=1, keepdims=True)
    spread = (apart**2).sum(axis=1)
    moves = spread > STILL**2
    return np.asarray(np.where(moves, (apart * ours).sum(axis=1) / np.where(moves, spread, 1.0), np.nan), np.float64)


def value_at_risk(returns: Floats, confidence: float) -> ValueAtRisk | None:
    """Historical VaR by linear interpolation (Hyndman and Fan's type 7), CVaR as the mean of what is no better than it,
    and the normal distribution's beside them. None of fewer than two returns.
    """
    spread = deviation(returns)
    if spread is None:
        return None
    historical = float(np.quantile(returns, 1.0 - confidence))
    # The quantile is the result of a sum: what equals it in the series may lie a rounding above.
    tail = returns[returns <= historical + 1e-15]
    parametric = float(returns.mean()) + NormalDist().inv_cdf(1.0 - confidence) * spread
    return ValueAtRisk(confidence, historical, float(tail.mean()), parametric)


def correlations(returns: Floats) -> Floats:
    """(N, N) Pearson's correlation of the columns of (D, N) returns, over the days that both have (NaN: none).

    NaN where a pair shares fewer than two days or one of them does not move.
    """
    there = ~np.isnan(returns)
    if there.all() and returns.shape[0] > 1:
        return _complete_correlations(returns)
    mask = there.astype(np.float64)
    centred = np.where(there, returns, 0.0) - _means(returns, there) * mask
    count = mask.T @ mask
    first, squares = centred.T @ mask, (centred**2).T @ mask
    with np.errstate(divide="ignore", invalid="ignore"):
        covariance = centred.T @ centred - first * first.T / count
        spread = squares - first**2 / count
        still = spread <= (STILL**2) * np.maximum(squares, np.finfo(float).tiny)
        spread = np.where(still, np.nan, spread)
        found = np.where(count > 1, covariance / np.sqrt(spread * spread.T), np.nan)
    return np.asarray(np.clip(found, -1.0, 1.0), np.float64)


def _complete_correlations(returns: Floats) -> Floats:
    """The same where every day is there: one product of matrices instead of four."""
    centred = returns - returns.mean(axis=0)
    size = np.sqrt((centred**2).sum(axis=0))
    moves = size > STILL * np.abs(returns).max(axis=0, initial=0.0)
    unit = np.where(moves, centred / np.where(moves, size, 1.0), np.nan)
    return np.asarray(np.clip(unit.T @ unit, -1.0, 1.0), np.float64)


def _means(returns: Floats, there: Bools) -> Floats:
    total = np.where(there, returns, 0.0).sum(axis=0)
    return np.asarray(total / np.maximum(there.sum(axis=0), 1), np.float64)


def average_correlation(matrix: Floats) -> float | None:
    """The mean of the pairs that have one; None where none has."""
    pairs = matrix[np.triu_indices(matrix.shape[0], 1)]
    known = pairs[~np.isnan(pairs)]
    return float(known.mean()) if known.size else None

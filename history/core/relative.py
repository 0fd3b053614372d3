"""A portfolio beside its benchmark: returns of the same sessions, per session, as fractions."""

from dataclasses import dataclass

import numpy as np

from history.core.book import Bools, Floats
from history.core.risk import SESSIONS, moving_deviation


@dataclass(frozen=True, slots=True)
class Regression:
    """Least squares of excess returns: `alpha` of a year (the session's times 252), `beta`, and the correlation."""

    alpha: float
    beta: float
    correlation: float | None


def regression(returns: Floats, benchmark: Floats, risk_free: float = 0.0) -> Regression | None:
    """Alpha and beta; `risk_free` is per session. None of fewer than two, or of a benchmark that does not move.

    Source: M. Jensen, The Performance of Mutual Funds in the Period 1945-1964, Journal of Finance 23 (1968).
    """
    ours, theirs = returns - risk_free, benchmark - risk_free
    theirs_deviation = moving_deviation(theirs)
    if theirs_deviation is None:
        return None
    covariance = float(np.cov(ours, theirs, ddof=1)[0, 1])
    beta = covariance / theirs_deviation**2
    own = moving_deviation(ours)
    return Regression(
        alpha=(float(ours.mean()) - beta * float(theirs.mean())) * SESSIONS,
        beta=beta,
        correlation=None if own is None else min(1.0, max(-1.0, covariance / (own * theirs_deviation))),
    )


def tracking_error(returns: Floats, benchmark: Floats) -> float | None:
    """The standard deviation of the difference, of a year; None of fewer than two."""
    if returns.size < 2:
        return None
    return float(np.std(returns - benchmark, ddof=1) * SESSIONS**0.5)


def information_ratio(returns: Floats, benchmark: Floats) -> float | None:
    """Mean difference over its deviation, times the root of 252; None where the difference does not move.

    Source: T. Goodwin, The Information Ratio, Financial Analysts Journal 54 (1998).
    """
    active = returns - benchmark
    found = moving_deviation(active)
    return None if found is None else float(active.mean() / found * SESSIONS**0.5)


def up_capture(returns: Floats, benchmark: Floats) -> float | None:
    """The annualised return over the benchmark's, of the sessions on which the benchmark rose; None without any."""
    return _capture(returns, benchmark, benchmark > 0)


def down_capture(returns: Floats, benchmark: Floats) -> float | None:
    """As `up_capture`, of the sessions on which the benchmark fell."""
    return _capture(returns, benchmark, benchmark < 0)


def batting_average(returns: Floats, benchmark: Floats) -> float | None:
    """The share of sessions that beat the benchmark; None of none."""
    return float((returns > benchmark).mean()) if returns.size else None


def _capture(returns: Floats, benchmark: Floats, chosen: Bools) -> float | None:
    if not chosen.any():
        return None
    ours, theirs = _yearly(returns[chosen]), _yearly(benchmark[chosen])
    return ours / theirs if theirs else None


def _yearly(returns: Floats) -> float:
    return float(np.prod(1.0 + returns) ** (SESSIONS / returns.size) - 1.0)

"""The figures of the performance page beside empyrical-reloaded and quantstats, XIRR beside pyxirr, in one run.

Two years of calendar days, 100 holdings, a benchmark. Ours is everything that the page draws, from values and flows to
figures, curves, months, correlations, value at risk and contributions; the libraries are asked for those of the figures
that they have, on the same session returns, and what both have is compared.
"""

import os
import warnings
from datetime import date, timedelta

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # one core each: a second thread measures what else runs here

import numpy as np
from _figures import Figure, arguments, seconds, show

from history.core import relative, returns, risk
from history.core.attribution import contributions, days_of
from history.core.money_weighted import money_weighted
from history.core.performance import Beside, Line, performance, value_at_risk
from history.core.scores import diversification_score, risk_score

DAYS, HOLDINGS, FLOWS = 731, 100, 10_000
START = date(2024, 11, 20)


class Portfolio:
    """100 holdings by calendar day, with a deposit a month, and a benchmark."""

    def __init__(self) -> None:
        rng = np.random.default_rng(11)
        self.days = [START + timedelta(days=number) for number in range(DAYS)]
        self.is_session = np.array([day.weekday() < 5 for day in self.days])
        market = rng.normal(0.0004, 0.008, DAYS) * self.is_session
        own = rng.normal(0.0, 0.012, (DAYS, HOLDINGS)) * self.is_session[:, None]
        self.moves = market[:, None] + own
        self.moves[0] = market[0] = 0
        self.benchmark = np.cumprod(1 + market)
        self.flow = np.array([5000.0 if day.day == 1 and number else 0.0 for number, day in enumerate(self.days)])
        self.values = np.empty((DAYS, HOLDINGS))
        self.values[0] = 1000.0
        for day in range(1, DAYS):  # every deposit is spread over all holdings
            self.values[day] = (self.values[day - 1] + self.flow[day] / HOLDINGS) * (1 + self.moves[day])
        self.value = self.values.sum(axis=1)
        self.line = Line(self.days, self.value, self.flow, np.zeros(DAYS), self.is_session)
        before = np.vstack([self.values[:1], self.values[:-1]])
        self.gains = (self.values - before - self.flow[:, None] / HOLDINGS).T
        self.gains[:, 0] = 0
        self.sessions = performance(self.line).session_returns


def ours(portfolio: Portfolio) -> object:
    """Everything on the page."""
    found = performance(portfolio.line, beside=Beside("SPY", portfolio.benchmark))
    tail = value_at_risk(found.session_returns)
    matrix = risk.correlations(portfolio.moves[portfolio.is_session])
    weights = portfolio.values[-1] / portfolio.value[-1]
    scores = (
        risk_score(
            volatility=found.figures["volatility"].value, depth=found.figures["max_drawdown"].value, weights=weights
        ),
        diversification_score(
            weights=weights, classes=weights, sectors=weights, average_correlation=risk.average_correlation(matrix)
        ),
    )
    shares = contributions(portfolio.gains, days_of(portfolio.value, portfolio.flow))
    return found, tail, matrix, scores, shares


def figures_alone(sessions: np.ndarray, benchmark: np.ndarray) -> list[float]:
    """The figures that all three have, in one order."""
    fitted = relative.regression(sessions, benchmark)
    tail = risk.value_at_risk(sessions, 0.95)
    assert fitted is not None
    assert tail is not None
    return [
        float(figure or 0)
        for figure in (
            returns.linked(sessions), risk.volatility(sessions), risk.sharpe(sessions), risk.sortino(sessions),
            risk.drawdowns(sessions).min(), fitted.beta, tail.historical,
        )
    ]  # fmt: skip


def empyrical_figures(sessions: object, benchmark: object) -> list[float]:
    import empyrical

    return [
        empyrical.cum_returns_final(sessions), empyrical.annual_volatility(sessions), empyrical.sharpe_ratio(sessions),
        empyrical.sortino_ratio(sessions), empyrical.max_drawdown(sessions), empyrical.beta(sessions, benchmark),
        empyrical.value_at_risk(sessions, 0.05),
    ]  # fmt: skip


def quantstats_figures(sessions: object, benchmark: object) -> list[float]:
    import quantstats.stats as stats

    return [
        float(stats.comp(sessions)), stats.volatility(sessions), stats.sharpe(sessions), stats.sortino(sessions),
        stats.max_drawdown(sessions), stats.greeks(sessions, benchmark)["beta"],
    ]  # fmt: skip


def flows() -> tuple[np.ndarray, np.ndarray]:
    """10,000 deposits and withdrawals over 30 years, and what they are worth at the end."""
    rng = np.random.default_rng(3)
    days = np.sort(rng.integers(0, 10_950, FLOWS - 1))
    amounts = np.where(rng.random(FLOWS - 1) < 0.8, -1.0, 0.6) * rng.uniform(50, 2000, FLOWS - 1)
    end = float((-amounts * 1.07 ** ((10_950 - days) / 365)).sum())
    return np.append(days, 10_950), np.append(amounts, end)


def page(portfolio: Portfolio) -> list[Figure]:
    import pandas as pd

    found = performance(portfolio.line, beside=Beside("SPY", portfolio.benchmark))
    stamps = pd.DatetimeIndex([portfolio.days[place] for place in found.session_days.tolist()])
    assert found.session_benchmark is not None
    sessions = pd.Series(found.session_returns, stamps)
    benchmark = pd.Series(found.session_benchmark, stamps)
    everything = seconds(lambda: ours(portfolio), repeats=9) * 1000
    alone = seconds(lambda: figures_alone(found.session_returns, found.session_benchmark), repeats=9) * 1000
    told = figures_alone(found.session_returns, found.session_benchmark)
    lines = [Figure("all figures of the page", everything, 20.0, "the goal", 20.0 / everything, "ms")]
    peers = (("empyrical-reloaded", empyrical_figures), ("quantstats", quantstats_figures))
    for name, ask in peers:
        theirs = seconds(lambda ask=ask: ask(sessions, benchmark)) * 1000
        peer = [float(figure) for figure in ask(sessions, benchmark)]
        apart = max(abs(own - other) for own, other in zip(told, peer, strict=False))
        lines += [
            Figure(f"{len(peer)} figures of one series", alone, theirs, name, theirs / alone, "ms"),
            Figure(f"greatest difference from {name}", apart, None, "", None, ""),
        ]
    pandas_matrix = pd.DataFrame(portfolio.moves[portfolio.is_session])
    matrix = seconds(lambda: risk.correlations(portfolio.moves[portfolio.is_session])) * 1000
    theirs = seconds(pandas_matrix.corr) * 1000
    return [*lines, Figure("correlations of 100 holdings", matrix, theirs, "pandas", theirs / matrix, "ms")]


def rates() -> list[Figure]:
    import pyxirr

    days, amounts = flows()
    dates = [START + timedelta(days=int(day)) for day in days]
    stamps = np.array(dates, "datetime64[D]")
    mine = seconds(lambda: money_weighted(days=days, amounts=amounts), repeats=9) * 1000
    theirs = seconds(lambda: pyxirr.xirr(dates, amounts), repeats=9) * 1000
    arrays = seconds(lambda: pyxirr.xirr(stamps, amounts), repeats=9) * 1000
    apart = abs((money_weighted(days=days, amounts=amounts).rate or 0) - (pyxirr.xirr(dates, amounts) or 0))
    return [
        Figure("XIRR of 10,000 flows", mine, arrays, "pyxirr, arrays", arrays / mine, "ms"),
        Figure("XIRR of 10,000 flows", mine, theirs, "pyxirr, dates", theirs / mine, "ms"),
        Figure("difference from pyxirr", apart, None, "", None, ""),
    ]


def main() -> None:
    options = arguments(__doc__ or "")
    warnings.simplefilter("ignore")  # what the libraries do with pandas is theirs
    show("Analytics: 731 days, 100 holdings", [*page(Portfolio()), *rates()], as_json=options.json)


if __name__ == "__main__":
    main()

"""Every method of calculation with its version: what a figure names, and what a figure of old can be made again with.

A change of convention is a new version; the old function stays here, and its tests with it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import numpy as np

from history.core import attribution, money_weighted, relative, returns, risk, scores
from history.core.allocation import slices
from history.core.book import Floats

FIRST: Final = date(2026, 11, 21)


@dataclass(frozen=True, slots=True)
class Version:
    """`run` is the function itself; `since` the day from which figures were made with it."""

    method: str
    number: int
    since: date
    words: str
    run: Callable[..., Any]

    @property
    def name(self) -> str:
        """`twrr@2`: what a figure says it was made with."""
        return f"{self.method}@{self.number}"


class UnknownVersion(LookupError):
    """No such method, or no such version of it."""


def twrr_1(value: Floats, net_flow: Floats) -> Floats:
    """The time-weighted index until version 2: a day that ended with nothing counted as no move at all."""
    start = np.zeros(value.size)
    start[1:] = np.nan_to_num(value[:-1] + net_flow[1:])
    now = np.nan_to_num(value)
    moves = (start > 0) & (now > 0)
    return np.asarray(np.exp(np.cumsum(np.log(np.where(moves, now, 1.0) / np.where(moves, start, 1.0)))), np.float64)


def twrr_2(value: Floats, net_flow: Floats) -> Floats:
    """The time-weighted index, 1 on the first day: a loss of everything ends it at 0, a withdrawal of it does not."""
    return returns.index_of(returns.daily_returns(value, net_flow))


def _first(method: str, words: str, run: Callable[..., Any]) -> Version:
    return Version(method, 1, FIRST, words, run)


_ALL: Final = (
    Version("twrr", 1, date(2026, 11, 20), "Time-weighted; a day that ends with nothing is no move", twrr_1),
    Version("twrr", 2, FIRST, "Time-weighted, flows at the start of the day, linked geometrically", twrr_2),
    _first("annualised", "Calendar days over 365, never under a year", returns.annualised),
    _first("mwrr", "Internal rate of return, actual/365", money_weighted.money_weighted),
    _first("modified_dietz", "Gain over average capital, flows at the end of the day", returns.modified_dietz),
    _first("gain", "Value less the first value less flows since", returns.gain_of),
    _first("currency", "(1 + total) / (1 + local) - 1, by the currency of each account", returns.currency_part),
    Version("currency", 2, FIRST, "What rates made of capital, by the currency of each security",
            returns.currency_returns),
    _first("volatility", "Sample deviation of session returns, 252 a year", risk.volatility),
    _first("sharpe", "Mean excess over its deviation, 252 a year", risk.sharpe),
    _first("sortino", "Mean excess over downside deviation of all sessions, 252 a year", risk.sortino),
    _first("drawdown", "Distance from the highest point, the start included", risk.max_drawdown),
    _first("ulcer", "Root mean square of drawdowns", risk.ulcer),
    _first("calmar", "Annualised return over the deepest drawdown", risk.calmar),
    _first("regression", "Least squares of excess returns; alpha times 252", relative.regression),
    _first("tracking_error", "Sample deviation of the difference, 252 a year", relative.tracking_error),
    _first("information_ratio", "Mean difference over its deviation, 252 a year", relative.information_ratio),
    _first("up_capture", "Annualised over sessions on which the benchmark rose", relative.up_capture),
    _first("down_capture", "Annualised over sessions on which the benchmark fell", relative.down_capture),
    _first("rolling_volatility", "Volatility of each run of sessions", risk.rolling_volatility),
    _first("value_at_risk", "The last 252 sessions, quantile by linear interpolation", risk.value_at_risk),
    _first("correlation", "Pearson, over sessions that both have", risk.correlations),
    _first("risk_score", "Volatility, drawdown, concentration", scores.risk_score),
    _first("diversification_score", "Effective holdings, classes, sectors; correlation", scores.diversification_score),
    _first("contribution", f"Gain over capital by day, linked by the {attribution.METHOD} method",
           attribution.contributions),
    _first("trade_contribution", f"What each trade moved, linked by the {attribution.METHOD} method",
           attribution.trade_contributions),
    _first("brinson", f"Brinson-Fachler by day, linked by the {attribution.METHOD} method", attribution.brinson),
    _first("allocation", "Value now by label", slices),
)  # fmt: skip
VERSIONS: Final[dict[str, Version]] = {version.name: version for version in _ALL}
CURRENT: Final[dict[str, Version]] = {version.method: version for version in _ALL}


def named(method: str) -> str:
    """The name of the method's current version."""
    return CURRENT[method].name


def version(name: str) -> Version:
    """By its name, such as `twrr@1`. Raises UnknownVersion."""
    try:
        return VERSIONS[name]
    except KeyError:
        raise UnknownVersion(name) from None

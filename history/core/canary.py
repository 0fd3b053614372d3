"""A portfolio whose every figure is known by a formula, taken the whole way from holdings to figures.

1,000 in one security that grows by the same share every day; 1,000 more come on day 100 and buy more of it. What it is
worth, what it returned by either measure and what the security contributed follow from the rate alone. Beside it, a
series that rises and falls in turn, whose deviation, tail, fall and beta are as plain.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np

from history.core import relative, risk
from history.core.attribution import contributions, days_of
from history.core.book import NO_DAY, Accounts, Book, Floats, Movements, Positions
from history.core.gains import position_gains
from history.core.market import Market, build_market
from history.core.performance import Line, performance
from history.core.reconstruct import reconstruct
from history.core.versions import named

TOLERANCE: Final = 1e-9
GROWTH: Final = 1.001
PAID: Final = 1000.0
PRICE: Final = 100.0
SECOND, LAST = 100, 365
MEAN, SWING, COUNT = 0.0001, 0.02, 252
START: Final = date(2025, 1, 1)


@dataclass(frozen=True, slots=True)
class Check:
    """One figure: what the formula says, what came out, and the version that made it."""

    name: str
    version: str
    expected: float
    found: float | None

    @property
    def drift(self) -> float:
        """The difference, relative where the figure is above one; infinite where none came out."""
        if self.found is None or not np.isfinite(self.found):
            return float("inf")
        return abs(self.found - self.expected) / max(1.0, abs(self.expected))


def checks() -> tuple[Check, ...]:
    """Every figure of the canary, computed now."""
    return (*_portfolio(), *_series())


def worst(found: tuple[Check, ...]) -> Check:
    """The one that is furthest from its formula."""
    return max(found, key=lambda check: check.drift)


def _market() -> Market:
    return build_market(closes=PRICE * GROWTH ** np.arange(LAST + 1.0)[:, None])


def _book() -> Book:
    bought = PAID / (PRICE * GROWTH**SECOND)
    units = np.array([PAID / PRICE + bought])
    one, nothing = np.zeros(1, np.int64), np.full(1, np.nan)
    false = np.zeros(2, np.bool_)
    positions = Positions(
        account=one, column=one, units=units, multiplier=np.ones(1), basis=nothing, broker_price=nothing,
        broker_day=np.full(1, NO_DAY), may_short=np.zeros(1, np.bool_), is_cash=np.zeros(1, np.bool_),
    )  # fmt: skip
    movements = Movements(  # the deposit, then the purchase
        account=np.zeros(2, np.int64), position=np.array([-1, 0]), day=np.array([SECOND, SECOND]),
        units=np.array([0.0, bought]), cash=np.array([PAID, -PAID]), flow=np.array([PAID, 0.0]),
        income=np.zeros(2), fee=np.zeros(2), cost=np.array([0.0, PAID]), price=np.full(2, np.nan), in_kind=false,
        split=false, dividend=false, short=false, exchange=false, keep=np.ones(2),
    )  # fmt: skip
    return Book(Accounts(np.zeros(1), np.zeros(1, np.bool_)), positions, movements)


def _portfolio() -> Iterator[Check]:
    book, market = _book(), _market()
    history = reconstruct(book=book, market=market)
    days = [START + timedelta(days=number) for number in range(LAST + 1)]
    value, flow = history.value[:, 0], history.net_flow[:, 0]
    line = Line(days, value, flow, history.fees[:, 0], np.array([day.weekday() < 5 for day in days], np.bool_))
    figures = performance(line).figures
    # The deposit counts from the start of its day and is bought at its close: it misses one day's growth.
    second_day = (PAID * GROWTH**SECOND + PAID) / (PAID * GROWTH ** (SECOND - 1) + PAID)
    twrr = GROWTH ** (SECOND - 1) * second_day * GROWTH ** (LAST - SECOND) - 1
    end = PAID * GROWTH**LAST + PAID * GROWTH ** (LAST - SECOND)
    gains = position_gains(book=book, market=market, rate=np.ones(LAST + 1))
    security = contributions(gains.gain, days_of(value, flow))
    yield Check("value", named("gain"), end, float(value[-1]))
    yield Check("gain", named("gain"), end - 2 * PAID, figures["gain"].value)
    yield Check("twrr", named("twrr"), twrr, figures["twrr"].value)
    yield Check("mwrr", named("mwrr"), GROWTH**LAST - 1, figures["mwrr_annualised"].value)
    yield Check("drawdown", named("drawdown"), 0.0, figures["max_drawdown"].value)
    yield Check("contribution", named("contribution"), twrr, float(security[0]))


def swinging() -> Floats:
    """(252,) up and down in turn around the mean."""
    return np.asarray(MEAN + SWING * (-1.0) ** np.arange(COUNT), np.float64)


def _series() -> Iterator[Check]:
    series = swinging()
    up, down = 1 + MEAN + SWING, 1 + MEAN - SWING
    deviation = SWING * (COUNT / (COUNT - 1)) ** 0.5
    year = float(risk.SESSIONS**0.5)
    fall = risk.max_drawdown(series)
    tail = risk.value_at_risk(series, 0.95)
    fitted = relative.regression(2 * series, series)
    yield Check("volatility", named("volatility"), deviation * year, risk.volatility(series))
    yield Check("sharpe", named("sharpe"), MEAN / deviation * year, risk.sharpe(series))
    yield Check("sortino", named("sortino"), MEAN / ((SWING - MEAN) / 2**0.5) * year, risk.sortino(series))
    yield Check("fall", named("drawdown"), (up * down) ** (COUNT // 2) / up - 1, fall.depth if fall else None)
    yield Check("var", named("value_at_risk"), MEAN - SWING, tail.historical if tail else None)
    yield Check("cvar", named("value_at_risk"), MEAN - SWING, tail.tail_mean if tail else None)
    yield Check("beta", named("regression"), 2.0, fitted.beta if fitted else None)
    yield Check("alpha", named("regression"), 0.0, fitted.alpha if fitted else None)

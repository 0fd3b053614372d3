"""All figures of a portfolio over a period, from its days: what the performance page and the analytics API show."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

import numpy as np

from history.core import relative, returns, risk
from history.core.book import Bools, Floats, Ints
from history.core.money_weighted import MoneyWeighted, NoRate, money_weighted
from history.core.versions import named, version

LEAST_DAYS: Final = 30  # sessions: fewer say nothing of risk
VAR_DAYS: Final = 252
WINDOWS: Final = (30, 90, 252)
CONFIDENCES: Final = (0.95, 0.99)
NO_RATE: Final = {
    NoRate.ONE_SIGN: "money has to go in and to come out",
    NoRate.ONE_DAY: "all money moved on one day",
    NoRate.NO_ROOT: "no rate explains these flows",
    NoRate.SEVERAL: "several rates explain these flows",
}


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure or, where there is none, the reason; `version` of the method either way."""

    value: float | None
    version: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """A portfolio by calendar day (D,): money in the base currency, NaN unknown; `currency` is the part of the return
    that exchange rates made, by day, None where all is in the base currency.
    """

    days: Sequence[date]
    value: Floats
    net_flow: Floats
    fees: Floats
    is_session: Bools
    currency: Floats | None = None


@dataclass(frozen=True, slots=True)
class Beside:
    """A benchmark over the days of a Line: its total-return index, NaN before its first price."""

    symbol: str
    index: Floats


@dataclass(frozen=True, slots=True)
class Assumptions:
    """Yearly rates: what is free of risk, and the least that is acceptable (for Sortino)."""

    risk_free: float = 0.0
    minimum: float = 0.0


NEUTRAL: Final = Assumptions()


@dataclass(frozen=True, slots=True)
class Performance:
    """Curves by calendar day (D,) from 0 on; `session_days` (S,) are the places of the sessions with a return."""

    index: Floats
    drawdown: Floats
    session_days: Ints
    session_returns: Floats
    session_benchmark: Floats | None
    figures: dict[str, Figure]
    deepest: tuple[int, int, int | None] | None  # peak, trough, recovery: places of days
    months: dict[str, float]
    years: dict[str, float]
    rolling: dict[int, Floats]
    roots: tuple[float, ...] = ()
    benchmark_months: dict[str, float] = field(default_factory=dict)


def performance(
    line: Line, *, beside: Beside | None = None, assumed: Assumptions = NEUTRAL, twrr: str = ""
) -> Performance:
    """The Performance of a Line of at least one day. `twrr` names another version of the index than the current."""
    daily = _daily(line, twrr)
    counted = returns.invested(line.value, line.net_flow) > 0
    sessions, places = returns.at_sessions(daily, counted, line.is_session)
    drawn = risk.drawdowns(daily)
    benchmark = _benchmark(beside, line, counted)
    figures = _returns(line, daily, counted, twrr or named("twrr"))
    rate, figures["mwrr"], figures["mwrr_annualised"] = _money_weighted(line)
    figures |= _risk(sessions, daily, figures, assumed)
    figures |= _relative(sessions, benchmark, figures, beside, _start(counted), assumed)
    deepest = risk.max_drawdown(daily)
    months = returns.months_of(line.days)
    return Performance(
        index=returns.index_of(daily),
        drawdown=drawn,
        session_days=places,
        session_returns=sessions,
        session_benchmark=benchmark,
        figures=figures,
        deepest=None if deepest is None or not deepest.depth else _placed(deepest),
        months=returns.by_period(daily, months),
        years=returns.by_period(daily, [key[:4] for key in months]),
        rolling={window: risk.rolling_volatility(sessions, window) for window in WINDOWS},
        roots=rate.roots,
        benchmark_months={} if beside is None else returns.by_period(_steps(beside.index), months),
    )


def value_at_risk(sessions: Floats) -> dict[str, Figure]:
    """VaR, its tail's mean and the normal's VaR at each confidence, on the last 252 sessions at most."""
    found: dict[str, Figure] = {}
    for confidence in CONFIDENCES:
        at = f"{confidence * 100:.0f}"
        told = risk.value_at_risk(sessions[-VAR_DAYS:], confidence) if sessions.size >= LEAST_DAYS else None
        found[f"var_{at}"] = _figure("value_at_risk", told.historical if told else None, sessions.size)
        found[f"cvar_{at}"] = _figure("value_at_risk", told.tail_mean if told else None, sessions.size)
        found[f"parametric_var_{at}"] = _figure("value_at_risk", told.parametric if told else None, sessions.size)
    return found


def _daily(line: Line, twrr: str) -> Floats:
    if not twrr:
        return returns.daily_returns(line.value, line.net_flow)
    return _steps(np.asarray(version(twrr).run(line.value, line.net_flow), np.float64))


def _steps(index: Floats) -> Floats:
    """(D,) the returns behind an index, 0 where either end is unknown or nothing."""
    found = np.zeros_like(index)
    known = (index[:-1] > 0) & ~np.isnan(index[1:])
    found[1:] = np.where(known, index[1:] / np.where(known, index[:-1], 1.0) - 1.0, 0.0)
    return found


def _figure(method: str, value: float | None, count: int, needed: int = LEAST_DAYS, else_reason: str = "") -> Figure:
    """Withheld where there are too few sessions, whatever the method would say."""
    if count < needed:
        return Figure(None, named(method), f"needs {needed} days, has {count}")
    return Figure(value, named(method), "" if value is not None else else_reason or "nothing moved")


def _returns(line: Line, daily: Floats, counted: Bools, twrr: str) -> dict[str, Figure]:
    span = _span(line, counted)
    total = returns.linked(daily) if counted.any() else None
    yearly = None if total is None else returns.annualised(total, span)
    short = f"needs {returns.YEAR} days, has {span}"
    gain = returns.gain_of(line.value, line.net_flow, line.fees)
    known = bool(line.value.size) and not np.isnan(line.value[[0, -1]]).any()
    none = "" if known else "a value is unknown"
    return {
        "twrr": Figure(total, twrr, "" if total is not None else "nothing was invested"),
        "twrr_annualised": Figure(yearly, named("annualised"), "" if yearly is not None else short),
        "modified_dietz": _dietz(line, known),
        "gain": Figure(gain.net if known else None, named("gain"), none),
        "gain_before_charges": Figure(gain.gross if known else None, named("gain"), none),
        "charges": Figure(gain.charged, named("gain")),
        **_currency(line, total),
    }


def _currency(line: Line, total: float | None) -> dict[str, Figure]:
    if line.currency is None or total is None:
        return {}
    currency = returns.linked(line.currency)
    local = (1.0 + total) / (1.0 + currency) - 1.0 if currency > -1 else None
    return {"currency": Figure(currency, named("currency")), "local": Figure(local, named("currency"))}


def _span(line: Line, counted: Bools) -> int:
    """Calendar days from the first capital to the end."""
    return len(line.days) - 1 - _start(counted)


def _start(counted: Bools) -> int:
    """The day before the first with capital: where returns are measured from."""
    return max(int(np.argmax(counted)) - 1, 0)


def _dietz(line: Line, known: bool) -> Figure:
    value = None
    if known and line.value.size > 1:
        flows = [(int(day), float(line.net_flow[day])) for day in np.flatnonzero(line.net_flow) if day]
        value = returns.modified_dietz(
            begin=float(line.value[0]), end=float(line.value[-1]), flows=flows, days=line.value.size - 1
        )
    return Figure(value, named("modified_dietz"), "" if value is not None else "no average capital above zero")


def _money_weighted(line: Line) -> tuple[MoneyWeighted, Figure, Figure]:
    """The rate over the period, and a year's; the investor pays the first value in and takes the last one out."""
    method = named("mwrr")
    if line.value.size < 2 or np.isnan(line.value[[0, -1]]).any():
        none = Figure(None, method, "a value is unknown" if line.value.size > 1 else NO_RATE[NoRate.ONE_DAY])
        return MoneyWeighted(None), none, none
    amounts = -line.net_flow
    amounts[0] = -line.value[0]
    amounts[-1] += line.value[-1]
    span = max(int(np.ptp(np.flatnonzero(amounts))), 1) if amounts.any() else 1
    found = money_weighted(days=np.arange(amounts.size), amounts=amounts, per=span)
    if found.rate is None:
        none = Figure(None, method, NO_RATE[found.reason] if found.reason else "")
        return found, none, none
    yearly = returns.annualised(found.rate, span)
    short = "" if yearly is not None else f"needs {returns.YEAR} days, has {span}"
    return found, Figure(found.rate, method), Figure(yearly, method, short)


def _risk(sessions: Floats, daily: Floats, figures: dict[str, Figure], assumed: Assumptions) -> dict[str, Figure]:
    free, least = risk.per_session(assumed.risk_free), risk.per_session(assumed.minimum)
    count = sessions.size
    depth = float(risk.drawdowns(daily).min(initial=0.0))
    annual = figures["twrr_annualised"]
    calmar = _figure("calmar", risk.calmar(annual.value, depth), count, else_reason=annual.reason or "nothing fell")
    return {
        "volatility": _figure("volatility", risk.volatility(sessions), count),
        "sharpe": _figure("sharpe", risk.sharpe(sessions, free), count),
        "sortino": _figure("sortino", risk.sortino(sessions, least), count, else_reason="no session fell short"),
        "max_drawdown": _figure("drawdown", depth, count),
        "ulcer": _figure("ulcer", risk.ulcer(daily), count),
        "calmar": calmar,
    }


def _relative(
    sessions: Floats,
    benchmark: Floats | None,
    figures: dict[str, Figure],
    beside: Beside | None,
    first: int,
    assumed: Assumptions,
) -> dict[str, Figure]:
    if beside is None:
        return {}
    none = "no benchmark prices over these days"
    ours, theirs, count = sessions, benchmark, sessions.size
    if theirs is None:
        ours, theirs, count = np.empty(0), np.empty(0), 0
    fitted = relative.regression(ours, theirs, risk.per_session(assumed.risk_free)) if count else None
    total = returns.linked(_steps(beside.index)[first + 1 :]) if benchmark is not None else None
    own = figures["twrr"].value
    excess = None if total is None or own is None else own - total
    return {
        "benchmark": Figure(total, named("twrr"), "" if total is not None else none),
        "excess": Figure(excess, named("twrr"), "" if excess is not None else none),
        "beta": _figure("regression", fitted.beta if fitted else None, count),
        "alpha": _figure("regression", fitted.alpha if fitted else None, count),
        "correlation": _figure("regression", fitted.correlation if fitted else None, count),
        "tracking_error": _figure("tracking_error", relative.tracking_error(ours, theirs), count),
        "information_ratio": _figure("information_ratio", relative.information_ratio(ours, theirs), count),
        "up_capture": _figure("up_capture", relative.up_capture(ours, theirs), count, else_reason="it never rose"),
        "down_capture": _figure(
            "down_capture", relative.down_capture(ours, theirs), count, else_reason="it never fell"
        ),
    }


def _benchmark(beside: Beside | None, line: Line, counted: Bools) -> Floats | None:
    """The benchmark's returns of the portfolio's own sessions; None unless it has a price from their start on."""
    if beside is None or not counted.any():
        return None
    if np.isnan(beside.index[_start(counted) :]).any():
        return None
    return returns.at_sessions(_steps(beside.index), counted, line.is_session)[0]


def _placed(deepest: risk.Drawdown) -> tuple[int, int, int | None]:
    """Places of days: return i of the daily series ends on day i, so place i + 1 of the drawdown is day i."""
    peak = max(deepest.peak - 1, 0)
    return peak, max(deepest.trough - 1, 0), None if deepest.recovery is None else max(deepest.recovery - 1, 0)

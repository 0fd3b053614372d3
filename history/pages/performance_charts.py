"""What the performance page draws: figures in words, curves, and the two heat maps as tables."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import numpy as np

from history.analytics.period import Analytics
from history.core.book import Floats, Ints
from history.core.performance import WINDOWS, Figure
from history.core.scores import Score

RATIOS: Final = {"sharpe", "sortino", "calmar", "beta", "information_ratio"}
GROUPS: Final = (
    (
        "Return",
        (
            ("twrr_annualised", "Time-weighted, a year"),
            ("mwrr_annualised", "Money-weighted, a year"),
            ("local", "In the securities' currencies"),
            ("currency", "From exchange rates"),
            ("modified_dietz", "Modified Dietz"),
        ),
    ),
    (
        "Risk",
        (
            ("volatility", "Volatility, a year"),
            ("max_drawdown", "Deepest fall"),
            ("ulcer", "Ulcer index"),
            ("sharpe", "Sharpe"),
            ("sortino", "Sortino"),
            ("calmar", "Calmar"),
        ),
    ),
    (
        "Value at risk, one day",
        (
            ("var_95", "VaR 95 %"),
            ("cvar_95", "Mean beyond it (CVaR)"),
            ("parametric_var_95", "VaR 95 %, normal"),
            ("var_99", "VaR 99 %"),
            ("cvar_99", "Mean beyond it (CVaR)"),
            ("parametric_var_99", "VaR 99 %, normal"),
        ),
    ),
    (
        "Against {}",
        (
            ("excess", "Excess return"),
            ("beta", "Beta"),
            ("alpha", "Alpha, a year"),
            ("tracking_error", "Tracking error"),
            ("information_ratio", "Information ratio"),
            ("up_capture", "Up capture"),
            ("down_capture", "Down capture"),
        ),
    ),
)
MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
STEPS: Final = 4  # shades of a heat map, either side of nothing
ROWS: Final = 30  # of a table behind a curve
WORDS: Final = {30: "30 days", 90: "90 days", 252: "A year"}


@dataclass(frozen=True, slots=True)
class Told:
    """A figure with its name; a `ratio` is a plain number, anything else a percentage."""

    name: str
    label: str
    figure: Figure
    is_ratio: bool


@dataclass(frozen=True, slots=True)
class Group:
    title: str
    told: tuple[Told, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """One field of a heat map; `tone` is `gain-3`, `loss-1`, `none`."""

    value: float | None
    tone: str


@dataclass(frozen=True, slots=True)
class HeatRow:
    label: str
    cells: tuple[Cell, ...]
    total: Cell | None = None


@dataclass(frozen=True, slots=True)
class Curve:
    """The contract of `curve.js`, and the same as a table: `rows` newest first, a value a line."""

    data: dict[str, Any]
    summary: str
    names: tuple[str, ...]
    rows: tuple[tuple[date, tuple[float | None, ...]], ...]


@dataclass(frozen=True, slots=True)
class Fall:
    depth: float
    peak: date
    trough: date
    recovery: date | None


@dataclass(frozen=True, slots=True)
class ShownPart:
    """`bar` is the points as a share, 0 to 1."""

    name: str
    words: str
    points: float
    bar: float


@dataclass(frozen=True, slots=True)
class ShownScore:
    value: float
    sentence: str
    parts: tuple[ShownPart, ...]


@dataclass(frozen=True, slots=True)
class PerformancePanel:
    """All that the page shows of a period. `returns` is None until there are two days."""

    first: date
    last: date
    sessions: int
    measure: str
    figures: dict[str, Figure]
    groups: tuple[Group, ...]
    benchmark: str
    unknown_benchmark: str
    returns: Curve | None
    drawdown: Curve | None
    rolling: Curve | None
    rolling_missing: tuple[str, ...]
    fall: Fall | None
    months: tuple[HeatRow, ...]
    correlation: tuple[HeatRow, ...]
    average_correlation: float | None
    scores: tuple[tuple[str, ShownScore], ...]
    effective_holdings: float | None
    risk_free: float
    missing_rates: tuple[str, ...]
    value_at_risk_sessions: int
    month_names: tuple[str, ...] = MONTHS

    @property
    def headline(self) -> Figure:
        return self.figures[self.measure]

    @property
    def other(self) -> Figure:
        return self.figures["twrr" if self.measure == "mwrr" else "mwrr"]


def performance_panel(found: Analytics, measure: str, *, unknown_benchmark: str = "") -> PerformancePanel:
    """The panel of a period's figures."""
    days, told = found.lines.line.days, found.performance
    fall = None
    if told.deepest is not None:
        peak, trough, back = told.deepest
        fall = Fall(float(told.drawdown[trough]), days[peak], days[trough], None if back is None else days[back])
    scores = (("Risk", found.scores.risk), ("Diversification", found.scores.diversification))
    return PerformancePanel(
        first=days[0],
        last=days[-1],
        sessions=int(told.session_returns.size),
        measure=measure,
        figures=found.figures,
        groups=tuple(_groups(found)),
        benchmark=found.benchmark.symbol if found.benchmark else "",
        unknown_benchmark=unknown_benchmark,
        returns=_returns(found, measure) if len(days) > 1 else None,
        drawdown=_drawdown(found) if len(days) > 1 else None,
        rolling=_rolling(found),
        rolling_missing=tuple(
            f"{WORDS[window]}: needs {window} days, has {told.session_returns.size}"
            for window in WINDOWS
            if not told.rolling[window].size
        ),
        fall=fall,
        months=tuple(_months(told.months, told.years)),
        correlation=tuple(_correlation(found)),
        average_correlation=found.correlation.average,
        scores=tuple((name, _shown(score)) for name, score in scores if score is not None),
        effective_holdings=found.scores.effective_holdings,
        risk_free=found.assumed.risk_free,
        missing_rates=found.lines.missing_rates,
        value_at_risk_sessions=min(found.value_at_risk.sessions, 252),
    )


def _groups(found: Analytics) -> list[Group]:
    groups = []
    for title, names in GROUPS:
        told = tuple(
            Told(name, label, found.figures[name], name in RATIOS) for name, label in names if name in found.figures
        )
        if told and (found.benchmark or "{}" not in title):
            groups.append(Group(title.format(found.benchmark.symbol if found.benchmark else ""), told))
    return groups


def _returns(found: Analytics, measure: str) -> Curve:
    """Time-weighted: the return since the start, and the benchmark's. By money: what it gained, in money."""
    line = found.lines.line
    if measure == "mwrr":
        flows = line.net_flow.copy()
        flows[0] = 0.0
        gain = line.value - line.value[0] - np.cumsum(flows)
        return _curve(line.days, [("Gain", gain, "accent")], unit="money", currency=found.currency)
    lines = [("Portfolio", found.performance.index - 1.0, "accent")]
    if found.benchmark is not None:
        known = found.benchmark.index[~np.isnan(found.benchmark.index)]
        lines.append((found.benchmark.symbol, found.benchmark.index / known[0] - 1.0, "slice-3"))
    return _curve(line.days, lines, unit="percent", currency=found.currency)


def _drawdown(found: Analytics) -> Curve:
    lines = [("Portfolio", found.performance.drawdown, "loss")]
    return _curve(found.lines.line.days, lines, unit="percent", currency=found.currency, area=True)


def _rolling(found: Analytics) -> Curve | None:
    told, line = found.performance, found.lines.line
    colours = dict(zip(WINDOWS, ("accent", "slice-2", "slice-3"), strict=True))
    lines = [
        (WORDS[window], _at_days(told.rolling[window], told.session_days, len(line.days)), colours[window])
        for window in WINDOWS
        if told.rolling[window].size
    ]
    if not lines:
        return None
    first = int(told.session_days[min(window for window in WINDOWS if told.rolling[window].size) - 1])
    cut = [(name, values[first:], colour) for name, values, colour in lines]
    return _curve(line.days[first:], cut, unit="percent", currency=found.currency)


def _at_days(values: Floats, session_days: Ints, count: int) -> Floats:
    """Each window's figure from the day it ends on until the next."""
    spread = np.full(count, np.nan)
    spread[session_days[session_days.size - values.size :]] = values
    known = np.maximum.accumulate(np.where(np.isnan(spread), 0, np.arange(count)))
    return np.asarray(spread[known], np.float64)


def _curve(
    days: Sequence[date], lines: list[tuple[str, Floats, str]], *, unit: str, currency: str, area: bool = False
) -> Curve:
    data = {
        "unit": unit,
        "currency": currency,
        "area": area,
        "dates": [day.isoformat() for day in days],
        "lines": [
            {"name": name, "colour": colour, "values": [_plain(value) for value in values.tolist()]}
            for name, values, colour in lines
        ],
    }
    step = max(1, len(days) // ROWS)
    chosen = list(range(len(days) - 1, -1, -step))
    rows = tuple((days[at], tuple(_plain(values[at]) for _, values, _ in lines)) for at in chosen)
    return Curve(data, _summary(lines, unit), tuple(name for name, _, _ in lines), rows)


def _plain(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), 6)


def _summary(lines: list[tuple[str, Floats, str]], unit: str) -> str:
    def words(value: float) -> str:
        return f"{value:.1%}" if unit == "percent" else f"{value:,.0f}"

    told = []
    for name, values, _ in lines:
        known = values[~np.isnan(values)]
        if known.size:
            told.append(
                f"{name}: {words(known[-1])} at the end, highest {words(known.max())}, lowest {words(known.min())}."
            )
    return " ".join(told)


def _months(months: dict[str, float], years: dict[str, float]) -> list[HeatRow]:
    """A row a year, newest first."""
    found = []
    for year in sorted(years, reverse=True):
        cells = tuple(_cell(months.get(f"{year}-{number:02}"), 0.02) for number in range(1, 13))
        found.append(HeatRow(year, cells, _cell(years[year], 0.06)))
    return found


def _correlation(found: Analytics) -> list[HeatRow]:
    matrix = found.correlation.matrix
    return [
        HeatRow(label, tuple(_cell(None if np.isnan(each) else float(each), 0.25) for each in matrix[at].tolist()))
        for at, label in enumerate(found.correlation.labels)
    ]


def _cell(value: float | None, step: float) -> Cell:
    """A shade for each `step`, up to STEPS of them."""
    if value is None:
        return Cell(None, "none")
    size = min(STEPS, int(abs(value) / step * (1 - 1e-9)) + 1) if value else 0
    return Cell(value, f"{'gain' if value > 0 else 'loss'}-{size}" if size else "none")


def _shown(score: Score) -> ShownScore:
    parts = tuple(ShownPart(part.name, part.words, part.points, part.points / 10) for part in score.parts)
    return ShownScore(score.value, score.sentence, parts)

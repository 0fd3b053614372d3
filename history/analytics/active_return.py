"""Brinson's attribution: what the choice of sectors and of securities made beside a benchmark.

The benchmark is its sectors, weighted as an operator entered them from what the index's provider publishes, each held
as a fund that stands for it. So its return here is that of the funds, and may differ a little from the index's own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np

from history.analytics.attribution import Gains, by_day
from history.core.attribution import METHOD, brinson, linked_effects, segments_of
from history.core.book import Floats
from history.core.returns import linked
from history.core.versions import named
from history.market.benchmarks import UnknownBenchmark, benchmark_indexes
from history.models import BenchmarkSector

ADDS_UP: Final = 0.005  # published weights are rounded, and leave cash out


class NoSectorWeights(Exception):
    """Brinson's effects cannot be told against the benchmark; the message says why."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A sector's effects on the excess return, as fractions, with both mean weights; `theirs` 0: not in the benchmark,
    so that all it made is allocation.
    """

    label: str
    ours: float
    theirs: float
    allocation: float
    selection: float
    interaction: float

    @property
    def total(self) -> float:
        return self.allocation + self.selection + self.interaction


@dataclass(frozen=True, slots=True)
class ActiveReturn:
    """Greatest effect first; effects add up to `portfolio` less `returned`, the benchmark's, by weights of `since`."""

    benchmark: str
    since: date
    portfolio: float
    returned: float
    segments: tuple[Segment, ...]
    method: str = METHOD

    @property
    def excess(self) -> float:
        return self.portfolio - self.returned

    @property
    def version(self) -> str:
        return named("brinson")


@dataclass(frozen=True, slots=True)
class _Sectors:
    """N sectors over D days: `weight`, `returns` (D, N), NaN where a set lacks the sector. `since`: of the newest."""

    labels: tuple[str, ...]
    weight: Floats
    returns: Floats
    since: date


def active_return(gains: Gains, *, benchmark: str, currency: str) -> ActiveReturn:
    """The ActiveReturn of the period by sector. Six queries. Raises NoSectorWeights."""
    days = gains.lines.line.days
    theirs = _sectors(benchmark.upper(), days, currency)
    ours = by_day(gains, "sector")
    labels = (*theirs.labels, *sorted({label for label, _ in ours} - set(theirs.labels)))
    count = len(days)
    gained, value = (np.zeros((count, len(labels))) for _ in range(2))
    for (label, _), (made, worth) in ours.items():
        gained[:, labels.index(label)] += made
        value[:, labels.index(label)] += worth
    outside = len(labels) - len(theirs.labels)
    weight, returns = segments_of(
        gained=gained,
        value=value,
        capital=gains.days.capital,
        benchmark_weight=np.hstack([theirs.weight, np.zeros((count, outside))]),
        benchmark_returns=np.hstack([theirs.returns, np.full((count, outside), np.nan)]),
    )
    return _told(gains, benchmark.upper(), labels, weight, returns, theirs)


def _told(
    gains: Gains,
    benchmark: str,
    labels: Sequence[str],
    weight: Floats,
    returns: tuple[Floats, Floats],
    theirs: _Sectors,
) -> ActiveReturn:
    counted = gains.days.capital > 0
    theirs_weight = np.zeros_like(weight)
    theirs_weight[:, : len(theirs.labels)] = np.where(counted[:, None], theirs.weight, 0.0)
    own, other = returns
    made = (theirs_weight * other).sum(axis=1)
    effects = linked_effects(
        brinson(weight=weight, benchmark_weight=theirs_weight, returns=own, benchmark_returns=other),
        returns=gains.days.returns,
        benchmark=made,
    )
    segments = [
        Segment(label, *(float(figure) for figure in figures))
        for label, *figures in zip(
            labels, _mean(weight, counted), _mean(theirs_weight, counted),
            effects.allocation, effects.selection, effects.interaction, strict=True,
        )
    ]  # fmt: skip
    kept = [part for part in segments if part.ours or part.theirs or abs(part.total) > 0]
    return ActiveReturn(
        benchmark=benchmark,
        since=theirs.since,
        portfolio=linked(gains.days.returns),
        returned=linked(made),
        segments=tuple(sorted(kept, key=lambda part: (-part.total, part.label))),
    )


def _mean(weight: Floats, counted: np.typing.NDArray[np.bool_]) -> Floats:
    return np.asarray(weight[counted].mean(axis=0) if counted.any() else weight.sum(axis=0), np.float64)


def _sectors(benchmark: str, days: Sequence[date], currency: str) -> _Sectors:
    rows = list(BenchmarkSector.objects.filter(benchmark=benchmark, since__lte=days[-1]).order_by("since", "sector"))
    if not rows:
        raise NoSectorWeights(f"Nobody has entered the sector weights of {benchmark}.")
    _check(benchmark, rows)
    proxies = sorted({row.proxy.upper() for row in rows})
    try:
        indexes = benchmark_indexes(symbols=proxies, start=days[0], end=days[-1], base_currency=currency)
    except UnknownBenchmark as unknown:
        raise NoSectorWeights(f"No price of {unknown}, which stands for a sector of {benchmark}, is known.") from None
    labels = tuple(sorted({row.sector for row in rows}))
    weight, returns = np.zeros((len(days), len(labels))), np.full((len(days), len(labels)), np.nan)
    sets = sorted({row.since for row in rows})
    for row in rows:
        inside = slice(_place(row.since, sets, days), _end(row.since, sets, days))
        weight[inside, labels.index(row.sector)] = float(row.weight)
        returns[inside, labels.index(row.sector)] = _steps(indexes[row.proxy.upper()])[inside]
    return _Sectors(labels, weight / weight.sum(axis=1, keepdims=True), returns, sets[-1])


def _check(benchmark: str, rows: Sequence[BenchmarkSector]) -> None:
    sums: dict[date, float] = {}
    for row in rows:
        sums[row.since] = sums.get(row.since, 0.0) + float(row.weight)
    for since, total in sums.items():
        if abs(total - 1) > ADDS_UP:
            raise NoSectorWeights(f"The sector weights of {benchmark} since {since} add up to {total:.1%}.")


def _place(since: date, sets: Sequence[date], days: Sequence[date]) -> int:
    """The first day of a set; the first set counts before its day too."""
    return 0 if since == sets[0] else min(max((since - days[0]).days, 0), len(days))


def _end(since: date, sets: Sequence[date], days: Sequence[date]) -> int:
    later = [one for one in sets if one > since]
    return _place(later[0], sets, days) if later else len(days)


def _steps(index: Sequence[float | None]) -> Floats:
    """Daily returns of an index; before its first price nothing moved."""
    known = np.array([np.nan if value is None else value for value in index], np.float64)
    found = np.zeros(known.size)
    found[1:] = np.nan_to_num(known[1:] / known[:-1] - 1.0)
    return found

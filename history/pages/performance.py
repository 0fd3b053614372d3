"""`/performance/`: what the money made, how bumpy the way was, and what made it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import Any, Final

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from history.analytics.active_return import ActiveReturn, NoSectorWeights, active_return
from history.analytics.attribution import BY, Attribution, Gains, attribution, gains_of, read_gains
from history.analytics.period import Analytics, analytics
from history.market.benchmarks import UnknownBenchmark
from history.pages.chart import LABELS, WORDS
from history.pages.comparison import ComparisonChoice, comparison_choices
from history.pages.performance_charts import PerformancePanel, performance_panel
from history.series import Period, period_of
from history.valuation import market_today
from investments.pages.panels import Panel, read_panel
from investments.pages.remembered import remembers
from investments.pages.scope import scope_of
from portfolio_site.lib.sessions import last_closed_session

PERIODS: Final = ("1M", "3M", "6M", "YTD", "1Y", "2Y", "ALL")
DEFAULT_PERIOD, DEFAULT_BY, DEFAULT_MEASURE = "1Y", "security", "twrr"
MEASURES: Final = {"twrr": "Time-weighted", "mwrr": "Money-weighted"}
NAMES: Final = {"class": "Asset class"}
SHOWN: Final = 12
REMEMBERED: Final = ("period", "by", "measure", "benchmark")
GAVE, TOOK = 1, 6  # slice colours
PARTS: Final = {"performance": "history/parts/_performance.html", "attribution": "history/parts/_attribution.html"}


@dataclass(frozen=True, slots=True)
class Choice:
    code: str
    label: str
    is_current: bool
    words: str = ""


@dataclass(frozen=True, slots=True)
class AttributionLine:
    """`share` is the bar's length, 0 to 1 of the greatest; `color` tells what took away from the return apart."""

    label: str
    contribution: float
    gain: float
    weight: float | None
    return_: float | None
    share: float
    color: int
    key: str
    day: date | None
    units: float | None


@dataclass(frozen=True, slots=True)
class AttributionPanel:
    """`active`: Brinson's effects beside the chosen benchmark; None where it is not by sector, or has no weights."""

    found: Attribution
    lines: tuple[AttributionLine, ...]
    hidden: int
    active: ActiveReturn | None = None

    @property
    def is_trades(self) -> bool:
        return self.found.by == "trade"


class PerformancePage:
    """The panels of one request. Each is read alone; the attribution shares what the figures have read."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request
        self.scope = scope_of(request)
        self.currency: str = request.user.base_currency
        period = request.GET.get("period", DEFAULT_PERIOD)
        self.period = period if period in PERIODS else DEFAULT_PERIOD
        self.measure = "mwrr" if request.GET.get("measure") == "mwrr" else DEFAULT_MEASURE
        by = request.GET.get("by", DEFAULT_BY)
        self.by = by if by in BY else DEFAULT_BY
        self.benchmark = request.GET.get("benchmark", request.user.benchmark).upper()
        self.days: Period = period_of(self.period, today=market_today())
        self.found: Analytics | None = None

    def context(self, part: str | None) -> dict[str, Any]:
        readers = {"performance": self.performance, "attribution": self.attribution}
        wanted = [part] if part else list(readers)
        return {
            "currency": self.currency,
            "measure": self.measure,
            "measures": [Choice(code, words, code == self.measure) for code, words in MEASURES.items()],
            "periods": [Choice(code, LABELS.get(code, code), code == self.period, WORDS[code]) for code in PERIODS],
            "period_words": WORDS[self.period],
            "last_session": last_closed_session(timezone.now()),
            "benchmarks": self.choices,
            "dimensions": [Choice(code, NAMES.get(code, code.capitalize()), code == self.by) for code in BY],
        } | {name: readers[name]() for name in wanted}

    @property
    def choices(self) -> list[ComparisonChoice]:
        return comparison_choices(chosen=self.benchmark, own=self.request.user.benchmark)

    def performance(self) -> Panel[PerformancePanel | None]:
        variant = f"{self.currency} {self.period} {self.benchmark} {self.measure}"
        return read_panel(
            "performance", self._performance, user_id=self.request.user.pk, scope=self.scope, variant=variant
        )

    def _performance(self) -> PerformancePanel | None:
        read = partial(analytics, account_ids=self.scope.account_ids, period=self.days, base_currency=self.currency)
        known = any(choice.is_current for choice in self.choices)
        unknown = ""
        try:
            self.found = read(benchmark=self.benchmark if known else "")
        except UnknownBenchmark:
            unknown, self.found = self.benchmark, read()
        return None if self.found is None else performance_panel(self.found, self.measure, unknown_benchmark=unknown)

    def attribution(self) -> Panel[AttributionPanel | None]:
        variant = f"{self.currency} {self.period} {self.by} {self.benchmark if self.by == 'sector' else ''}"
        return read_panel(
            "attribution", self._attribution, user_id=self.request.user.pk, scope=self.scope, variant=variant
        )

    def _attribution(self) -> AttributionPanel | None:
        if self.found is not None:
            gains = gains_of(self.found.lines, self.found.positions)
        else:
            gains = read_gains(account_ids=self.scope.account_ids, period=self.days, base_currency=self.currency)
        if gains is None:
            return None
        panel = _attribution_panel(attribution(gains, by=self.by, currency=self.currency))
        return replace(panel, active=self._active(gains))

    def _active(self, gains: Gains) -> ActiveReturn | None:
        if self.by != "sector" or not any(choice.is_current for choice in self.choices):
            return None
        try:
            return active_return(gains, benchmark=self.benchmark, currency=self.currency)
        except NoSectorWeights:
            return None


@login_required
@remembers("performance", REMEMBERED)
def performance(request: HttpRequest) -> HttpResponse:
    """The page, or the one panel that a period, measure or dimension asks for."""
    target = request.htmx.target if getattr(request, "htmx", None) else None
    part = target if target in PARTS else None
    context = PerformancePage(request).context(part) | {"connect_url": reverse("onboarding_connect")}
    return render(request, PARTS[part] if part else "history/performance.html", context)


def _attribution_panel(found: Attribution) -> AttributionPanel:
    """The parts that moved most, either way; the rest as one line, so that what is shown still adds up."""
    by_size = sorted(found.parts, key=lambda part: -abs(part.contribution))
    shown = by_size[:SHOWN]
    rest = by_size[SHOWN:]
    lines = [_line(part, shown) for part in sorted(shown, key=lambda part: -part.contribution)]
    if rest:
        contribution, gain = sum(part.contribution for part in rest), sum(part.gain for part in rest)
        lines.append(
            AttributionLine(
                f"{len(rest)} more", contribution, gain, None, None, 0.0, _color(contribution), "", None, None
            )
        )
    return AttributionPanel(found, tuple(lines), len(rest))


def _line(part: Any, shown: Sequence[Any]) -> AttributionLine:
    most = max((abs(each.contribution) for each in shown), default=0.0)
    return AttributionLine(
        label=part.label,
        contribution=part.contribution,
        gain=part.gain,
        weight=part.weight,
        return_=part.return_,
        share=abs(part.contribution) / most if most else 0.0,
        color=_color(part.contribution),
        key=part.key if part.day is None else "",
        day=part.day,
        units=part.units,
    )


def _color(contribution: float) -> int:
    return TOOK if contribution < 0 else GAVE

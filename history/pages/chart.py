"""The history panel: the daily line of a range, what happened in it, and the table that stands behind it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from history.intraday import DayRange, Session, day_range, session_minutes
from history.models import AccountHistory
from history.pages.comparison import Comparison, ComparisonChoice, compared, comparison_choices
from history.reconstruction.progress import overall_progress, reconstruction_progress
from history.series import PERIODS, Period, period_of, totals
from history.valuation import Worth
from portfolio_site.lib.money import displayed

DEFAULT_PERIOD = "1Y"
LABELS = {"ALL": "All"}
WORDS = {
    "1D": "since the last close",
    "1W": "past week",
    "1M": "past month",
    "3M": "past 3 months",
    "6M": "past 6 months",
    "YTD": "this year",
    "1Y": "past year",
    "2Y": "past 2 years",
    "ALL": "in all",
}
# Below this share of value priced by real closes, a stretch of the line is drawn as an estimate.
ESTIMATED_BELOW = 0.5
DAILY_ROWS, WEEKLY_ROWS = 32, 190


@dataclass(frozen=True, slots=True)
class RangeChoice:
    code: str
    label: str
    words: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class DayValue:
    """`value` in the base currency; None where a rate is missing. `index` is the time-weighted index of the series."""

    day: date
    value: Decimal | None
    net_flow: Decimal
    gain: Decimal | None
    index: float
    quality: float


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: `change` and `net_flow` since the line below it, returns since the first day."""

    day: date
    value: Decimal | None
    change: Decimal | None
    net_flow: Decimal
    quality: float
    fraction: float | None = None
    benchmark: float | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """Days in a row, the first being what change is measured from."""

    days: tuple[DayValue, ...]

    @property
    def valued(self) -> list[DayValue]:
        return [day for day in self.days if day.value is not None]

    @property
    def net_flow(self) -> Decimal:
        return sum((day.net_flow for day in self.days[1:]), Decimal(0))

    @property
    def gain(self) -> Decimal | None:
        """Value less the first value less what was paid in since; None where either end has no value."""
        first, last = self.days[0].value, self.days[-1].value
        return None if first is None or last is None else last - first - self.net_flow

    @property
    def fraction(self) -> float | None:
        """The time-weighted return, as a fraction."""
        start = self.days[0].index
        return self.days[-1].index / start - 1 if start else None

    @property
    def highest(self) -> DayValue:
        return max(self.valued, key=lambda day: day.value or 0)

    @property
    def lowest(self) -> DayValue:
        return min(self.valued, key=lambda day: day.value or 0)

    def since(self, start: date) -> "Span":
        return Span(tuple(day for day in self.days if day.day >= start))


@dataclass(frozen=True, slots=True)
class Building:
    """Reconstruction under way: of how many accounts, and how much is done of all, 0 to 1."""

    accounts: int
    fraction: float


@dataclass(frozen=True, slots=True)
class HistoryPanel:
    """What `_history.html` draws. `span` and `this_year` are None until there are two days with a value."""

    period: str
    span: Span | None
    this_year: Span | None
    currency: str
    building: Building | None = None
    benchmarks: Sequence[ComparisonChoice] = ()
    comparison: Comparison | None = None
    session: Session | None = None
    day: DayRange | None = None

    @property
    def minutes(self) -> Session | None:
        """The session by the minute, where the range is a day and there are enough to draw."""
        return self.session if self.period == "1D" and self.session and len(self.session.times) > 1 else None

    @property
    def words(self) -> str:
        return WORDS[self.period]

    @property
    def choices(self) -> list[RangeChoice]:
        return [RangeChoice(code, LABELS.get(code, code), WORDS[code], code == self.period) for code in PERIODS]

    @property
    def has_flows(self) -> bool:
        return any(day.net_flow for day in self.span.days[1:]) if self.span else False

    @property
    def has_estimates(self) -> bool:
        return any(day.quality < ESTIMATED_BELOW for day in self.span.days) if self.span else False

    @property
    def rows(self) -> list[Row]:
        rows = _table(self.span.days) if self.span else []
        returns = self.comparison.returns if self.comparison else {}
        return [replace(row, benchmark=returns.get(row.day)) for row in rows] if returns else rows

    @property
    def series(self) -> dict[str, Any]:
        """The contract of `chart.js`: columns of one length. `percent` is time-weighted, `change` counts deposits."""
        if self.minutes and self.span:
            return _minute_series(self.minutes, self.span, self.currency)
        days = self.span.days if self.span else ()
        start = days[0].index if days else 1.0
        return {
            "currency": self.currency,
            "dates": [day.day.isoformat() for day in days],
            "values": [None if day.value is None else float(day.value) for day in days],
            "change": [_growth(day.value, days[0].value) for day in days],
            "percent": [round(day.index / start - 1, 6) if start else 0.0 for day in days],
            "flows": [float(day.net_flow) for day in days],
            "quality": [day.quality for day in days],
            "estimated": [day.quality < ESTIMATED_BELOW for day in days],
            **_beside(self.comparison, days),
        }


def _growth(value: Decimal | None, first: Decimal | None) -> float | None:
    """How far the value is above the first, as a fraction, deposits counted; None where there is no telling."""
    return round(float(value / first) - 1, 6) if value is not None and first else None


def _beside(comparison: Comparison | None, days: Sequence[DayValue]) -> dict[str, Any]:
    if comparison is None or not comparison.returns:
        return {}
    percent = [comparison.returns.get(day.day) for day in days]
    return {"benchmark": {"symbol": comparison.symbol, "percent": percent}}


def beside_benchmark(panel: HistoryPanel, *, chosen: str, own: str) -> HistoryPanel:
    """The panel with the benchmarks there are to choose from, and the one that is chosen over the panel's days."""
    if panel.span is None:
        return panel
    choices, days = comparison_choices(chosen=chosen, own=own), panel.span.days
    found = compared(choices=choices, start=days[0].day, end=days[-1].day, currency=panel.currency)
    return replace(panel, benchmarks=choices, comparison=found)


def _minute_series(session: Session, span: Span, currency: str) -> dict[str, Any]:
    """Percent is of the last close and what came in since, so that a deposit is no gain at the end of the day."""
    start = (span.days[0].value or Decimal(0)) + span.net_flow
    count = len(session.times)
    return {
        "currency": currency,
        "dates": [time.isoformat() for time in session.times],
        "values": [float(displayed(value, currency)) for value in session.values],
        "change": [_growth(value, span.days[0].value) for value in session.values],
        "percent": [round(float(value / start) - 1, 6) if start > 0 else 0.0 for value in session.values],
        "flows": [0.0] * count,
        "quality": [1.0] * count,
        "estimated": [False] * count,
    }


def history_panel(
    *, user_id: int, account_ids: Sequence[int], period: str, currency: str, today: date, worth: Worth
) -> HistoryPanel:
    """The panel for a range; a few queries, one of which reaches back to New Year for the year's own change.

    `worth` is what the accounts are worth now: it may be the highest or the lowest of the day.
    """
    chosen = period if period in PERIODS else DEFAULT_PERIOD
    start, new_year = period_of(chosen, today=today).start, period_of("YTD", today=today).start
    columns = totals(account_ids=account_ids, period=Period(min(start, new_year), today), base_currency=currency)
    everything = Span(tuple(_days(columns)))
    session = session_minutes(account_ids=account_ids, base_currency=currency)
    return HistoryPanel(
        period=chosen,
        span=_drawable(everything.since(start)),
        this_year=_drawable(everything.since(new_year)),
        currency=currency,
        building=_building(user_id, account_ids),
        session=session,
        day=day_range(session, now=worth.value, as_of=worth.as_of),
    )


def _building(user_id: int, account_ids: Sequence[int]) -> Building | None:
    """None where every history has followed its ledger, or has failed to."""
    progress = reconstruction_progress(user_id=user_id, account_ids=account_ids)
    waiting = [account for account in progress if account.behind and account.state != AccountHistory.State.FAILED]
    return Building(len(waiting), overall_progress(progress)) if waiting else None


def _drawable(span: Span) -> Span | None:
    return span if len(span.valued) > 1 else None


def _days(columns: dict[str, Any]) -> list[DayValue]:
    names = ("dates", "value", "net_flow", "gain", "twrr", "quality")
    return [
        DayValue(date.fromisoformat(day), _decimal(value), _decimal(flow) or Decimal(0), _decimal(gain), index, quality)
        for day, value, flow, gain, index, quality in zip(*(columns[name] for name in names), strict=True)
    ]


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _table(days: tuple[DayValue, ...]) -> list[Row]:
    """Newest first: every day of a month, every week of half a year, every month's end of more."""
    shown = [i for i in range(len(days)) if i in (0, len(days) - 1) or _is_shown(days, i)]
    rows = [_row(days, before, at) for before, at in zip([shown[0], *shown], shown, strict=False)]
    return rows[::-1]


def _is_shown(days: tuple[DayValue, ...], i: int) -> bool:
    if len(days) <= DAILY_ROWS:
        return True
    if len(days) <= WEEKLY_ROWS:
        return (len(days) - 1 - i) % 7 == 0
    return days[i].day.month != days[i + 1].day.month


def _row(days: tuple[DayValue, ...], before: int, at: int) -> Row:
    value, earlier = days[at].value, days[before].value
    return Row(
        day=days[at].day,
        value=value,
        change=None if value is None or earlier is None else value - earlier,
        net_flow=sum((day.net_flow for day in days[before + 1 : at + 1]), Decimal(0)),
        quality=days[at].quality,
        fraction=days[at].index / days[0].index - 1 if days[0].index else None,
    )

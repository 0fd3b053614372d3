"""Columns over days, told by the week or the month: what stood at the end of each, and what flowed during it."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final

RESOLUTIONS: Final = ("day", "week", "month")
FLOWS: Final = frozenset({"net_flow", "income", "fees"})
MEANS: Final = frozenset({"quality"})
NO_COLUMNS: Final = frozenset({"currency", "missing_rates", "benchmark", "intraday"})
PERIODS: Final[Mapping[str, Callable[[date], Any]]] = {
    "week": lambda day: day.isocalendar()[:2],
    "month": lambda day: (day.year, day.month),
}


def at_resolution(columns: Mapping[str, Any], resolution: str) -> dict[str, Any]:
    """The first day, which everything is measured from, and the last day of each week (Sunday) or month.

    Flows are summed since the row before, null where any is; quality is the mean of these days. `day` changes nothing.
    """
    if resolution == "day" or not columns["dates"]:
        return dict(columns)
    ends = _ends([date.fromisoformat(day) for day in columns["dates"]], PERIODS[resolution])
    told = {name: column if name in NO_COLUMNS else _told(name, column, ends) for name, column in columns.items()}
    if "benchmark" in columns:
        told["benchmark"] = {**columns["benchmark"], "index": _told("index", columns["benchmark"]["index"], ends)}
    return told


def _ends(days: Sequence[date], period: Callable[[date], Any]) -> list[int]:
    last = len(days) - 1
    return [at for at in range(len(days)) if at in (0, last) or period(days[at]) != period(days[at + 1])]


def _told(name: str, column: Sequence[Any], ends: Sequence[int]) -> list[Any]:
    if name not in FLOWS | MEANS:
        return [column[at] for at in ends]
    spans = [column[before + 1 : at + 1] for before, at in zip([-1, *ends], ends, strict=False)]
    return [_sum(span) for span in spans] if name in FLOWS else [round(sum(span) / len(span), 4) for span in spans]


def _sum(amounts: Sequence[str | None]) -> str | None:
    known = [Decimal(amount) for amount in amounts if amount is not None]
    return str(sum(known[1:], known[0])) if len(known) == len(amounts) else None

"""Weeks and months out of days: an independent sum over plain dates, and what must hold whatever the range."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from history.core.resolution import at_resolution

LAST_DAYS = {  # by the calendar on the wall; the range ends on a Wednesday
    "week": ["2026-10-28", "2026-11-01", "2026-11-08", "2026-11-15", "2026-11-18"],
    "month": ["2026-10-28", "2026-10-31", "2026-11-18"],
}


def columns(first: date, count: int) -> dict[str, Any]:
    return {
        "currency": "USD",
        "dates": [(first + timedelta(days=number)).isoformat() for number in range(count)],
        "value": [f"{100 + number}.50" for number in range(count)],
        "net_flow": [f"{number}.01" for number in range(count)],
        "quality": [number / count for number in range(count)],
        "benchmark": {"symbol": "SPY", "index": [1 + number / 100 for number in range(count)]},
        "missing_rates": ["ARS", "XYZ", "ZWL"],
    }


@pytest.mark.parametrize("resolution", ["week", "month"])
def test_rows_are_the_first_day_and_the_last_of_each_period(resolution: str) -> None:
    told = at_resolution(columns(date(2026, 10, 28), 22), resolution)
    assert told["dates"] == LAST_DAYS[resolution]
    places = [(date.fromisoformat(day) - date(2026, 10, 28)).days for day in told["dates"]]
    assert told["value"] == [f"{100 + place}.50" for place in places]
    assert told["benchmark"] == {"symbol": "SPY", "index": [1 + place / 100 for place in places]}
    assert (told["currency"], told["missing_rates"]) == ("USD", ["ARS", "XYZ", "ZWL"])


def test_flows_are_summed_since_the_row_before_and_quality_is_their_mean() -> None:
    told = at_resolution(columns(date(2026, 10, 28), 6), "month")
    assert told["dates"] == ["2026-10-28", "2026-10-31", "2026-11-02"]
    assert told["net_flow"] == ["0.01", "6.03", "9.02"]
    assert told["quality"] == [0.0, round((1 + 2 + 3) / 18, 4), round((4 + 5) / 12, 4)]


def test_a_flow_that_is_unknown_makes_its_week_unknown_and_no_other() -> None:
    daily = columns(date(2026, 11, 2), 14)
    daily["net_flow"][8] = None
    assert at_resolution(daily, "week")["net_flow"] == ["0.01", "21.06", None]


def test_a_week_over_new_year_is_one() -> None:
    told = at_resolution(columns(date(2026, 12, 28), 7), "week")
    assert told["dates"] == ["2026-12-28", "2027-01-03"]


def test_days_stay_as_they_are_and_nothing_stays_nothing() -> None:
    daily = columns(date(2026, 10, 28), 5)
    assert at_resolution(daily, "day") == daily
    assert at_resolution(columns(date(2026, 10, 28), 0), "month")["dates"] == []


@settings(max_examples=50)
@given(st.dates(date(2000, 1, 1), date(2040, 1, 1)), st.integers(1, 800), st.sampled_from(["week", "month"]))
def test_no_flow_is_lost_and_both_ends_are_there(first: date, count: int, resolution: str) -> None:
    daily = columns(first, count)
    told = at_resolution(daily, resolution)
    assert sum(map(Decimal, told["net_flow"])) == sum(map(Decimal, daily["net_flow"]))
    assert (told["dates"][0], told["dates"][-1]) == (daily["dates"][0], daily["dates"][-1])
    assert told["dates"] == sorted(set(told["dates"]))
    assert len({len(told[name]) for name in ("dates", "value", "net_flow", "quality")}) == 1

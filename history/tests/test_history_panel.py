from datetime import date, timedelta
from decimal import Decimal

import pytest

from history.pages.chart import DayValue, HistoryPanel, Span, _table

FIRST = date(2025, 1, 1)


def span(*values: float | None, flows: dict[int, float] | None = None, quality: float = 1.0) -> Span:
    """Days in a row with these values; the time-weighted index is the value without what was paid in."""
    paid = flows or {}
    return Span(
        tuple(
            DayValue(
                day=FIRST + timedelta(days=i),
                value=None if value is None else Decimal(str(value)),
                net_flow=Decimal(str(paid.get(i, 0))),
                gain=None,
                index=1 + i / 100,
                quality=quality,
            )
            for i, value in enumerate(values)
        )
    )


def test_gain_is_change_less_what_was_paid_in_after_the_first_day() -> None:
    days = span(100, 160, 150, flows={0: 100, 1: 50})
    assert (days.net_flow, days.gain) == (50, 0)


def test_the_return_is_measured_from_the_first_day_shown() -> None:
    assert span(1, 2, 3).since(FIRST + timedelta(days=1)).fraction == pytest.approx(1.02 / 1.01 - 1)


def test_a_day_without_a_rate_is_a_gap_and_no_low() -> None:
    days = span(5, None, 7)
    assert (days.lowest.value, days.highest.value) == (5, 7)
    assert HistoryPanel("1W", days, None, "USD").series["values"] == [5.0, None, 7.0]


def test_gain_is_unknown_where_an_end_is() -> None:
    assert span(None, 7, 8).gain is None


def test_stretches_with_few_real_closes_are_estimates() -> None:
    assert HistoryPanel("1W", span(1, 2, quality=0.4), None, "USD").series["estimated"] == [True, True]
    assert HistoryPanel("1W", span(1, 2, quality=0.6), None, "USD").series["estimated"] == [False, False]


@pytest.mark.parametrize(("days", "rows"), [(2, 2), (31, 31), (92, 14), (366, 14), (731, 26)])
def test_the_table_has_days_weeks_or_months(days: int, rows: int) -> None:
    table = _table(span(*range(days)).days)
    assert table[0].day == FIRST + timedelta(days=days - 1)
    assert table[-1].day == FIRST
    assert len(table) == rows


def test_the_rows_of_the_table_add_up_to_the_span() -> None:
    days = span(*range(0, 800, 2), flows={100: 30, 399: 7})
    table = _table(days.days)
    assert sum(row.change or 0 for row in table) == 798
    assert sum(row.net_flow for row in table) == days.net_flow == 37

"""The trading calendar against the exchange's published holidays, early closes, and a second calendar."""

import json
import subprocess
import sys
from datetime import UTC, date, datetime, time, timedelta

import pytest
from django.conf import settings

from portfolio_site.lib import sessions
from portfolio_site.lib.sessions import NEW_YORK

REFERENCE = settings.REFERENCE_DATA / "market" / "calendar" / "equity-usa.json"


def test_importing_the_module_does_not_import_pandas():
    program = "import sys; import portfolio_site.lib.sessions; sys.exit('pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@pytest.mark.parametrize(
    "holiday",
    [
        date(2001, 9, 11),
        date(2012, 10, 29),  # hurricane Sandy
        date(2018, 12, 5),  # mourning for President Bush
        date(2022, 6, 20),  # Juneteenth, observed
        date(2024, 3, 29),  # Good Friday
        date(2025, 1, 9),  # mourning for President Carter
        date(2026, 7, 3),  # Independence Day, observed
        date(2026, 11, 26),
    ],
)
def test_closed_on_holidays_published_by_the_exchange(holiday):
    assert not sessions.is_session(holiday)


@pytest.mark.parametrize("session", [date(2021, 12, 31), date(2026, 11, 27), date(2024, 2, 29), date(2023, 1, 3)])
def test_open_on_sessions_published_by_the_exchange(session):
    assert sessions.is_session(session)


def test_counts_of_sessions_per_year_as_published():
    counts = {year: len(sessions.sessions(date(year, 1, 1), date(year, 12, 31))) for year in (2020, 2022, 2023, 2024)}
    assert counts == {2020: 253, 2022: 251, 2023: 250, 2024: 252}


def test_neighbours_of_a_long_weekend():
    labour_day = date(2026, 9, 7)
    assert sessions.previous_session(labour_day, inclusive=True) == date(2026, 9, 4)
    assert sessions.next_session(labour_day, inclusive=True) == date(2026, 9, 8)
    assert sessions.previous_session(date(2026, 9, 8)) == date(2026, 9, 4)
    assert sessions.previous_session(date(2026, 9, 8), inclusive=True) == date(2026, 9, 8)
    assert sessions.next_session(date(2026, 9, 4)) == date(2026, 9, 8)


def test_reversed_range_is_empty_and_outside_is_refused():
    assert sessions.sessions(date(2026, 1, 9), date(2026, 1, 5)) == []
    with pytest.raises(sessions.OutsideCalendar):
        sessions.is_session(date(2050, 1, 3))
    with pytest.raises(sessions.OutsideCalendar):
        sessions.previous_session(date(1970, 1, 1))


@pytest.mark.parametrize(
    ("clock", "state"),
    [
        ("03:59:59", "closed"),
        ("04:00:00", "pre"),
        ("09:29:59", "pre"),
        ("09:30:00", "regular"),
        ("15:59:59", "regular"),
        ("16:00:00", "post"),
        ("19:59:59", "post"),
        ("20:00:00", "closed"),
    ],
)
@pytest.mark.parametrize("day", [date(2026, 3, 6), date(2026, 3, 9), date(2026, 10, 30), date(2026, 11, 2)])
def test_hours_follow_new_york_on_both_sides_of_a_clock_change(day, clock, state):
    moment = datetime.combine(day, time.fromisoformat(clock), NEW_YORK)
    assert sessions.market_state(moment) == state
    assert sessions.market_state(moment.astimezone(UTC)) == state


def test_open_in_utc_moves_with_daylight_saving():
    assert sessions.opens_at(date(2026, 3, 6)).astimezone(UTC).time() == time(14, 30)
    assert sessions.opens_at(date(2026, 3, 9)).astimezone(UTC).time() == time(13, 30)


@pytest.mark.parametrize(
    ("clock", "state"),
    [("12:59", "regular"), ("13:00", "post"), ("16:59", "post"), ("17:00", "closed")],
)
def test_early_close_on_the_day_after_thanksgiving(clock, state):
    moment = datetime.combine(date(2026, 11, 27), time.fromisoformat(clock), NEW_YORK)
    assert sessions.market_state(moment) == state


def test_weekend_is_closed_all_day():
    saturday = datetime(2026, 11, 21, tzinfo=NEW_YORK)
    assert {sessions.market_state(saturday + timedelta(hours=hour)) for hour in range(48)} == {"closed"}


def test_last_closed_session_turns_at_the_close():
    early = datetime(2026, 11, 27, 13, 0, tzinfo=NEW_YORK)
    assert sessions.last_closed_session(early) == date(2026, 11, 27)
    assert sessions.last_closed_session(early - timedelta(seconds=1)) == date(2026, 11, 25)
    assert sessions.last_closed_session(datetime(2026, 11, 21, 3, 0, tzinfo=UTC)) == date(2026, 11, 20)
    assert sessions.last_closed_session(datetime(2026, 11, 20, 20, 59, 59, tzinfo=UTC)) == date(2026, 11, 19)


def test_a_naive_time_is_refused():
    with pytest.raises(ValueError, match="time zone"):
        sessions.market_state(datetime(2026, 11, 20, 12, 0))  # noqa: DTZ001


@pytest.fixture(scope="module")
def reference():
    if not REFERENCE.exists():
        pytest.skip("reference data is not there: set LONGVIEW_REFERENCE_DATA")
    return json.loads(REFERENCE.read_text())["entry"]


def _day(text: str) -> date:
    return datetime.strptime(text, "%m/%d/%Y").date()  # noqa: DTZ007


def test_agrees_with_a_second_calendar_on_every_day_it_covers(reference):
    holidays = {_day(text) for text in reference["holidays"]}
    start, end = date(min(holidays).year, 1, 1), date(2026, 12, 31)
    days = [start + timedelta(days=offset) for offset in range((end - start).days + 1)]
    theirs = [day for day in days if day.weekday() < 5 and day not in holidays]
    assert sessions.sessions(start, end) == theirs


def test_agrees_with_a_second_calendar_on_early_closes(reference):
    # One of the days it lists is a Sunday.
    theirs = {_day(text): time.fromisoformat(clock) for text, clock in reference["earlyCloses"].items()}
    listed = {day: clock for day, clock in theirs.items() if sessions.is_session(day)}
    assert len(listed) > 30
    assert {day: sessions.closes_at(day).time() for day in listed} == listed

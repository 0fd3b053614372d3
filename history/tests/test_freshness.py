"""How fresh a price is said to be, around the exchange's published holidays, early closes and both clock changes."""

import json
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from django.conf import settings

from history.core.freshness import QuoteAge, poll_seconds, priced_freshness, quote_freshness
from portfolio_site.lib.sessions import NEW_YORK


def et(text: str) -> datetime:
    """A moment on New York's clock, handed over in UTC as everything is."""
    return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK).astimezone(UTC)


@pytest.mark.parametrize(
    ("at", "now", "delay", "state", "text"),
    [
        ("2026-11-20T10:42:07", "2026-11-20T10:42:20", 0, "live", "Live 10:42:07 ET"),
        ("2026-11-20T10:27:00", "2026-11-20T10:42:20", 15, "delayed", "15 min delayed"),
        # Before the open yesterday's close stands until somebody trades.
        ("2026-11-19T16:00:01", "2026-11-20T08:00:00", 0, "close", "As of close 19 Nov"),
        ("2026-11-20T08:10:05", "2026-11-20T08:10:30", 0, "live", "Live 08:10:05 ET"),
        # Delayed quotes reach the bell when it rang a quarter of an hour ago.
        ("2026-11-20T15:49:00", "2026-11-20T16:04:30", 15, "delayed", "15 min delayed"),
        ("2026-11-20T16:00:00", "2026-11-20T16:17:00", 15, "close", "As of close 20 Nov"),
        ("2026-11-20T16:00:02", "2026-11-20T16:05:00", 0, "close", "As of close 20 Nov"),
        ("2026-11-20T17:10:22", "2026-11-20T17:10:40", 0, "live", "Live 17:10:22 ET"),
        ("2026-11-20T19:59:58", "2026-11-20T20:00:00", 0, "close", "As of close 20 Nov"),
        # Weekend: the close of Friday.
        ("2026-11-20T16:00:02", "2026-11-22T12:00:00", 0, "close", "As of close 20 Nov"),
        # Thanksgiving, and the day after it, which closes at 13:00 and trades on until 17:00.
        ("2026-11-25T16:00:01", "2026-11-26T11:00:00", 0, "close", "As of close 25 Nov"),
        ("2026-11-27T12:59:58", "2026-11-27T12:59:59", 0, "live", "Live 12:59:58 ET"),
        ("2026-11-27T13:00:01", "2026-11-27T13:02:00", 0, "close", "As of close 27 Nov"),
        ("2026-11-27T14:30:00", "2026-11-27T14:30:10", 0, "live", "Live 14:30:00 ET"),
        ("2026-11-27T16:30:00", "2026-11-27T17:00:00", 0, "close", "As of close 27 Nov"),
        # Christmas Eve 2026 closes at 13:00; Good Friday, Juneteenth and Independence Day (observed) not at all.
        ("2026-12-24T12:59:59", "2026-12-24T13:02:00", 0, "close", "As of close 24 Dec"),
        ("2026-04-02T16:00:00", "2026-04-03T12:00:00", 0, "close", "As of close 2 Apr"),
        ("2026-06-18T16:00:00", "2026-06-19T12:00:00", 0, "close", "As of close 18 Jun"),
        ("2026-07-02T16:00:00", "2026-07-03T12:00:00", 0, "close", "As of close 2 Jul"),
        # The Fridays and Mondays around both clock changes of 2026.
        ("2026-03-06T10:00:00", "2026-03-06T10:00:20", 0, "live", "Live 10:00:00 ET"),
        ("2026-03-09T10:00:00", "2026-03-09T10:00:20", 0, "live", "Live 10:00:00 ET"),
        ("2026-10-30T15:59:59", "2026-10-30T15:59:59", 0, "live", "Live 15:59:59 ET"),
        ("2026-11-02T09:30:00", "2026-11-02T09:30:10", 0, "live", "Live 09:30:00 ET"),
        ("2026-10-30T16:00:00", "2026-11-01T01:30:00", 0, "close", "As of close 30 Oct"),
        # Two sessions ago is no longer what the market closed on.
        ("2026-11-18T16:00:00", "2026-11-20T10:00:00", 0, "stale", "As of close 18 Nov"),
    ],
)
def test_a_quote_that_was_just_asked_for(at: str, now: str, delay: int, state: str, text: str) -> None:
    moment = et(now)
    told = quote_freshness(QuoteAge(et(at), moment, delay), moment)
    assert (told.state, told.text) == (state, text)


@pytest.mark.parametrize(
    ("at", "asked", "delay", "text"),
    [
        ("2026-11-20T10:40:00", "2026-11-20T10:40:29", 0, "Last quote 10:40 ET"),  # nobody has asked for 91 s
        ("2026-11-20T10:20:00", "2026-11-20T10:42:00", 0, "Last quote 10:20 ET"),  # asked, and nothing has traded
        ("2026-11-20T10:05:00", "2026-11-20T10:20:00", 15, "Last quote 10:05 ET, 15 min delayed"),
    ],
)
def test_an_old_quote_says_so_while_the_market_is_open(at: str, asked: str, delay: int, text: str) -> None:
    told = quote_freshness(QuoteAge(et(at), et(asked), delay), et("2026-11-20T10:42:00"))
    assert (told.state, told.text) == ("stale", text)


def test_coins_have_no_close() -> None:
    now = et("2026-11-22T12:00:00")  # a Sunday
    coin = QuoteAge(et("2026-11-22T11:59:58"), now, round_the_clock=True)
    assert quote_freshness(coin, now).text == "Live 11:59:58 ET"
    assert quote_freshness(coin, now + timedelta(days=1)).text == "Last quote 11:59 ET on 22 Nov"


@pytest.mark.parametrize(
    ("priced_on", "now", "state", "text"),
    [
        (None, "2026-11-20T10:00:00", "unpriced", ""),
        (date(2026, 11, 20), "2026-11-20T10:00:00", "close", "As of today"),
        (date(2026, 11, 19), "2026-11-20T10:00:00", "close", "As of close 19 Nov"),
        (date(2026, 11, 19), "2026-11-20T16:00:00", "stale", "As of close 19 Nov"),
        (date(2026, 11, 20), "2026-11-20T16:00:00", "close", "As of close 20 Nov"),
        (date(2026, 11, 27), "2026-11-27T12:59:59", "close", "As of today"),
        (date(2026, 11, 27), "2026-11-27T13:00:00", "close", "As of close 27 Nov"),
        # A coin's close of Saturday, a brokerage's date of a holiday or of a night: no close of the exchange.
        (date(2026, 11, 21), "2026-11-22T12:00:00", "close", "As of close 20 Nov"),
        (date(2026, 11, 26), "2026-11-26T12:00:00", "close", "As of close 25 Nov"),
        (date(2026, 11, 20), "2026-11-20T02:00:00", "close", "As of close 19 Nov"),
    ],
)
def test_figures_of_which_the_day_is_known(priced_on: date | None, now: str, state: str, text: str) -> None:
    told = priced_freshness(priced_on, et(now))
    assert (told.state, told.text) == (state, text)


@pytest.fixture(scope="module")
def calendar() -> dict[str, Any]:
    """Holidays and early closes as a second party lists them."""
    path = settings.REFERENCE_DATA / "market" / "calendar" / "equity-usa.json"
    if not path.exists():
        pytest.skip("reference data is not there: set LONGVIEW_REFERENCE_DATA")
    entry: dict[str, Any] = json.loads(path.read_text())["entry"]
    return entry


def _day(text: str) -> date:
    return datetime.strptime(text, "%m/%d/%Y").date()  # noqa: DTZ007


def test_no_figure_is_as_of_the_close_of_a_listed_holiday(calendar: dict[str, Any]) -> None:
    holidays = {_day(text) for text in calendar["holidays"]}
    recent = [day for day in holidays if 1990 <= day.year <= 2026]
    assert len(recent) > 250
    for holiday in recent:
        noon = datetime.combine(holiday, time(12), NEW_YORK)
        before = holiday - timedelta(days=1)
        while before in holidays or before.weekday() > 4:
            before -= timedelta(days=1)
        assert priced_freshness(holiday, noon).text == f"As of close {before.day} {before:%b}"


def test_figures_of_a_listed_early_close_are_of_the_close_from_that_minute(calendar: dict[str, Any]) -> None:
    listed = {_day(text): time.fromisoformat(clock) for text, clock in calendar["earlyCloses"].items()}
    weekdays = {day: clock for day, clock in listed.items() if day.weekday() < 5}
    assert len(weekdays) > 30
    for day, clock in weekdays.items():
        bell = datetime.combine(day, clock, NEW_YORK)
        assert priced_freshness(day, bell - timedelta(seconds=1)).text == "As of today"
        assert priced_freshness(day, bell).text == f"As of close {day.day} {day:%b}"


@pytest.mark.parametrize(
    ("now", "seconds"),
    [
        ("2026-11-20T10:00:00", 30),
        ("2026-11-20T08:00:00", 300),
        ("2026-11-20T19:59:00", 300),
        ("2026-11-22T12:00:00", 3600),
        ("2026-11-23T03:59:00", 60),  # trading begins at 4:00
        ("2026-03-08T23:30:00", 3600),
    ],
)
def test_when_to_ask_again(now: str, seconds: int) -> None:
    assert poll_seconds(et(now)) == seconds
    assert poll_seconds(et(now), round_the_clock=True) == 30

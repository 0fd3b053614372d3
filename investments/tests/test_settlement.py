from datetime import date, timedelta

import pytest

from investments.core.settlement import Settling, settles_on
from portfolio_site.lib.sessions import sessions
from tests.reference import reference

SESSIONS = sessions(date(2017, 1, 3), date(2025, 1, 31))


def test_stocks_settle_in_the_cycle_of_their_day() -> None:
    cases = reference("08_settlement")["derived_tests"]
    settled = {case["trade"]: settles_on(date.fromisoformat(case["trade"]), Settling.STOCK, SESSIONS) for case in cases}
    assert settled == {case["trade"]: date.fromisoformat(case["settle"]) for case in cases}
    assert len(cases) >= 15


@pytest.mark.parametrize(
    ("kind", "trade", "settles"),
    [
        (Settling.STOCK, "2017-09-01", "2017-09-07"),  # the last day of three, with Labor Day in between
        (Settling.STOCK, "2024-05-24", "2024-05-29"),  # the last day of two, with Memorial Day in between
        (Settling.STOCK, "2024-05-28", "2024-05-29"),
        (Settling.NEXT_DAY, "2017-09-01", "2017-09-05"),
        (Settling.NEXT_DAY, "2024-07-03", "2024-07-05"),
        (Settling.AT_ONCE, "2024-07-06", "2024-07-06"),
        (Settling.STOCK, "2024-06-01", "2024-06-03"),  # booked on a Saturday
    ],
)
def test_other_kinds_and_the_days_of_change(kind: Settling, trade: str, settles: str) -> None:
    assert settles_on(date.fromisoformat(trade), kind, SESSIONS) == date.fromisoformat(settles)


def test_sessions_that_end_too_soon_are_an_error() -> None:
    with pytest.raises(IndexError):
        settles_on(date(2025, 1, 31), Settling.STOCK, SESSIONS)


@pytest.mark.parametrize("kind", Settling)
def test_what_was_traded_first_settles_first(kind: Settling) -> None:
    """Also where the cycle was shortened: lots go by the day of the trade, which is the order of settlement too."""
    days = [SESSIONS[0] + timedelta(number) for number in range((SESSIONS[-10] - SESSIONS[0]).days)]
    settled = [settles_on(day, kind, SESSIONS) for day in days]
    assert settled == sorted(settled)
    assert len(days) > 2900

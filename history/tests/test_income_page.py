from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.core.cache import cache

from history.pages import income as page
from history.tests.test_income_api import declare, quarterly
from investments.models import Account
from tests.fixtures import Portfolio
from tests.pages import signed_in, words_of

URL = "/income/"
EVENING = datetime(2026, 11, 20, 23, tzinfo=UTC)
# Two savepoints, session, user, tenant; accounts; the panel's savepoint, worths, holdings, ledger, actions; the
# accounts' preferences; two of the shell.
QUERIES = 15


@pytest.fixture(autouse=True)
def _evening() -> Any:
    with time_machine.travel(EVENING, tick=False):
        yield


def test_received_announced_and_projected_by_month(portfolio: Portfolio) -> None:
    declare(portfolio, *quarterly())
    answer = signed_in(portfolio.owner).get(URL)
    bars = {bar.month: bar for bar in answer.context["bars"]}
    assert len(bars) == 24
    assert (bars[date(2026, 5, 1)].received, bars[date(2027, 5, 1)].projected) == (Decimal("2.60"), Decimal("3.64"))
    words = words_of(answer)
    assert "$2.60" in words
    assert "$10.92" in words


def test_bars_fill_the_height_by_what_was_paid(portfolio: Portfolio) -> None:
    declare(portfolio, *quarterly())
    answer = signed_in(portfolio.owner).get(URL)
    assert answer.context["top"] == 4
    (part,) = next(bar.parts for bar in answer.context["bars"] if bar.month == date(2027, 5, 1))
    assert (part.status, part.height, part.top) == ("projected", 91, 9)  # 3.64 of 4


@pytest.mark.parametrize(
    ("greatest", "top"), [("0", "0"), ("1", "1"), ("1.01", "2"), ("240", "250"), ("0.03", "0.04"), ("999", "1000")]
)
def test_the_top_of_the_chart_is_a_round_number(greatest: str, top: str) -> None:
    assert page.nice_top(Decimal(greatest)) == Decimal(top)


def test_nothing_yet(owner: Any) -> None:
    assert "No income yet" in words_of(signed_in(owner).get(URL))


def test_what_dividends_are_for(portfolio: Portfolio, other: Any) -> None:
    url = f"{URL}preferences/{portfolio.ira.pk}/"
    answer = signed_in(portfolio.owner).post(url, {"preference": "reinvest", "account": str(portfolio.ira.pk)})
    assert answer["Location"] == f"{URL}?account={portfolio.ira.pk}#preferences"
    assert Account.objects.get(pk=portfolio.ira.pk).income_preference == "reinvest"
    signed_in(portfolio.owner).post(url, {"preference": "moon"})
    assert signed_in(other).post(url, {"preference": "cash"}).status_code == 404
    assert Account.objects.get(pk=portfolio.ira.pk).income_preference == "reinvest"


def test_scope(portfolio: Portfolio, other: Any) -> None:
    browser = signed_in(portfolio.owner)
    assert browser.get(URL, {"account": portfolio.ira.pk}).context["report"].received.gross == 0
    answer = browser.get(URL, {"account": portfolio.brokerage.pk})
    assert answer.context["report"].received.gross == Decimal("2.60")
    assert answer.context["file_url"] == f"/api/v1/income/calendar.ics?filter_account={portfolio.brokerage.pk}"
    assert signed_in(other).get(URL, {"account": portfolio.ira.pk}).status_code == 404


def test_what_was_shown_last_stands_in_where_it_cannot_be_read(
    portfolio: Portfolio, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.clear()
    browser = signed_in(portfolio.owner)
    browser.get(URL)

    def broken(**_: Any) -> None:
        raise RuntimeError("no table")

    monkeypatch.setattr(page, "income_report", broken)
    words = words_of(browser.get(URL))
    assert "could not be read" in words
    assert "$2.60" in words


def test_queries(portfolio: Portfolio, django_assert_num_queries: Any) -> None:
    browser = signed_in(portfolio.owner)
    browser.get(URL)
    with django_assert_num_queries(QUERIES):
        browser.get(URL)


def test_the_overview_tells_the_same_in_short(portfolio: Portfolio) -> None:
    declare(portfolio, *quarterly())
    browser = signed_in(portfolio.owner)
    report = browser.get(URL).context["report"]
    panel = browser.get("/").context["income"].content
    assert (panel.received, panel.expected) == (report.received.gross, report.expected_total)
    assert [(one.day, one.label, one.amount) for one in panel.following] == [
        (entry.day, "AAPL", entry.amount) for entry in report.calendar if entry.day > report.today
    ]

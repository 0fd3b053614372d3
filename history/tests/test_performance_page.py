"""`/performance/`: figures that equal the API's, every state of its panels, and the scope in the address."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.contrib.auth import get_user_model
from django.db import transaction
from django.test import override_settings

from history.pages import performance as page
from history.tests.analysed import Analysed, make_analysed
from tests.pages import signed_in, words_of

URL = "/performance/"
# Session, user, tenant; accounts; lines (two), benchmark (four), worths, books (eight), accounts, securities, values,
# accounts and holdings of the scores; two for the shell; and two statements for each of two savepoints.
QUERIES = 32


@pytest.fixture(scope="module")
def made(django_db_setup: Any, django_db_blocker: Any) -> Iterator[Analysed]:
    with django_db_blocker.unblock(), override_settings(MARKET_DATA_PROVIDERS=["stored"]), transaction.atomic():
        yield make_analysed(get_user_model().objects.create_user(email="page@example.com", password="correct horse"))
        transaction.set_rollback(True)


@pytest.fixture
def analysed(made: Analysed, db: Any) -> Iterator[Analysed]:
    with time_machine.travel(datetime(2026, 11, 20, 23, tzinfo=UTC), tick=False):
        yield made


def content(answer: Any, name: str = "performance") -> Any:
    return answer.context[name].content


def test_figures_are_those_of_the_api(api: Any, analysed: Analysed) -> None:
    answer = signed_in(analysed.owner).get(URL, {"period": "2Y"})
    body = api(analysed.owner).get("/api/portfolio/analytics", {"period": "2Y", "benchmark": "SPY"}).json()
    figures = content(answer).figures
    for name, figure in body["figures"].items():
        assert figures[name].value == figure["value"], name
    assert len(content(answer).returns.data["lines"]) == 2
    words = words_of(answer)
    assert "Time-weighted: what the investments earned" in words
    for title in (
        "In figures",
        "Falls from the peak",
        "Rolling volatility",
        "By month",
        "Scores",
        "What moves together",
    ):
        assert title in words


def test_the_switch_explains_the_other_measure(analysed: Analysed) -> None:
    answer = signed_in(analysed.owner).get(URL, {"measure": "mwrr"})
    assert content(answer).headline == content(answer).figures["mwrr"]
    assert content(answer).returns.data["unit"] == "money"
    assert "Money-weighted: what each of your dollars earned" in words_of(answer)


def test_a_short_period_says_what_it_needs(analysed: Analysed) -> None:
    answer = signed_in(analysed.owner).get(URL, {"period": "1M"})
    sessions = content(answer).sessions
    assert f"needs 30 days, has {sessions}" in words_of(answer)
    assert content(answer).rolling is None


@pytest.mark.parametrize(
    "by", ["class", "sector", "industry", "account", "institution", "currency", "security", "trade"]
)
def test_what_is_shown_of_the_attribution_adds_up(analysed: Analysed, by: str) -> None:
    answer = signed_in(analysed.owner).get(URL, {"by": by}, headers={"HX-Request": "true", "HX-Target": "attribution"})
    panel = content(answer, "attribution")
    assert sum(line.contribution for line in panel.lines) == pytest.approx(panel.found.total, abs=1e-9)
    assert "<html" not in answer.content.decode()


def test_one_account_filters_everything(analysed: Analysed) -> None:
    client = signed_in(analysed.owner)
    answer = client.get(URL, {"account": analysed.ira.pk})
    assert content(answer).figures["twrr"].value != content(client.get(URL)).figures["twrr"].value
    assert {line.label for line in content(answer, "attribution").lines} == {"BND"}
    assert "IRA" in answer.content.decode()


def test_an_account_of_another_is_not_found(analysed: Analysed, other: Any) -> None:
    assert signed_in(other).get(URL, {"account": analysed.ira.pk}).status_code == 404


def test_nothing_yet_says_what_would_be_here(db: Any, other: Any) -> None:
    assert "No performance yet" in words_of(signed_in(other).get(URL))


def test_a_benchmark_without_prices_is_told(analysed: Analysed) -> None:
    get_user_model().objects.filter(pk=analysed.owner.pk).update(benchmark="NEW")
    assert "No prices of NEW are known" in words_of(signed_in(analysed.owner).get(URL))


def test_a_panel_that_fails_shows_what_it_last_showed(analysed: Analysed, monkeypatch: Any) -> None:
    client = signed_in(analysed.owner)
    before = content(client.get(URL)).figures["twrr"]

    def fail(**_: Any) -> None:
        raise ArithmeticError("on purpose")

    monkeypatch.setattr(page, "analytics", fail)
    answer = client.get(URL)
    assert (answer.status_code, content(answer).figures["twrr"]) == (200, before)
    assert "Performance could not be computed. Shown as it was at" in words_of(answer)
    assert content(answer, "attribution") is not None


def test_days_that_are_missing_are_told(analysed: Analysed) -> None:
    with time_machine.travel(datetime(2026, 11, 25, 23, tzinfo=UTC), tick=False):
        assert "As of 20 Nov: later days are not there yet." in words_of(signed_in(analysed.owner).get(URL))
    assert "later days" not in words_of(signed_in(analysed.owner).get(URL))


@pytest.mark.parametrize("query", [{"period": "9Y"}, {"by": "colour"}, {"measure": "x"}, {"benchmark": "NOSUCH"}])
def test_nonsense_in_the_address_is_the_default(analysed: Analysed, query: dict[str, str]) -> None:
    assert signed_in(analysed.owner).get(URL, query).status_code == 200


def test_query_count(analysed: Analysed, django_assert_num_queries: Any) -> None:
    client = signed_in(analysed.owner)
    with django_assert_num_queries(QUERIES):
        client.get(URL)


def test_who_is_not_signed_in_is_sent_to_the_entrance(client: Any, db: Any) -> None:
    assert client.get(URL).status_code == 302

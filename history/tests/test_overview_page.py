from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from history.valuation import account_worths, total_worth
from tests.fixtures import BROKERAGE_VALUE, TOTAL_VALUE, Portfolio
from tests.pages import signed_in, words_of, write_history

URL = "/"
# Savepoints, session, user, tenant; accounts, worths, series, progress, holdings twice, anomalies; two for the shell.
QUERIES = 14


@pytest.fixture
def drawn(portfolio: Portfolio) -> Portfolio:
    write_history(portfolio, deposit=Decimal(500))
    return portfolio


def test_who_is_not_signed_in_is_told_what_longview_is(client: Client, db: Any) -> None:
    answer = client.get(URL)
    assert answer.status_code == 200
    assert "Every account." in answer.content.decode()


def test_the_value_is_valuations_own(drawn: Portfolio) -> None:
    answer = signed_in(drawn.owner).get(URL)
    worth = total_worth(account_worths(account_ids=[drawn.brokerage.pk, drawn.ira.pk]))
    assert worth.value == TOTAL_VALUE == answer.context["value"]["total"]
    assert "Total value $9,478.35" in words_of(answer)


def test_the_last_point_of_the_line_and_the_breakdown_say_the_same(drawn: Portfolio) -> None:
    context = signed_in(drawn.owner).get(URL).context
    assert context["history"].series["values"][-1] == float(TOTAL_VALUE)
    assert sum(group.value for group in context["accounts"]) == TOTAL_VALUE
    assert sum(part.value for part in context["allocation"].slices) == TOTAL_VALUE


@pytest.mark.parametrize("by", ["class", "sector", "account", "institution"])
def test_every_allocation_adds_up(drawn: Portfolio, by: str) -> None:
    panel = signed_in(drawn.owner).get(URL, {"by": by}).context["allocation"]
    assert panel.by == by
    assert sum(part.value for part in panel.slices) == TOTAL_VALUE
    assert sum(part.weight for part in panel.slices) == pytest.approx(1)


def test_an_account_in_the_address_filters_everything(drawn: Portfolio) -> None:
    answer = signed_in(drawn.owner).get(URL, {"account": drawn.brokerage.pk})
    context = answer.context
    assert context["value"]["total"] == BROKERAGE_VALUE
    assert context["history"].series["values"][-1] == float(BROKERAGE_VALUE)
    assert [line.account.name for group in context["accounts"] for line in group.accounts] == ["Brokerage"]
    assert sum(part.value for part in context["allocation"].slices) == BROKERAGE_VALUE
    assert f"/holdings/?account={drawn.brokerage.pk}" in answer.content.decode()


def test_an_institution_is_a_scope_too(drawn: Portfolio) -> None:
    answer = signed_in(drawn.owner).get(URL, {"account": f"institution-{drawn.brokerage.institution_id}"})
    assert answer.context["value"]["total"] == BROKERAGE_VALUE
    assert "Value of Fidelity $2,518.10" in words_of(answer)


@pytest.mark.parametrize("key", ["0", "nonsense", "institution-0", "institution-"])
def test_a_scope_that_does_not_exist_is_not_found(drawn: Portfolio, key: str) -> None:
    assert signed_in(drawn.owner).get(URL, {"account": key}).status_code == 404


def test_an_account_of_another_is_not_found(drawn: Portfolio, other: Any) -> None:
    assert signed_in(other).get(URL, {"account": drawn.ira.pk}).status_code == 404


def test_gain_leaves_out_what_was_paid_in(drawn: Portfolio) -> None:
    span = signed_in(drawn.owner).get(URL, {"period": "1Y"}).context["history"].span
    # 365 days of one unit in each of two accounts, and a deposit of 500 in between.
    assert (span.net_flow, span.gain) == (500, 730)


def test_a_range_button_gets_the_panel_alone(drawn: Portfolio) -> None:
    answer = signed_in(drawn.owner).get(
        URL, {"period": "1M"}, HTTP_HX_REQUEST="true", HTTP_HX_TARGET="history", HTTP_ACCEPT="text/html"
    )
    page = answer.content.decode()
    assert page.startswith('<section class="panel panel--bare history"')
    assert len(answer.context["history"].series["dates"]) == 31
    assert "<html" not in page


def test_an_unknown_range_shows_the_usual_one(drawn: Portfolio) -> None:
    assert signed_in(drawn.owner).get(URL, {"period": "7Z", "by": "9"}).context["history"].period == "1Y"


def test_without_history_the_value_stands_and_the_panel_says_what_comes(portfolio: Portfolio) -> None:
    words = words_of(signed_in(portfolio.owner).get(URL))
    assert "$9,478.35" in words
    assert "Rebuilding two years of history, 0%" in words


def test_nothing_linked_yet(owner: Any) -> None:
    answer = signed_in(owner).get(URL)
    assert "Every account in one view" in words_of(answer)
    assert "/onboarding/connect/" in answer.content.decode()
    assert "echarts" not in answer.content.decode()


def test_queries(drawn: Portfolio, django_assert_num_queries: Any) -> None:
    client = signed_in(drawn.owner)
    client.get(URL)
    with django_assert_num_queries(QUERIES):
        client.get(URL)

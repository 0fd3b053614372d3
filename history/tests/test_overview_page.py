from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client

from history.models import Anomaly
from history.valuation import account_worths, total_worth
from tests.fixtures import BROKERAGE_VALUE, TOTAL_VALUE, Portfolio, make_portfolio
from tests.pages import signed_in, words_of, write_history

URL = "/"
# Session, user, tenant; accounts, worths, series, progress, holdings twice, anomalies; two for the shell; and two
# statements for each of five savepoints.
QUERIES = 22


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
    assert context["history"].content.series["values"][-1] == float(TOTAL_VALUE)
    assert sum(group.value for group in context["accounts"]) == TOTAL_VALUE
    assert sum(part.value for part in context["allocation"].content.slices) == TOTAL_VALUE


@pytest.mark.parametrize("by", ["class", "sector", "account", "institution"])
def test_every_allocation_adds_up(drawn: Portfolio, by: str) -> None:
    panel = signed_in(drawn.owner).get(URL, {"by": by}).context["allocation"].content
    assert panel.by == by
    assert sum(part.value for part in panel.slices) == TOTAL_VALUE
    assert sum(part.weight for part in panel.slices) == pytest.approx(1)


def test_an_account_in_the_address_filters_everything(drawn: Portfolio) -> None:
    answer = signed_in(drawn.owner).get(URL, {"account": drawn.brokerage.pk})
    context = answer.context
    assert context["value"]["total"] == BROKERAGE_VALUE
    assert context["history"].content.series["values"][-1] == float(BROKERAGE_VALUE)
    assert [line.account.name for group in context["accounts"] for line in group.accounts] == ["Brokerage"]
    assert sum(part.value for part in context["allocation"].content.slices) == BROKERAGE_VALUE
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
    span = signed_in(drawn.owner).get(URL, {"period": "1Y"}).context["history"].content.span
    # 365 days of one unit in each of two accounts, and a deposit of 500 in between.
    assert (span.net_flow, span.gain) == (500, 730)


def test_a_range_button_gets_the_panel_alone(drawn: Portfolio) -> None:
    answer = signed_in(drawn.owner).get(
        URL, {"period": "1M"}, HTTP_HX_REQUEST="true", HTTP_HX_TARGET="history", HTTP_ACCEPT="text/html"
    )
    page = answer.content.decode()
    assert page.startswith('<section class="panel panel--bare history"')
    assert len(answer.context["history"].content.series["dates"]) == 31
    assert "<html" not in page


def test_an_unknown_range_shows_the_usual_one(drawn: Portfolio) -> None:
    assert signed_in(drawn.owner).get(URL, {"period": "7Z", "by": "9"}).context["history"].content.period == "1Y"


def test_without_history_the_value_stands_and_the_panel_says_what_comes(portfolio: Portfolio) -> None:
    words = words_of(signed_in(portfolio.owner).get(URL))
    assert "$9,478.35" in words
    assert "Rebuilding two years of history, 0%" in words


def test_nothing_linked_yet(owner: Any) -> None:
    answer = signed_in(owner).get(URL)
    assert "Every account in one view" in words_of(answer)
    assert "/onboarding/connect/" in answer.content.decode()
    assert "echarts" not in answer.content.decode()


def break_anomalies() -> None:
    """Makes reading them fail for real; undone with the test's transaction."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE history_anomaly RENAME TO anomaly_elsewhere")


def test_a_panel_fails_alone_and_says_what_and_under_which_request(drawn: Portfolio) -> None:
    break_anomalies()
    cache.clear()
    answer = signed_in(drawn.owner).get(URL)
    words = words_of(answer)
    assert answer.status_code == 200
    assert f"Data quality could not be read. Request {answer['X-Request-ID']} Try again" in words
    assert "Nothing stands out" not in words
    assert "Total value $9,478.35" in words


def test_a_failed_panel_shows_what_it_last_showed(drawn: Portfolio) -> None:
    anomaly = {"owner": drawn.owner, "account": drawn.brokerage, "day": date(2026, 3, 2), "size": 7}
    Anomaly.objects.create(kind=Anomaly.Kind.NEGATIVE_CASH, **anomaly)
    client = signed_in(drawn.owner)
    client.get(URL)
    break_anomalies()
    words = words_of(client.get(URL))
    assert "Data quality could not be read. Shown as it was at" in words
    assert "Brokerage. To $7.00 under, first on 2 Mar 2026: a deposit is missing." in words


def test_what_is_kept_for_one_is_not_shown_to_another(drawn: Portfolio, other: Any) -> None:
    anomaly = {"owner": drawn.owner, "account": drawn.brokerage, "day": date(2026, 3, 2), "size": 7}
    Anomaly.objects.create(kind=Anomaly.Kind.NEGATIVE_CASH, **anomaly)
    signed_in(drawn.owner).get(URL)
    make_portfolio(other)
    break_anomalies()
    assert "$7.00" not in words_of(signed_in(other).get(URL))


def test_queries(drawn: Portfolio, django_assert_num_queries: Any) -> None:
    client = signed_in(drawn.owner)
    client.get(URL)
    with django_assert_num_queries(QUERIES):
        client.get(URL)

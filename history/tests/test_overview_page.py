from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client

from history.intraday import session_minutes
from history.models import Anomaly, IntradayValue, MarketSymbol, Price
from history.valuation import account_worths, market_today, total_worth
from investments.models import Account, Holding, Institution
from portfolio_site.lib.sessions import opens_at
from tests.fixtures import BROKERAGE_VALUE, TOTAL_VALUE, Portfolio, make_portfolio
from tests.pages import signed_in, words_of, write_history

URL = "/"
# Session, user, tenant; accounts, worths, series (two), minutes, progress, accounts, holdings twice, anomalies;
# holdings, transactions and corporate actions for income; two for the shell; and two statements for each of six
# savepoints.
QUERIES = 30


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


@pytest.mark.parametrize("by", ["class", "sector", "industry", "account", "institution", "currency", "security"])
def test_every_allocation_adds_up(drawn: Portfolio, by: str) -> None:
    panel = signed_in(drawn.owner).get(URL, {"by": by}).context["allocation"].content
    assert panel.by == by
    assert sum(part.value for part in panel.slices) == TOTAL_VALUE
    assert sum(part.weight for part in panel.slices) == pytest.approx(1)
    assert sum(part.value for part in panel.broad) == TOTAL_VALUE


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


def test_the_range_of_the_day_is_told_where_somebody_looked(drawn: Portfolio) -> None:
    client = signed_in(drawn.owner)
    assert "s range" not in words_of(client.get(URL))
    session = session_minutes(account_ids=[drawn.brokerage.pk]).day
    for minute, value in ((0, "2400"), (90, "2700")):
        IntradayValue.objects.create(
            owner=drawn.owner, account=drawn.brokerage, minute=opens_at(session) + timedelta(minutes=minute),
            value=Decimal(value), low=Decimal(value), high=Decimal(value),
        )  # fmt: skip
    words = words_of(client.get(URL, {"account": drawn.brokerage.pk}))
    assert "range $2,400.00 \N{EN DASH} $2,700.00" in words


def test_a_day_is_told_once(drawn: Portfolio) -> None:
    """The change of the day comes from prices; the line from values, whose first may be an estimate."""
    client = signed_in(drawn.owner)
    assert "past week" in words_of(client.get(URL, {"period": "1W"})).split("1D")[0]
    assert "since the last close" not in words_of(client.get(URL, {"period": "1D"})).split("1D")[0]


def test_the_line_is_drawn_with_deposits_and_without(drawn: Portfolio) -> None:
    """From 8248.35 by a deposit of 500 and 730 of gain to 9478.35."""
    series = signed_in(drawn.owner).get(URL, {"period": "1Y"}).context["history"].content.series
    assert (series["change"][0], series["percent"][0]) == (0.0, 0.0)
    assert series["change"][-1] == pytest.approx(1230 / 8248.35, abs=1e-6)
    assert series["percent"][-1] == pytest.approx(0.0860, abs=0.003)


def test_a_mover_leads_to_its_security(drawn: Portfolio) -> None:
    Holding.objects.filter(security=drawn.securities["sec-aapl"]).update(day_change=5)
    page = signed_in(drawn.owner).get(URL, {"period": "1M", "account": drawn.brokerage.pk}).content.decode()
    security = drawn.securities["sec-aapl"].pk
    assert f'href="/holdings/?account={drawn.brokerage.pk}&amp;security={security}">AAPL' in page


def test_only_what_somebody_should_look_at_is_counted(drawn: Portfolio) -> None:
    common = {"owner": drawn.owner, "account": drawn.brokerage, "day": market_today(), "size": Decimal(1)}
    Anomaly.objects.create(kind=Anomaly.Kind.UNMAPPED, security=drawn.securities["sec-call"], **common)
    words = words_of(signed_in(drawn.owner).get(URL))
    assert "has no public price" in words
    assert "to look at" not in words
    Anomaly.objects.create(kind=Anomaly.Kind.SEAM, **common)
    assert "1 to look at" in words_of(signed_in(drawn.owner).get(URL))


def test_a_range_button_gets_the_panel_alone(drawn: Portfolio) -> None:
    answer = signed_in(drawn.owner).get(
        URL, {"period": "1M"}, HTTP_HX_REQUEST="true", HTTP_HX_TARGET="history", HTTP_ACCEPT="text/html"
    )
    page = answer.content.decode()
    assert page.startswith('<section class="panel panel--bare history"')
    assert len(answer.context["history"].content.series["dates"]) == 31
    assert "<html" not in page


@pytest.fixture
def spy(db: Any) -> MarketSymbol:
    """A hundred until today, which makes ten percent."""
    symbol = MarketSymbol.objects.create(symbol="SPY", kind="etf")
    today = market_today()
    closes = {0: "110", 1: "100", 366: "100"}
    for back, close in closes.items():
        Price.objects.create(symbol=symbol, day=today - timedelta(days=back), close=Decimal(close), source="test")
    return symbol


def test_a_benchmark_stands_beside_the_line_when_it_is_chosen(drawn: Portfolio, spy: MarketSymbol) -> None:
    browser = signed_in(drawn.owner)
    plain = browser.get(URL, {"period": "1Y"})
    assert "benchmark" not in plain.context["history"].content.series
    assert 'href="?period=1Y&amp;benchmark=SPY"' in plain.content.decode()
    answer = browser.get(URL, {"period": "1Y", "benchmark": "SPY"})
    panel = answer.context["history"].content
    drawn_beside = panel.series["benchmark"]
    assert (drawn_beside["symbol"], len(drawn_beside["percent"])) == ("SPY", len(panel.series["dates"]))
    assert (drawn_beside["percent"][0], drawn_beside["percent"][-1]) == (0.0, 0.1)
    assert [row.benchmark for row in panel.rows][:2] == [0.1, 0.0]
    assert panel.rows[0].fraction == panel.span.fraction
    words = words_of(answer)
    assert "SPY returned 10.00% over the same days." in words
    assert "SPY +10.00% past year" in words
    # A second click takes it away.
    assert 'aria-current="true"><span class="visually-hidden">Stop comparing with </span>SPY' in answer.content.decode()


@pytest.mark.parametrize("chosen", ["AAPL", "", "spy'--"])
def test_only_what_is_offered_is_compared_with(drawn: Portfolio, spy: MarketSymbol, chosen: str) -> None:
    panel = signed_in(drawn.owner).get(URL, {"benchmark": chosen}).context["history"].content
    assert panel.comparison is None
    assert [choice.symbol for choice in panel.benchmarks] == ["SPY", "QQQ"]


def test_a_benchmark_of_ones_own_without_a_price_says_so(drawn: Portfolio) -> None:
    type(drawn.owner).objects.filter(pk=drawn.owner.pk).update(benchmark="VTI")
    answer = signed_in(drawn.owner).get(URL, {"benchmark": "VTI"})
    assert "benchmark" not in answer.context["history"].content.series
    assert "No price of VTI is known yet" in words_of(answer)


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


def test_an_account_with_nothing_in_it_is_worth_nothing_and_every_panel_says_what_it_would_show(owner: Any) -> None:
    where = Institution.objects.create(external_id="ins-new", name="New")
    Account.objects.create(owner=owner, source="manual", external_id="new", name="New", institution=where)
    words = words_of(signed_in(owner).get(URL))
    assert "Total value $0.00" in words
    for sentence in ("Nothing to divide yet", "Nothing has moved"):
        assert sentence in words
    assert "could not be read" not in words


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
    assert (
        "Brokerage. To $7.00 under, first on 2 Mar 2026: a row is missing. Add what is missing: in a connected account"
        in words
    )


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

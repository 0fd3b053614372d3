"""Calls, cost and the budget of the day; how often the store knew already; and all of it at /metrics."""

import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.conf import settings as project
from django.test import Client, override_settings
from prometheus_client.parser import text_string_to_metric_families
from pytest_httpserver import HTTPServer

from history.market.prices import ensure_prices
from history.market.spend import DailyMeter, essential, spending
from history.models import MarketSymbol, ProviderUsage, StoreUsage
from history.providers import resilience
from history.providers.base import Interrupted
from history.providers.chain import DataProviderChain
from history.providers.fmp import FinancialModelingPrep
from history.providers.remote import Access
from history.providers.resilience import Patience
from history.tests.providers import Listed

pytestmark = pytest.mark.django_db(transaction=True)
MONDAY, FRIDAY = date(2026, 11, 9), date(2026, 11, 13)
PRICED = {**project.MARKET_DATA_ACCESS, "fmp": {**project.MARKET_DATA_ACCESS["fmp"], "price_per_call": "0.25"}}


@pytest.fixture
def fmp(httpserver: HTTPServer) -> Iterator[FinancialModelingPrep]:
    resilience.breaker("fmp").close()
    httpserver.expect_request("/stable/batch-quote").respond_with_data(json.dumps([]))
    reached = Access(httpserver.url_for("").rstrip("/"), "key", 5.0, per_minute=100_000)
    yield FinancialModelingPrep(reached, Patience(delays=()))
    resilience.breaker("fmp").close()


def test_every_call_is_counted_with_what_it_costs(fmp: FinancialModelingPrep, httpserver: HTTPServer) -> None:
    with override_settings(MARKET_DATA_ACCESS=PRICED):
        for _ in range(3):
            fmp.quotes(["AAPL"])
        httpserver.clear()
        httpserver.expect_request("/stable/splits").respond_with_data("", status=500)
        with pytest.raises(Interrupted):
            fmp.corporate_actions(["AAPL"], MONDAY, FRIDAY)
    usage = ProviderUsage.objects.get()
    assert (usage.provider, usage.calls, usage.failed, usage.cost) == ("fmp", 4, 1, Decimal("1.00"))


def test_a_spent_budget_stops_what_can_wait_and_not_the_nightly_run(
    fmp: FinancialModelingPrep, httpserver: HTTPServer
) -> None:
    with override_settings(MARKET_DATA_ACCESS=PRICED, PROVIDER_DAILY_BUDGET=Decimal("0.50")):
        fmp.quotes(["AAPL"])
        fmp.quotes(["AAPL"])
        with pytest.raises(Exception, match="budget of the day is spent"):
            fmp.quotes(["AAPL"])
        assert len(httpserver.log) == 2
        with essential():
            fmp.quotes(["AAPL"])
        assert DailyMeter().allows("yahoo"), "what is free is not stopped"
        assert spending().spent == Decimal("0.75")


def test_the_hit_rate_is_of_symbol_days() -> None:
    symbols = [MarketSymbol.objects.create(symbol=name).pk for name in ("A", "B")]
    chain = DataProviderChain([Listed({"A": "10", "B": "20"})])
    for _ in range(10):
        ensure_prices(symbol_ids=symbols, start=MONDAY, end=FRIDAY, chain=chain)
    assert StoreUsage.objects.values_list("wanted", "fetched").get() == (100, 10)
    assert spending().hit_rate == 0.9


def figures(client: Client, **headers: Any) -> dict[tuple[str, ...], float]:
    answer = client.get("/metrics", **headers)
    assert answer.status_code == 200
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.content.decode())
        for sample in family.samples
    }


def test_metrics_are_for_staff_and_for_whoever_has_the_token(client: Client, owner: Any, staff: Any) -> None:
    ProviderUsage.objects.create(
        provider="fmp", day=spending().day, calls=5, failed=2, rejected=7, cost=Decimal("1.25")
    )
    StoreUsage.objects.create(day=spending().day, wanted=1000, fetched=5)
    assert client.get("/metrics").status_code == 404
    client.force_login(owner)
    assert client.get("/metrics").status_code == 404
    client.force_login(staff)
    told = figures(client)
    assert told["longview_provider_calls_total", "answered", "fmp"] == 3
    assert told["longview_provider_calls_total", "failed", "fmp"] == 2
    assert told["longview_provider_rejected_total", "fmp"] == 7
    assert told["longview_provider_cost_dollars_total", "fmp"] == 1.25
    assert told["longview_price_store_hit_rate",] == 0.995
    assert told["longview_webhooks_waiting",] == 0
    client.logout()
    with override_settings(METRICS_TOKEN="a token of the scraper"):
        assert client.get("/metrics", HTTP_AUTHORIZATION="Bearer another").status_code == 404
        scraped = figures(client, HTTP_AUTHORIZATION="Bearer a token of the scraper")
        assert {key: scraped[key] for key in told if key[0].startswith("longview_provider_")} == {
            key: value for key, value in told.items() if key[0].startswith("longview_provider_")
        }

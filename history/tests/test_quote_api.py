from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.core.cache import cache

from history.market.quotes import refresh_quotes
from history.models import MarketSymbol, Price
from history.providers import DataProviderChain
from history.providers.base import Quote
from history.providers.simulated import SimulatedMarket
from history.tests.providers import Quoting
from portfolio_site.lib import simulated_market as market

URL = "/api/quote/AAPL"
OPEN = datetime(2026, 11, 20, 15, 42, 7, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _open_market() -> Any:
    cache.clear()
    with time_machine.travel(OPEN, tick=False):
        yield
    cache.clear()


@pytest.fixture
def aapl(db: None) -> MarketSymbol:
    symbol = MarketSymbol.objects.create(symbol="AAPL")
    Price.objects.create(symbol=symbol, day=date(2026, 11, 18), close=Decimal("225"), source="fmp")
    Price.objects.create(symbol=symbol, day=date(2026, 11, 19), close=Decimal("228.70"), source="fmp")
    return symbol


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """Symbols that workers were told to ask for."""
    told: list[list[int]] = []
    monkeypatch.setattr("history.api.quotes.enqueue_quotes", told.append)
    return told


def quote(symbol: MarketSymbol, price: str, at: datetime, **fields: Any) -> None:
    told = {symbol.asked_as: Quote(symbol.asked_as, Decimal(price), at, "quoting", "regular", **fields)}
    refresh_quotes(symbol_ids=[symbol.pk], chain=DataProviderChain([Quoting(told)]))


def test_a_live_quote(api: Any, owner: Any, aapl: MarketSymbol, sent: Any) -> None:
    quote(aapl, "227.50", OPEN, previous_close=Decimal("228.70"))
    answer = api(owner).get(URL)
    assert answer.json() == {
        "symbol": "AAPL",
        "exchange": "",
        "currency": "USD",
        "price": "227.5",
        "previous_close": "228.7",
        "change": "-1.2",
        "change_percent": -0.5247,
        "at": "2026-11-20T15:42:07Z",
        "provider": "quoting",
        "session": "regular",
        "delay_minutes": 0,
        "freshness": {"state": "live", "text": "Live 10:42:07 ET"},
        "poll_after_seconds": 30,
    }
    assert sent == []


def test_the_demo_has_live_quotes_without_a_network(api: Any, owner: Any, aapl: MarketSymbol, sent: Any) -> None:
    Price.objects.all().delete()
    traded = market.last_trade("AAPL", OPEN)
    assert traded is not None
    assert refresh_quotes(symbol_ids=[aapl.pk], chain=DataProviderChain([SimulatedMarket()])) == 1
    body = api(owner).get(URL).json()
    assert Decimal(body["price"]) == traded.price
    assert Decimal(body["change"]) == traded.price - traded.previous_close
    assert (body["provider"], body["session"]) == ("simulated", "regular")
    assert body["freshness"]["state"] == "live"
    assert sent == []


def test_without_a_quote_the_last_close_is_told_at_once_and_a_worker_asks(
    api: Any, owner: Any, aapl: MarketSymbol, sent: Any, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        body = api(owner).get(URL).json()
        again = api(owner).get(URL).json()
    assert (body["price"], body["previous_close"], body["session"]) == ("228.7", "225", "closed")
    assert body["freshness"] == {"state": "close", "text": "As of close 19 Nov"}
    assert (body["poll_after_seconds"], again["poll_after_seconds"]) == (2, 30)
    assert sent == [[aapl.pk]]


def test_nothing_changed(api: Any, owner: Any, aapl: MarketSymbol, sent: Any) -> None:
    quote(aapl, "227.50", OPEN)
    caller = api(owner)
    etag = caller.get(URL)["ETag"]
    same = caller.get(URL, headers={"If-None-Match": etag})
    assert (same.status_code, same.content) == (304, b"")
    with time_machine.travel(OPEN + timedelta(seconds=5), tick=False):
        quote(aapl, "227.60", OPEN + timedelta(seconds=5))
        assert caller.get(URL, headers={"If-None-Match": etag}).json()["price"] == "227.6"


@pytest.mark.parametrize("name", ["NOSUCH", "AAPL%20", "%3Cscript%3E", "X" * 60])
def test_an_unknown_symbol_is_a_problem(api: Any, owner: Any, aapl: MarketSymbol, sent: Any, name: str) -> None:
    answer = api(owner).get(f"/api/quote/{name}", {"exchange": "XLON"} if name.startswith("AAPL") else {})
    assert answer.status_code == 404
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["title"] == "Not found"
    assert sent == []


def test_a_symbol_without_any_price_is_unknown_until_there_is_one(
    api: Any, owner: Any, sent: Any, django_capture_on_commit_callbacks: Any
) -> None:
    new = MarketSymbol.objects.create(symbol="NEW")
    with django_capture_on_commit_callbacks(execute=True):
        assert api(owner).get("/api/quote/NEW").status_code == 404
    assert sent == [[new.pk]]


def test_names_as_people_write_them(api: Any, owner: Any, aapl: MarketSymbol, sent: Any) -> None:
    berkshire = MarketSymbol.objects.create(symbol="BRK-B")
    london = MarketSymbol.objects.create(symbol="AAPL", exchange="XLON", currency="GBP")
    quote(berkshire, "501.20", OPEN)
    quote(london, "180", OPEN)
    caller = api(owner)
    assert caller.get("/api/quote/brk.b").json()["symbol"] == "BRK-B"
    assert caller.get("/api/quote/aapl").json()["currency"] == "USD"
    assert caller.get(URL, {"exchange": "xlon"}).json()["currency"] == "GBP"
    assert caller.get(URL, {"exchange": "x" * 21}).json()["errors"].keys() == {"exchange"}


def test_nobody_is_answered_who_is_not_signed_in(api: Any, aapl: MarketSymbol) -> None:
    assert api().get(URL).status_code == 401


def test_without_redis_there_is_the_last_close(api: Any, owner: Any, aapl: MarketSymbol, settings: Any) -> None:
    quote(aapl, "227.50", OPEN)
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/0"}}
    assert api(owner).get(URL).json()["price"] == "228.7"


def test_query_count(api: Any, owner: Any, aapl: MarketSymbol, django_assert_num_queries: Any) -> None:
    caller = api(owner)
    quote(aapl, "227.50", OPEN)
    # Savepoint, user and tenant, symbol, release.
    with django_assert_num_queries(4):
        caller.get(URL)

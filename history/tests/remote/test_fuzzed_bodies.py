"""Answers that are nearly right, from a real server through the chain into the store: garbage is never stored."""

import json
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from history.market.prices import ensure_prices
from history.market.told_actions import store_actions
from history.models import MarketSymbol, Price, SymbolAction
from history.providers import DataProviderChain, remote, resilience
from history.providers.remote import Access, Remote
from history.providers.resilience import Patience
from history.tests.remote.bodies import KINDS

pytestmark = pytest.mark.django_db
START = date(2026, 1, 5)
DAYS = [START + timedelta(days=number) for number in range(5)]
CLOSES = [100.0, 101.5, 99.25, 102.0, 103.5]
NEW_YORK = ZoneInfo("America/New_York")
SEEDS = 15  # each is a batch asked for over HTTP and stored
PHASES = (Phase.explicit, Phase.generate)
SUPPRESSED = [HealthCheck.function_scoped_fixture]

GARBAGE: list[Any] = [
    None, True, "", "x", "NaN", "-Infinity", [], {}, 0, -5, -1e-9, 1e-15, 4e-13, 1e17, 1e18, 1e25, 1e300, "1e400",
    10**30, 10**200, 2**63, "2026-13-45", "1e-30", "0x10", "\uff11\uff12", "\x00",
]  # fmt: skip


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(remote, "meter", remote.NoMeter())
    monkeypatch.setattr(Remote, "_units", {})
    yield
    for name in KINDS:
        resilience.breaker(name).close()


def opening(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, 9, 30, tzinfo=NEW_YORK).timestamp())


def yahoo() -> dict[str, Any]:
    split = {"date": opening(DAYS[3]), "numerator": 2, "denominator": 1}
    paid = {"date": opening(DAYS[1]), "amount": 0.25}
    columns = {name: list(CLOSES) for name in ("open", "high", "low", "close")} | {"volume": [1000] * 5}
    chart = {
        "meta": {"currency": "USD", "exchangeTimezoneName": "America/New_York"},
        "timestamp": [opening(day) for day in DAYS],
        "events": {"splits": {"1": split}, "dividends": {"1": paid}},
        "indicators": {"quote": [columns], "adjclose": [{"adjclose": list(CLOSES)}]},
    }
    return {"/v8/finance/chart": {"chart": {"result": [chart], "error": None}}}


def fmp() -> dict[str, Any]:
    bars = [
        {"date": day.isoformat(), "open": close, "high": close, "low": close, "close": close, "volume": 1000}
        for day, close in zip(DAYS, CLOSES, strict=True)
    ]
    return {
        "/stable/historical-price-eod/full": bars[::-1],
        "/stable/splits": [{"date": DAYS[3].isoformat(), "numerator": 2, "denominator": 1}],
        "/stable/dividends": [{"date": DAYS[1].isoformat(), "dividend": 0.25}],
    }


def alphavantage() -> dict[str, Any]:
    names = ("1. open", "2. high", "3. low", "4. close")
    series = {
        day.isoformat(): {**dict.fromkeys(names, str(close)), "5. volume": "1000"}
        for day, close in zip(DAYS, CLOSES, strict=True)
    }
    return {
        "TIME_SERIES_DAILY": {"Time Series (Daily)": series},
        "SPLITS": {"data": [{"effective_date": DAYS[3].isoformat(), "split_factor": "2.0"}]},
        "DIVIDENDS": {"data": [{"ex_dividend_date": DAYS[1].isoformat(), "amount": "0.25"}]},
    }


BODIES: dict[str, Callable[[], dict[str, Any]]] = {"yahoo": yahoo, "fmp": fmp, "alphavantage": alphavantage}


def leaves(body: Any) -> list[tuple[Any, Any]]:
    """(container, key) of every figure, text and container within."""
    inside = list(body.items()) if isinstance(body, dict) else list(enumerate(body)) if isinstance(body, list) else []
    return [(body, key) for key, _ in inside] + [leaf for _, one in inside for leaf in leaves(one)]


def serve(server: HTTPServer, bodies: dict[str, Any], good: dict[str, Any]) -> None:
    """The broken bodies for BAD, sound ones for whatever else is asked."""

    def answer(request: Request) -> Response:
        told = bodies if "BAD" in (request.args.get("symbol", ""), request.path.rpartition("/")[2]) else good
        name = next(
            name for name in told if name in (request.args.get("function"), request.path) or name in request.path
        )
        return Response(json.dumps(told[name]), content_type="application/json")

    server.expect_request("/query").respond_with_handler(answer)
    for path in ("/stable/historical-price-eod/full", "/stable/splits", "/stable/dividends"):
        server.expect_request(path).respond_with_handler(answer)
    for symbol in ("BAD", "GOOD"):
        server.expect_request(f"/v8/finance/chart/{symbol}").respond_with_handler(answer)


@pytest.mark.parametrize("name", KINDS)
@given(data=st.data())
@examples(max_examples=SEEDS, deadline=None, derandomize=True, phases=PHASES, suppress_health_check=SUPPRESSED)
def test_what_is_stored_can_be_true(httpserver: HTTPServer, name: str, data: st.DataObject) -> None:
    """Some figures of an answer are replaced. What is kept of it is plausible, and its batch is stored all the same."""
    bodies = BODIES[name]()
    for _ in range(data.draw(st.integers(1, 4))):
        container, key = data.draw(st.sampled_from(leaves(bodies)))
        container[key] = data.draw(st.sampled_from(GARBAGE))
    httpserver.clear()
    serve(httpserver, bodies, BODIES[name]())
    resilience.breaker(name).close()
    Price.objects.all().delete()
    MarketSymbol.objects.all().delete()
    bad, good = (MarketSymbol.objects.create(symbol=symbol) for symbol in ("BAD", "GOOD"))
    reached = Access(httpserver.url_for("").rstrip("/"), "key", 5.0, per_minute=1_000_000)
    chain = DataProviderChain([KINDS[name](reached, Patience(delays=()))])
    ensure_prices(symbol_ids=[good.pk], start=DAYS[0], end=DAYS[-1], chain=chain)
    ensure_prices(symbol_ids=[bad.pk, good.pk], start=DAYS[0], end=DAYS[-1], chain=chain)
    assert Price.objects.filter(symbol=good).count() == len(DAYS)
    _check(bad)


def _check(symbol: MarketSymbol) -> None:
    splits = {action.ex_date: action.ratio for action in SymbolAction.objects.filter(symbol=symbol).exclude(ratio=None)}
    before: tuple[date, Decimal] | None = None
    for price in Price.objects.filter(symbol=symbol).order_by("day"):
        assert DAYS[0] <= price.day <= DAYS[-1]
        assert 0 < price.close < 10**18
        for side in (price.open, price.high, price.low, price.adj_close):
            assert side is None or 0 < side < 10**18
        assert price.volume is None or 0 <= price.volume < 10**19
        if before and not splits:
            assert price.close <= 10 * before[1]
            assert before[1] <= 10 * price.close
        before = price.day, price.close
    for action in SymbolAction.objects.filter(symbol=symbol):
        assert (action.ratio or action.cash_per_unit or 0) > 0


def test_a_split_that_is_told_late_has_its_days_asked_for_again(httpserver: HTTPServer) -> None:
    """One for twenty: the closes since are refused until somebody tells why, and are not lost by it."""
    symbol = MarketSymbol.objects.create(symbol="GOOD")
    bars = [{"date": day.isoformat(), "close": 5.0 if day < DAYS[3] else 100.0} for day in DAYS]
    split = {"date": DAYS[3].isoformat(), "numerator": 1, "denominator": 20}
    told = {"/stable/historical-price-eod/full": bars, "/stable/splits": [], "/stable/dividends": []}
    reached = Access(httpserver.url_for("").rstrip("/"), "key", 5.0, per_minute=1_000_000)
    chain = DataProviderChain([KINDS["fmp"](reached, Patience(delays=()))])
    serve(httpserver, {}, told)
    ensure_prices(symbol_ids=[symbol.pk], start=DAYS[0], end=DAYS[2], chain=chain)
    assert ensure_prices(symbol_ids=[symbol.pk], start=DAYS[0], end=DAYS[4], chain=chain).stored == 0
    assert ensure_prices(symbol_ids=[symbol.pk], start=DAYS[0], end=DAYS[4], chain=chain).asked == 0
    store_actions([SymbolAction(symbol=symbol, kind="split", ex_date=DAYS[3], ratio=Decimal("0.05"), source="fmp")])
    httpserver.clear()
    # What the vendor divides by the split, which it now knows, is put back.
    scaled = [bar | ({"close": 100.0} if bar["date"] < DAYS[3].isoformat() else {}) for bar in bars]
    serve(httpserver, {}, told | {"/stable/splits": [split], "/stable/historical-price-eod/full": scaled})
    assert ensure_prices(symbol_ids=[symbol.pk], start=DAYS[0], end=DAYS[4], chain=chain).stored == 2
    closes = Price.objects.filter(symbol=symbol).order_by("day").values_list("close", flat=True)
    assert list(closes) == [5, 5, 5, 100, 100]
    store_actions([SymbolAction(symbol=symbol, kind="split", ex_date=DAYS[2], ratio=Decimal(2), source="fmp")])
    symbol.refresh_from_db()
    assert symbol.priced_to == DAYS[4], "where there are prices nothing is asked again"


@pytest.mark.parametrize("jump", [1001.0, 2000.0, 5.0])
def test_one_days_price_that_cannot_follow_the_last_one_is_not_stored(httpserver: HTTPServer, jump: float) -> None:
    """The nightly question is for one day: only the store knows what was before it."""
    symbol = MarketSymbol.objects.create(symbol="GOOD")
    first, second = DAYS[0], DAYS[1]
    serve(httpserver, {}, fmp() | {"/stable/splits": []})
    reached = Access(httpserver.url_for("").rstrip("/"), "key", 5.0, per_minute=1_000_000)
    chain = DataProviderChain([KINDS["fmp"](reached, Patience(delays=()))])
    ensure_prices(symbol_ids=[symbol.pk], start=first, end=first, chain=chain)
    httpserver.clear()
    bad = [{"date": second.isoformat(), "close": jump}]
    serve(httpserver, {}, {"/stable/historical-price-eod/full": bad, "/stable/splits": [], "/stable/dividends": []})
    assert ensure_prices(symbol_ids=[symbol.pk], start=second, end=second, chain=chain).stored == 0
    assert [price.day for price in Price.objects.filter(symbol=symbol)] == [first]
    httpserver.clear()
    serve(httpserver, {}, {
        "/stable/historical-price-eod/full": [{"date": DAYS[2].isoformat(), "close": 1.25}],
        "/stable/splits": [{"date": DAYS[2].isoformat(), "numerator": 80, "denominator": 1}], "/stable/dividends": [],
    })  # fmt: skip
    assert ensure_prices(symbol_ids=[symbol.pk], start=DAYS[2], end=DAYS[2], chain=chain).stored == 1, (
        "a split says why"
    )

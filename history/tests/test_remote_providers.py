"""Providers on the network, over real HTTP: recorded bodies, every error they are known for, and fuzzed garbage."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from math import prod
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from history.providers import alphavantage, fmp, remote, resilience, yahoo
from history.providers.base import Dividend, Interrupted, ProviderError, Split, Unsupported
from history.providers.remote import Access, Remote
from history.providers.resilience import Patience

D = Decimal
RECORDED = settings.REFERENCE_DATA / "market" / "providers"
KINDS: dict[str, type[Remote]] = {
    "fmp": fmp.FinancialModelingPrep,
    "yahoo": yahoo.Yahoo,
    "alphavantage": alphavantage.AlphaVantage,
}
Make = Callable[..., Any]


@pytest.fixture(autouse=True)
def closed_breakers() -> Iterator[None]:
    for name in KINDS:
        resilience.breaker(name).close()
    yield
    for name in KINDS:
        resilience.breaker(name).close()


@pytest.fixture(autouse=True)
def uncounted(monkeypatch: pytest.MonkeyPatch) -> None:
    """What calls cost is counted in the database; test_spend looks at that."""
    monkeypatch.setattr(remote, "meter", remote.NoMeter())
    monkeypatch.setattr(Remote, "_units", {})


@pytest.fixture
def make(httpserver: HTTPServer) -> Make:
    """A provider that asks the local server, without waiting between retries."""

    def made(name: str, *, timeout: float = 5.0, retries: int = 0) -> Any:
        reached = Access(httpserver.url_for("").rstrip("/"), "SECRETKEY", timeout, per_minute=100_000)
        return KINDS[name](reached, Patience(delays=(0.0,) * retries, sleep=lambda _seconds: None))

    return made


def recorded(name: str) -> Any:
    path = RECORDED / name
    if not path.exists():
        pytest.skip("reference data is not there: set LONGVIEW_REFERENCE_DATA")
    return json.loads(path.read_text())


def serve(server: HTTPServer, path: str, body: Any, **response: Any) -> None:
    server.expect_request(path).respond_with_json(body, **response)


def test_fmp_prices_are_put_back_to_what_was_traded(httpserver: HTTPServer, make: Make) -> None:
    """AAPL before its 4:1 split of 2020-08-31: FMP says 124.8075 for the 28th, which traded at 499.23."""
    bars = [
        {"date": "2020-08-31", "open": 127.58, "high": 131, "low": 126, "close": 129.04, "volume": 225702688},
        {
            "date": "2020-08-28",
            "open": 126.0125,
            "high": 126.4425,
            "low": 124.5775,
            "close": 124.8075,
            "volume": 187629916,
        },
    ]
    serve(httpserver, "/stable/historical-price-eod/full", bars)
    serve(httpserver, "/stable/splits", [{"date": "2020-08-31", "numerator": 4, "denominator": 1}])
    prices = make("fmp").daily_prices(["AAPL"], date(2020, 8, 28), date(2020, 8, 31))["AAPL"]
    assert [(price.day.day, price.close, price.volume) for price in prices] == [
        (28, D("499.23"), D("46907479")),
        (31, D("129.04"), D("225702688")),
    ]
    request = next(request for request, _ in httpserver.log if "historical" in request.path)
    assert dict(request.args) == {"symbol": "AAPL", "from": "2020-08-28", "to": "2020-08-31", "apikey": "SECRETKEY"}


@pytest.mark.parametrize("new", [10**6, 10**30, 1e-9])
def test_by_a_split_that_cannot_be_no_price_is_put_back(httpserver: HTTPServer, make: Make, new: float) -> None:
    """Every close before it would be garbage: the next provider is asked."""
    serve(httpserver, "/stable/historical-price-eod/full", [{"date": "2026-01-05", "close": 10.0}])
    serve(httpserver, "/stable/splits", [{"date": "2026-01-07", "numerator": new, "denominator": 1}])
    assert make("fmp").daily_prices(["X"], date(2026, 1, 5), date(2026, 1, 9)) == {}
    body = recorded("yahoo/historical-via-chart-NVDA-split-2021-02-01-to-2022-01-31.csv.json")
    for split in body["chart"]["result"][0]["events"]["splits"].values():
        split["numerator"] = new
    serve(httpserver, "/v8/finance/chart/NVDA", body)
    assert make("yahoo").daily_prices(["NVDA"], date(2021, 2, 1), date(2022, 1, 31)) == {}


def test_a_split_that_is_only_announced_has_divided_nothing(httpserver: HTTPServer, make: Make) -> None:
    today = datetime.now(UTC).date()
    ahead, day = today + timedelta(days=9), today - timedelta(days=5)
    serve(httpserver, "/stable/historical-price-eod/full", [{"date": day.isoformat(), "close": 1208.88, "volume": 10}])
    serve(httpserver, "/stable/splits", [{"date": ahead.isoformat(), "numerator": 10, "denominator": 1}])
    serve(httpserver, "/stable/dividends", [])
    provider = make("fmp")
    (price,) = provider.daily_prices(["NVDA"], day, day)["NVDA"]
    assert (price.close, price.volume) == (D("1208.88"), 10)
    assert provider.corporate_actions(["NVDA"], day, ahead)["NVDA"].splits == (Split(ahead, D(10)),)


def test_fmp_bodies_as_recorded(httpserver: HTTPServer, make: Make) -> None:
    serve(httpserver, "/stable/historical-price-eod/full", recorded("fmp/openbb_eod_full_AAPL_2023-01.json"))
    serve(httpserver, "/stable/splits", recorded("fmp/openbb_splits_AAPL.json"))
    serve(httpserver, "/stable/dividends", recorded("fmp/openbb_dividends_AAPL_limit1.json"))
    serve(httpserver, "/stable/batch-quote", recorded("fmp/openbb_quote_AAPL.json"))
    provider = make("fmp")
    prices = provider.daily_prices(["AAPL"], date(2023, 1, 3), date(2023, 1, 10))["AAPL"]
    assert prices[-1].close == D("130.73")
    assert prices[-1].day == date(2023, 1, 10)
    assert [price.day for price in prices] == sorted(price.day for price in prices)
    actions = provider.corporate_actions(["AAPL"], date(2014, 1, 1), date(2025, 12, 31))["AAPL"]
    assert {(split.ex_date, split.ratio) for split in actions.splits} == {
        (date(2014, 6, 9), 7),
        (date(2020, 8, 31), 4),
    }
    assert actions.dividends == (Dividend(date(2025, 8, 11), D("0.26")),)
    quote = provider.quotes(["AAPL", "NOSUCH"])["AAPL"]
    assert (quote.price, quote.previous_close, quote.at) == (
        D("256.08"),
        D("245.5"),
        datetime(2025, 9, 22, 20, 0, 1, tzinfo=UTC),
    )


def test_fmp_rates_as_recorded(httpserver: HTTPServer, make: Make) -> None:
    serve(httpserver, "/stable/historical-price-eod/full", recorded("fmp/openbb_eod_full_EURUSD_2023-01.json"))
    rates = make("fmp").fx([("EUR", "USD")], date(2023, 1, 3), date(2023, 1, 10))["EUR", "USD"]
    assert (rates[-1].day, rates[-1].rate) == (date(2023, 1, 10), D("1.07329"))


LONDON_BARS = [{"date": "2026-01-05", "open": 98, "high": 101.5, "low": 97, "close": 100.25, "volume": 7}]


def fmp_in_london(server: HTTPServer, currency: str) -> None:
    serve(server, "/stable/historical-price-eod/full", LONDON_BARS)
    serve(server, "/stable/splits", [])
    serve(server, "/stable/dividends", [{"date": "2026-01-05", "dividend": 4.5}])
    serve(server, "/stable/batch-quote",
          [{"symbol": "VOD.L", "price": 101, "previousClose": 100.25, "timestamp": 1767700800}])  # fmt: skip
    row = {"name": "Vodafone", "currency": currency, "exchange": "LSE"}
    serve(server, "/stable/search-symbol", [row | {"symbol": "VOD.LX"}, row | {"symbol": "VOD.L"}])


def yahoo_in_london(server: HTTPServer, currency: str) -> None:
    """A chart of one day: 2026-01-05, open at 8:00 in London."""
    meta = {"currency": currency, "exchangeTimezoneName": "Europe/London", "regularMarketPrice": 101.0,
            "regularMarketTime": 1767700800}  # fmt: skip
    quote = {"open": [98.0], "high": [101.5], "low": [97.0], "close": [100.25], "volume": [7]}
    events = {"dividends": {"1767600000": {"amount": 4.5, "date": 1767600000}}}
    chart = {"meta": meta, "timestamp": [1767600000], "events": events,
             "indicators": {"quote": [quote], "adjclose": [{"adjclose": [100.25]}]}}  # fmt: skip
    serve(server, "/v8/finance/chart/VOD.L", {"chart": {"result": [chart], "error": None}})


def alphavantage_in_london(server: HTTPServer, currency: str) -> None:
    bar = {"1. open": "98", "2. high": "101.5", "3. low": "97", "4. close": "100.25", "5. volume": "7"}
    answers = {
        "TIME_SERIES_DAILY": {"Time Series (Daily)": {"2026-01-05": bar}},
        "SYMBOL_SEARCH": {"bestMatches": [{"1. symbol": "VOD.LON", "8. currency": currency}]},
        "SPLITS": {"data": []},
        "DIVIDENDS": {"data": [{"ex_dividend_date": "2026-01-05", "amount": "4.5"}]},
        "GLOBAL_QUOTE": {
            "Global Quote": {
                "05. price": "101", "07. latest trading day": "2026-01-06", "08. previous close": "100.25",
            }
        },
    }  # fmt: skip

    def answer(request: Request) -> Response:
        function = request.args["function"]
        asked = request.args.get("symbol") or request.args["keywords"]
        body = answers[function] if asked == "VOD.LON" else {}
        return Response(json.dumps(body), content_type="application/json")

    server.expect_request("/query").respond_with_handler(answer)


IN_LONDON = {"fmp": fmp_in_london, "yahoo": yahoo_in_london, "alphavantage": alphavantage_in_london}
PENCE = {"fmp": "GBp", "yahoo": "GBp", "alphavantage": "GBX"}


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("in_pence", [True, False])
def test_london_is_asked_by_its_suffix_and_told_in_pounds(
    httpserver: HTTPServer, make: Make, name: str, in_pence: bool
) -> None:
    IN_LONDON[name](httpserver, PENCE[name] if in_pence else "GBP")
    provider, day = make(name), date(2026, 1, 5)
    unit = D("0.01") if in_pence else D(1)
    (bar,) = provider.daily_prices(["VOD:XLON"], day, day)["VOD:XLON"]
    assert (bar.close, bar.open, bar.high, bar.low) == tuple(unit * D(told) for told in ("100.25", "98", "101.5", "97"))
    assert bar.volume == 7
    actions = provider.corporate_actions(["VOD:XLON"], day, day)["VOD:XLON"]
    assert actions.dividends == (Dividend(day, unit * D("4.5")),)
    quote = provider.quotes(["VOD:XLON"])["VOD:XLON"]
    assert (quote.symbol, quote.price) == ("VOD:XLON", 101 * unit)
    assert quote.previous_close == unit * D("100.25")


@pytest.mark.parametrize("name", ["fmp", "alphavantage"])
def test_without_its_currency_a_price_of_london_is_none(httpserver: HTTPServer, make: Make, name: str) -> None:
    """Pence read as pounds would be a hundred times too much."""
    IN_LONDON[name](httpserver, "")
    assert make(name).daily_prices(["VOD:XLON"], date(2026, 1, 5), date(2026, 1, 5)) == {}
    assert make(name).quotes(["VOD:XLON"]) == {}


@pytest.mark.parametrize("name", KINDS)
def test_an_exchange_that_a_provider_does_not_have_is_not_asked_of_it(
    httpserver: HTTPServer, make: Make, name: str
) -> None:
    """The bare symbol is another company's."""
    provider, asked, day = make(name), ["VOD:NOWHERE"], date(2026, 1, 5)
    assert provider.daily_prices(asked, day, day) == {}
    assert provider.corporate_actions(asked, day, day) == {}
    assert provider.quotes(asked) == {}
    assert not httpserver.log


def test_a_search_tells_the_exchange_and_not_the_suffix(httpserver: HTTPServer, make: Make) -> None:
    serve(httpserver, "/v1/finance/search", recorded("yahoo/search-BJ0CDD2.json"))
    (found,) = make("yahoo").search(isin="GG00BJ0CDD21")
    assert (found.symbol, found.exchange, found.currency) == ("MNTN", "XLON", "GBP")
    serve(httpserver, "/query", recorded("alpha_vantage/symbol_search.json"))
    hong_kong = [one for one in make("alphavantage").search(ticker="BA") if one.exchange == "XHKG"]
    assert [(one.symbol, one.currency) for one in hong_kong][:1] == [("6190", "HKD")]


def test_long_ranges_are_asked_for_in_parts(httpserver: HTTPServer, make: Make) -> None:
    """FMP drops the oldest of more than 5,000 rows and says nothing."""
    asked = []

    def answer(request: Request) -> Response:
        asked.append((date.fromisoformat(request.args["from"]), date.fromisoformat(request.args["to"])))
        return Response(json.dumps([{"date": request.args["to"], "close": 10}]), content_type="application/json")

    httpserver.expect_request("/stable/historical-price-eod/full").respond_with_handler(answer)
    serve(httpserver, "/stable/splits", [])
    prices = make("fmp").daily_prices(["BTCUSD"], date(1990, 1, 1), date(2026, 1, 1))["BTCUSD"]
    assert asked[0][0] == date(1990, 1, 1)
    assert asked[-1][1] == date(2026, 1, 1)
    assert all((end - start).days < 5000 for start, end in asked)
    assert all(after[0] - before[1] == timedelta(1) for before, after in pairwise(asked))
    assert len(prices) == len(asked) > 2


def test_share_classes_are_written_their_way(httpserver: HTTPServer, make: Make) -> None:
    httpserver.expect_request("/stable/historical-price-eod/full", query_string={
        "symbol": "BRK-B", "from": "2026-01-05", "to": "2026-01-05", "apikey": "SECRETKEY",
    }).respond_with_json([{"date": "2026-01-05", "close": 500}])  # fmt: skip
    serve(httpserver, "/stable/splits", [])
    assert list(make("fmp").daily_prices(["BRK.B"], date(2026, 1, 5), date(2026, 1, 5))) == ["BRK.B"]


def test_yahoo_prices_as_recorded(httpserver: HTTPServer, make: Make) -> None:
    """NVDA in February 2021: 13.237 on today's scale, after 4:1 in July 2021; the recording knows of no later split."""
    body = recorded("yahoo/historical-via-chart-NVDA-split-2021-02-01-to-2022-01-31.csv.json")
    serve(httpserver, "/v8/finance/chart/NVDA", body)
    provider = make("yahoo")
    prices = provider.daily_prices(["NVDA"], date(2021, 2, 1), date(2022, 1, 31))["NVDA"]
    by_day = {price.day: price for price in prices}
    assert by_day[date(2021, 2, 1)].close == D("13.237") * 4
    assert by_day[date(2021, 7, 20)].close < by_day[date(2021, 7, 19)].close / 3
    assert provider.corporate_actions(["NVDA"], date(2021, 2, 1), date(2022, 1, 31))["NVDA"].splits == (
        Split(date(2021, 7, 20), D(4)),
    )
    assert len(httpserver.log) == 1, "prices and splits stand in one document"


CHARTS = {
    "chart-AAPL-2020-08-31-to-2020-11-07.json": 49,
    "chart-BTC-USD-2020-01-01-to-2020-01-03.json": 3,
    "chart-EURUSD_X-2020-01-01-to-2020-01-03.json": 3,
    "historical-via-chart-MSFT-dividends-2021-02-01-to-2022-01-31.csv.json": 252,
    "historical-via-chart-NVDA-split-2021-02-01-to-2022-01-31.csv.json": 252,
    "historical-via-chart-dividends-TSLA-no-dividends.json": 3303,
}


@pytest.mark.parametrize("name", CHARTS)
def test_every_recorded_chart_gives_each_figure_it_holds(httpserver: HTTPServer, make: Make, name: str) -> None:
    """Beside the file read by hand, in floats: the close of every row times the splits after its day."""
    body = recorded(f"yahoo/{name}")
    serve(httpserver, "/v8/finance/chart/X", body)
    chart = body["chart"]["result"][0]
    zone, events = ZoneInfo(chart["meta"]["exchangeTimezoneName"]), chart.get("events", {})
    columns = chart["indicators"]["quote"][0]
    held = {
        datetime.fromtimestamp(seconds, zone).date(): (close, volume, adjusted)
        for seconds, close, volume, adjusted in zip(
            chart["timestamp"],
            columns["close"],
            columns["volume"],
            chart["indicators"]["adjclose"][0]["adjclose"],
            strict=True,
        )
        if close is not None
    }
    splits = [
        (datetime.fromtimestamp(split["date"], zone).date(), split["numerator"] / split["denominator"])
        for split in events.get("splits", {}).values()
    ]
    first, last = min(held), max(held)
    provider = make("yahoo")
    prices = provider.daily_prices(["X"], first, last)["X"]
    assert [price.day for price in prices] == sorted(held)
    assert len(prices) == CHARTS[name]
    for price in prices:
        close, volume, adjusted = held[price.day]
        factor = prod(ratio for day, ratio in splits if day > price.day)
        assert float(price.close) == pytest.approx(close * factor, rel=2e-7)
        assert float(price.volume) * factor == pytest.approx(volume, rel=1e-9)
        assert float(price.adj_close) == pytest.approx(adjusted, rel=2e-7)
    told = provider.corporate_actions(["X"], first, last)["X"]
    assert [(split.ex_date, float(split.ratio)) for split in told.splits] == splits
    dividends = sorted((paid["date"], paid["amount"]) for paid in events.get("dividends", {}).values())
    assert [(paid.ex_date, float(paid.amount)) for paid in told.dividends] == [
        (datetime.fromtimestamp(seconds, zone).date(), pytest.approx(amount)) for seconds, amount in dividends
    ]


@pytest.mark.parametrize(
    ("name", "found"),
    [("GOOG", ["GOOG", "GOOGL", "GGLL", "GOOGL250321C00200000", "GOOG260116C00160000"]), ("NO0010123060", [])],
)
def test_recorded_searches(httpserver: HTTPServer, make: Make, name: str, found: list[str]) -> None:
    """News and people among the answers have no symbol."""
    serve(httpserver, "/v1/finance/search", recorded(f"yahoo/search-{name}.json"))
    assert [one.symbol for one in make("yahoo").search(name=name)] == found


def test_yahoo_dividends_and_days_of_the_exchange(httpserver: HTTPServer, make: Make) -> None:
    serve(httpserver, "/v8/finance/chart/AAPL", recorded("yahoo/chart-AAPL-2020-08-31-to-2020-11-07.json"))
    serve(httpserver, "/v8/finance/chart/EURUSD=X", recorded("yahoo/chart-EURUSD_X-2020-01-01-to-2020-01-03.json"))
    provider = make("yahoo")
    prices = provider.daily_prices(["AAPL"], date(2020, 8, 31), date(2020, 11, 7))["AAPL"]
    assert (prices[0].day, prices[0].close) == (date(2020, 8, 31), D("129.04"))
    assert len(prices) == 49
    dividends = provider.corporate_actions(["AAPL"], date(2020, 8, 31), date(2020, 11, 7))["AAPL"].dividends
    assert dividends == (Dividend(date(2020, 11, 6), D("0.205")),)
    rates = provider.fx([("EUR", "USD")], date(2020, 1, 1), date(2020, 1, 3))["EUR", "USD"]
    assert [rate.day.day for rate in rates] == [1, 2, 3]
    assert abs(rates[-1].rate - D("1.1171437501907349")) < D("1E-7")


def test_yahoo_search_and_quote_as_recorded(httpserver: HTTPServer, make: Make) -> None:
    serve(httpserver, "/v1/finance/search", recorded("yahoo/search-AAPL.json"))
    serve(httpserver, "/v8/finance/chart/AAPL", recorded("yahoo/chart-AAPL-2020-08-31-to-2020-11-07.json"))
    provider = make("yahoo")
    first = provider.search(ticker="AAPL")[0]
    assert (first.symbol, first.name, first.exchange, first.kind) == ("AAPL", "Apple Inc.", "NMS", "equity")
    quote = provider.quotes(["AAPL"])["AAPL"]
    assert (quote.price, quote.at) == (D("244.87"), datetime.fromtimestamp(1739998801, UTC))
    assert provider.search(cusip="037833100") == []


def test_alpha_vantage_raw_prices_actions_and_quotes(httpserver: HTTPServer, make: Make) -> None:
    bar = {"1. open": "112.63", "2. high": "113.17", "3. low": "110.64", "4. close": "112.13", "5. volume": "29062853"}
    answers = {
        "TIME_SERIES_DAILY": {"Time Series (Daily)": {"2018-10-05": bar, "2018-10-04": {**bar, "4. close": "112.79"}}},
        "SPLITS": {"data": [{"effective_date": "2018-10-05", "split_factor": "2.0000"}]},
        "DIVIDENDS": {"data": [{"ex_dividend_date": "2018-10-04", "amount": "0.42"}]},
        "FX_DAILY": {"Time Series FX (Daily)": {"2018-10-05": {"4. close": "1.1523"}}},
    }
    httpserver.expect_request("/query").respond_with_handler(
        lambda request: Response(json.dumps(answers[request.args["function"]]), content_type="application/json")
    )
    provider, start, end = make("alphavantage"), date(2018, 10, 4), date(2018, 10, 5)
    assert [price.close for price in provider.daily_prices(["MSFT"], start, end)["MSFT"]] == [D("112.79"), D("112.13")]
    actions = provider.corporate_actions(["MSFT"], start, end)["MSFT"]
    assert (actions.splits[0].ratio, actions.dividends[0].amount) == (2, D("0.42"))
    assert provider.fx([("EUR", "USD")], start, end)["EUR", "USD"][0].rate == D("1.1523")


def test_alpha_vantage_bodies_as_recorded(httpserver: HTTPServer, make: Make) -> None:
    answers = {
        "GLOBAL_QUOTE": recorded("alpha_vantage/global_quote.json"),
        "SYMBOL_SEARCH": recorded("alpha_vantage/symbol_search.json"),
        "TIME_SERIES_DAILY": recorded("alpha_vantage/mock_time_series.json"),
    }
    httpserver.expect_request("/query").respond_with_handler(
        lambda request: Response(json.dumps(answers[request.args["function"]]), content_type="application/json")
    )
    provider = make("alphavantage")
    quote = provider.quotes(["MSFT"])["MSFT"]
    assert (quote.price, quote.previous_close, quote.at.date()) == (D("112.13"), D("112.79"), date(2018, 10, 5))
    assert [listing.symbol for listing in provider.search(ticker="BA")][:2] == ["BA", "BABA"]
    # An intraday body in place of a daily one is no answer for the symbol, not a price.
    assert provider.daily_prices(["MSFT"], date(2017, 12, 1), date(2017, 12, 31)) == {}


PRICE_PATHS = {"fmp": "/stable/historical-price-eod/full", "yahoo": "/v8/finance/chart/X", "alphavantage": "/query"}
FOLDERS = {"fmp": "fmp", "yahoo": "yahoo", "alphavantage": "alpha_vantage"}
# Which of the errors they are known for mean that the symbol is unknown; the rest has to be an error.
UNKNOWN = ("not_found", "unknown", "empty", "no_data", "multi", "revers")


def outcome(provider: Any) -> tuple[Any, str]:
    """What it answered, and what it complained of."""
    try:
        return provider.daily_prices(["X"], date(2026, 1, 5), date(2026, 1, 9)), ""
    except ProviderError as problem:
        return None, str(problem)


@pytest.mark.parametrize("name", KINDS)
def test_every_known_error_body_is_an_error_or_an_unknown_symbol(httpserver: HTTPServer, make: Make, name: str) -> None:
    seen = 0
    for title, error in recorded(f"{FOLDERS[name]}/error_bodies.json").items():
        if not isinstance(error, dict) or not str(error.get("http_status", "")).isdigit():
            continue
        body = error.get("body", error.get("body_text"))
        if body is None or (isinstance(body, str) and body.startswith("see ")):
            continue
        text = body if isinstance(body, str) else json.dumps(body)
        httpserver.clear()
        httpserver.expect_request(PRICE_PATHS[name]).respond_with_data(text, status=int(error["http_status"]))
        serve(httpserver, "/stable/splits", [])
        resilience.breaker(name).close()
        answer, problem = outcome(make(name))
        assert "SECRETKEY" not in problem
        assert problem or (answer == {} and any(word in title for word in UNKNOWN)), title
        seen += 1
    assert seen >= 2


@pytest.mark.parametrize(
    ("status", "body", "permanent"),
    [
        (401, '{"Error Message": "Invalid API KEY."}', True),
        (402, "Premium Query Parameter", True),
        (429, '{"Error Message": "Limit Reach . Please upgrade"}', False),
        (200, '{"Error Message": "Limit Reach . Please upgrade"}', False),
        (500, "", False),
        (502, "<html>bad gateway</html>", False),
        (200, "<html>hello</html>", False),
        (200, "", False),
        (200, '[{"date": "2026-01-05", "clo', False),
        (200, '[{"close": NaN}]', False),
        (200, f'[{{"close": 1{"0" * 70}}}]', False),
        (301, "", True),
    ],
)
def test_errors_say_whether_asking_again_helps(
    httpserver: HTTPServer, make: Make, status: int, body: str, permanent: bool
) -> None:
    httpserver.expect_request(PRICE_PATHS["fmp"]).respond_with_data(body, status=status)
    with pytest.raises(Interrupted) as caught:
        make("fmp").daily_prices(["X"], date(2026, 1, 5), date(2026, 1, 9))
    assert caught.value.permanent is permanent
    assert "SECRETKEY" not in str(caught.value)


def test_what_was_got_before_the_trouble_is_kept(httpserver: HTTPServer, make: Make) -> None:
    httpserver.expect_request("/stable/historical-price-eod/full").respond_with_handler(
        lambda request: Response(
            json.dumps([{"date": "2026-01-05", "close": 10}]), 200 if request.args["symbol"] == "A" else 503
        )
    )
    serve(httpserver, "/stable/splits", [])
    with pytest.raises(Interrupted) as caught:
        make("fmp").daily_prices(["A", "B", "C"], date(2026, 1, 5), date(2026, 1, 5))
    assert list(caught.value.answers) == ["A"]


def test_a_server_that_never_answers_is_given_up(httpserver: HTTPServer, make: Make) -> None:
    import threading

    release = threading.Event()

    def hang(_request: Request) -> Response:
        release.wait(20)
        return Response("[]")

    httpserver.expect_request(PRICE_PATHS["fmp"]).respond_with_handler(hang)
    with pytest.raises(Interrupted, match="cannot be reached"):
        make("fmp", timeout=0.3).daily_prices(["X"], date(2026, 1, 5), date(2026, 1, 9))
    release.set()


def test_an_answer_that_unpacks_to_gigabytes_is_given_up(httpserver: HTTPServer, make: Make) -> None:
    import gzip

    bomb = gzip.compress(b"[" + b" " * (64 * 2**20) + b"]")
    httpserver.expect_request(PRICE_PATHS["fmp"]).respond_with_data(bomb, headers={"Content-Encoding": "gzip"})
    with pytest.raises(Interrupted, match="more than"):
        make("fmp").daily_prices(["X"], date(2026, 1, 5), date(2026, 1, 9))


def test_what_passes_is_asked_again_and_the_third_failure_in_a_row_opens_the_breaker(
    httpserver: HTTPServer, make: Make
) -> None:
    httpserver.expect_request(PRICE_PATHS["fmp"]).respond_with_data("", status=503)
    provider = make("fmp", retries=3)
    for asked in (4, 8, 12, 12):
        with pytest.raises(ProviderError):
            provider.daily_prices(["X"], date(2026, 1, 5), date(2026, 1, 9))
        assert len(httpserver.log) == asked
    assert resilience.is_open("fmp")
    assert not resilience.is_open("yahoo")


def test_alpha_vantage_and_yahoo_do_not_pretend(make: Make) -> None:
    assert make("alphavantage").search(isin="US0378331005") == []
    with pytest.raises(Unsupported):
        Remote.search(make("fmp"), name="apple")


KEYS = ["chart", "result", "timestamp", "indicators", "quote", "close", "events", "splits", "date", "meta", "data"]
MORE_KEYS = ["numerator", "denominator", "error", "exchangeTimezoneName", "2026-01-05"]
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
documents = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([*KEYS, *MORE_KEYS, "Time Series (Daily)", "4. close"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@pytest.mark.parametrize("name", KINDS)
@given(body=documents)
@examples(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_document_breaks_a_provider(httpserver: HTTPServer, make: Make, name: str, body: Any) -> None:
    """Whatever comes is prices of the days asked for, nothing, or a ProviderError; the same of every other question."""
    httpserver.clear()
    httpserver.expect_request(re.compile(".*")).respond_with_data(json.dumps(body))
    provider, start, end = make(name), date(2026, 1, 5), date(2026, 1, 9)
    asked = ["X", "X:XLON"]

    def answer(question: Callable[[], Any]) -> Any:
        resilience.breaker(name).close()
        try:
            return question()
        except ProviderError:
            return {}

    for prices in answer(lambda: provider.daily_prices(asked, start, end)).values():
        assert all(start <= price.day <= end and price.close.is_finite() for price in prices)
    for actions in answer(lambda: provider.corporate_actions(asked, start, end)).values():
        assert all(paid.amount > 0 for paid in actions.dividends)
        assert all(split.ratio > 0 for split in actions.splits)
    assert all(quote.price > 0 for quote in answer(lambda: provider.quotes(asked)).values())
    assert all(listing.symbol for listing in answer(lambda: provider.search(name="X")))
    for rates in answer(lambda: provider.fx([("EUR", "USD")], start, end)).values():
        assert all(start <= rate.day <= end and rate.rate.is_finite() for rate in rates)
    answer(lambda: provider.listing_changes(start))

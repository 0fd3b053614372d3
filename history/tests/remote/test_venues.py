"""How each provider writes a symbol of another exchange or share class, and in what currency it tells prices."""

import json
from datetime import date

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from history.providers.base import Dividend
from history.tests.remote.bodies import KINDS, D, Make, recorded, serve

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

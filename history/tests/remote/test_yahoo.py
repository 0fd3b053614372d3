"""Yahoo over real HTTP: every recorded chart, search and quote."""

from datetime import UTC, date, datetime
from math import prod
from zoneinfo import ZoneInfo

import pytest
from pytest_httpserver import HTTPServer

from history.providers.base import Dividend, Split
from history.tests.remote.bodies import D, Make, recorded, serve


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

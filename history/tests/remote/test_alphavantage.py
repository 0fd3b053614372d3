"""Alpha Vantage over real HTTP, bodies as recorded."""

import json
from datetime import date

from pytest_httpserver import HTTPServer
from werkzeug import Response

from history.tests.remote.bodies import D, Make, recorded


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

"""FMP over real HTTP: adjusted closes are put back to what was traded, bodies as recorded."""

import json
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from history.providers.base import Dividend, Split
from history.tests.remote.bodies import D, Make, recorded, serve


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

"""Every body that was recorded, as the answer to every question of its provider, over real HTTP.

What a body holds is told by the question that it answers, and by no other: a search is no price. The figures
themselves are checked, file by file, in the module of each provider.
"""

import re
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from history.providers import resilience
from history.providers.base import ProviderError
from history.tests.remote.bodies import KINDS, RECORDED, Make, recorded

FOLDERS = {"alpha_vantage": "alphavantage", "fmp": "fmp", "yahoo": "yahoo"}
START, END = date(2010, 1, 1), date(2025, 12, 31)
QUESTIONS: dict[str, Callable[[Any], Any]] = {
    "prices": lambda provider: provider.daily_prices(["AAPL"], START, END).get("AAPL", ()),
    "splits": lambda provider: _actions(provider).splits,
    "dividends": lambda provider: _actions(provider).dividends,
    "rates": lambda provider: provider.fx([("EUR", "USD")], START, END).get(("EUR", "USD"), ()),
    "quotes": lambda provider: provider.quotes(["AAPL"]),
    "search": lambda provider: provider.search(name="AAPL"),
}
# How many of what each body tells. A chart of a pair holds what one of a share does; FMP's rows all name a symbol.
TOLD: dict[str, dict[str, int]] = {
    "alpha_vantage/global_quote.json": {"quotes": 1},
    "alpha_vantage/mock_foreign_exchange.json": {},
    "alpha_vantage/mock_time_series.json": {},
    "alpha_vantage/symbol_search.json": {"search": 10},
    "fmp/openbb_dividends_AAPL_limit1.json": {"dividends": 1, "search": 1},
    "fmp/openbb_eod_full_AAPL_2023-01.json": {"prices": 6, "rates": 6, "search": 6},
    "fmp/openbb_eod_full_EURUSD_2023-01.json": {"prices": 7, "rates": 7, "search": 7},
    "fmp/openbb_quote_AAPL.json": {"quotes": 1, "search": 1},
    "fmp/openbb_splits_AAPL.json": {"splits": 2, "search": 5},
    "yahoo/chart-AAPL-2020-08-31-to-2020-11-07.json": {
        "prices": 49, "splits": 1, "dividends": 1, "rates": 49, "quotes": 1,
    },
    "yahoo/chart-BTC-USD-2020-01-01-to-2020-01-03.json": {"prices": 3, "rates": 3, "quotes": 1},
    "yahoo/chart-EURUSD_X-2020-01-01-to-2020-01-03.json": {"prices": 3, "rates": 3, "quotes": 1},
    "yahoo/historical-via-chart-MSFT-dividends-2021-02-01-to-2022-01-31.csv.json": {
        "prices": 252, "dividends": 4, "rates": 252, "quotes": 1,
    },
    "yahoo/historical-via-chart-NVDA-split-2021-02-01-to-2022-01-31.csv.json": {
        "prices": 252, "splits": 1, "rates": 252, "quotes": 1,
    },
    "yahoo/historical-via-chart-dividends-TSLA-no-dividends.json": {"prices": 3303, "rates": 3303, "quotes": 1},
    # Of the quote page, which wants a cookie and is not asked: nothing of it may be taken for a chart.
    "yahoo/quote-AAPL.json": {},
    "yahoo/quote-AAPL220121C00025000.json": {},
    "yahoo/quote-BRKS.json": {},
    "yahoo/quote-QQQ.json": {},
    "yahoo/quote-SI.json": {},
    "yahoo/search-AAPL.json": {"search": 6},
    "yahoo/search-BJ0CDD2.json": {"search": 1},
    "yahoo/search-GOOG.json": {"search": 5},
    "yahoo/search-NO0010123060.json": {},
}  # fmt: skip


def _actions(provider: Any) -> Any:
    from history.providers.base import Actions

    return provider.corporate_actions(["AAPL"], START, END).get("AAPL", Actions())


def told(provider: Any, name: str) -> dict[str, int]:
    """How many of what the provider tells; an error is none."""
    found = {}
    for question, ask in QUESTIONS.items():
        resilience.breaker(name).close()
        try:
            count = len(ask(provider))
        except ProviderError:
            count = 0
        found |= {question: count} if count else {}
    return found


def test_no_recorded_body_is_left_out() -> None:
    if not RECORDED.exists():
        pytest.skip("reference data is not there: set LONGVIEW_REFERENCE_DATA")
    there = {str(path.relative_to(RECORDED)) for path in RECORDED.glob("*/*.json")}
    assert there - set(TOLD) == {f"{folder}/error_bodies.json" for folder in FOLDERS} | {"yahoo/INDEX.json"}
    assert set(TOLD) <= there
    assert set(FOLDERS.values()) == set(KINDS)


@pytest.mark.parametrize("file", TOLD)
def test_a_body_tells_what_it_holds_and_nothing_else(httpserver: HTTPServer, make: Make, file: str) -> None:
    name = FOLDERS[file.partition("/")[0]]
    httpserver.expect_request(re.compile(".*")).respond_with_json(recorded(file))
    assert told(make(name), name) == TOLD[file]


@pytest.mark.parametrize("folder", FOLDERS)
def test_an_error_body_tells_nothing_whatever_was_asked(httpserver: HTTPServer, make: Make, folder: str) -> None:
    seen = 0
    for title, error in recorded(f"{folder}/error_bodies.json").items():
        if not isinstance(error, dict) or not str(error.get("http_status", "")).isdigit():
            continue
        body = error.get("body", error.get("body_text"))
        text = body if isinstance(body, str) else None
        httpserver.clear()
        expected = httpserver.expect_request(re.compile(".*"))
        if text is None:
            expected.respond_with_json(body, status=int(error["http_status"]))
        else:
            expected.respond_with_data(text, status=int(error["http_status"]))
        assert told(make(FOLDERS[folder]), FOLDERS[folder]) == {}, title
        seen += 1
    assert seen >= 3

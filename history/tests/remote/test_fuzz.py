"""Garbage of any shape breaks no provider."""

import json
import re
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from pytest_httpserver import HTTPServer

from history.providers import resilience
from history.providers.base import ProviderError
from history.tests.remote.bodies import KINDS, Make

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

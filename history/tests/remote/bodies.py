"""What providers are known to answer, and how the local server is told to."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.conf import settings
from pytest_httpserver import HTTPServer

from history.providers import alphavantage, fmp, yahoo
from history.providers.remote import Remote

D = Decimal
RECORDED = settings.REFERENCE_DATA / "market" / "providers"
KINDS: dict[str, type[Remote]] = {
    "fmp": fmp.FinancialModelingPrep,
    "yahoo": yahoo.Yahoo,
    "alphavantage": alphavantage.AlphaVantage,
}
Make = Callable[..., Any]


def recorded(name: str) -> Any:
    path = RECORDED / name
    if not path.exists():
        pytest.skip("reference data is not there: set LONGVIEW_REFERENCE_DATA")
    return json.loads(path.read_text())


def serve(server: HTTPServer, path: str, body: Any, **response: Any) -> None:
    server.expect_request(path).respond_with_json(body, **response)

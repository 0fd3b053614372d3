"""Every error providers are known for, silence, bombs and partial answers."""

import json
from datetime import date
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from history.providers import resilience
from history.providers.base import Interrupted, ProviderError, Unsupported
from history.providers.remote import Remote
from history.tests.remote.bodies import KINDS, Make, recorded, serve

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

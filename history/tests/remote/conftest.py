"""A provider that asks a local server over HTTP, its breaker closed and its calls uncounted."""

from collections.abc import Iterator
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from history.providers import remote, resilience
from history.providers.remote import Access, Remote
from history.providers.resilience import Patience
from history.tests.remote.bodies import KINDS, Make


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

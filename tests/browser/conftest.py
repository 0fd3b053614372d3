"""The product as it is run: gunicorn, worker, beat and the local Plaid server as processes, seen through Chromium."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from portfolio_site.demo.__main__ import DEMO, prepare_people
from portfolio_site.demo.client import Client
from portfolio_site.demo.scratch import scratch_database
from portfolio_site.demo.stack import Addresses, Stack, free_port
from tests.browsing import DESKTOP, PHONE, Site, chromium

__all__ = ["chromium"]

LOOKS: dict[str, dict[str, Any]] = {
    "desktop-light": {"viewport": DESKTOP, "color_scheme": "light"},
    "phone-dark": {"viewport": PHONE, "color_scheme": "dark", "has_touch": True},
}


@pytest.fixture(scope="session")
def stack(template_database: str) -> Iterator[Stack]:
    """Every process of the demo with its people, on free ports, a database and a Redis of its own; gone afterwards."""
    var = Path(os.environ["LONGVIEW_VAR"]) / f"browser-{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
    with scratch_database(os.environ["DATABASE_URL"], template=template_database) as database_url:
        stack = Stack(var=var, addresses=Addresses(free_port(), free_port()), database_url=database_url)
        stack.erase()
        try:
            stack.start()
            prepare_people(stack)
            yield stack
        finally:
            stack.stop()
            stack.erase()


@pytest.fixture(scope="module")
def product(stack: Stack, chromium: Browser) -> Iterator[Site]:
    """The running product, and a browser to look at it with."""
    expect.set_options(timeout=15_000)
    yield Site(stack.addresses.web, chromium)
    for context in chromium.contexts:
        context.close()


@pytest.fixture
def watched(product: Site) -> Iterator[Site]:
    """The same, for a test that fails when the console has anything to complain of, the content policy included."""
    product.complaints.clear()
    yield product
    assert product.complaints == []


@pytest.fixture(scope="module", params=["desktop-light", pytest.param("phone-dark", marks=pytest.mark.slow)])
def look(request: pytest.FixtureRequest) -> dict[str, Any]:
    return LOOKS[request.param]


@pytest.fixture(scope="module")
def visitor(product: Site, look: dict[str, Any]) -> Page:
    """The demo's user, signed in, at the overview."""
    email, password = DEMO
    page = product.signed_in(email, password=password, **look).new_page()
    page.goto("/")
    return page


@pytest.fixture(scope="module")
def api(stack: Stack) -> Client:
    """The same user as a program: what the pages must agree with."""
    client = Client(web=stack.addresses.web, plaid=stack.addresses.plaid)
    client.sign_in(*DEMO)
    return client

"""The demo portfolio, from the first page, by somebody who has no account, in a real browser."""

import re
import time
from typing import Any

import pytest
from django.conf import settings

from tests.browsing import (
    SLOW_LOOKS,
    Site,
    chromium,
    overflow,
    plaid_process,
    plaid_server,
    running_site,
    settle,
    site,
    violations,
)
from tests.trader import make_trader

__all__ = ["chromium", "plaid_process", "plaid_server", "running_site", "site"]

pytestmark = pytest.mark.browser

SECONDS = 10.0
PAGES = ["/demo/", "/demo/holdings/", "/demo/transactions/", "/demo/performance/", "/demo/income/", "/demo/tax/"]


@pytest.fixture(scope="module", autouse=True)
def _on_show(running_site: Site, plaid_process: Any) -> None:
    person = make_trader(plaid_process)
    person.email = settings.SHOWCASE_EMAIL
    person.save(update_fields=["email"])


def test_the_demo_is_seen_within_ten_seconds_of_the_first_page(site: Site) -> None:
    page = site.visitor().new_page()
    started = time.monotonic()
    page.goto("/")
    page.click("text=Look at a demo")
    settle(page)
    assert time.monotonic() - started < SECONDS
    assert re.fullmatch(r"\$[\d,]+\.\d\d", page.inner_text(".hero__value"))
    page.click("#history >> text=1M")
    page.wait_for_url("**/demo/?period=1M")
    page.click(".shell-nav >> text=Holdings")
    page.click("a[data-security] >> nth=0")
    page.wait_for_selector("#drawer-position")
    page.keyboard.press("Escape")
    page.click("text=Leave the demo")
    page.wait_for_selector("text=Create an account")
    assert "sessionid" not in {cookie.get("name") for cookie in page.context.cookies()}
    assert page.evaluate("localStorage.getItem('overview')") is None
    assert site.complaints == []


def test_what_would_change_something_leads_to_an_account(site: Site) -> None:
    page = site.visitor().new_page()
    page.goto("/demo/transactions/")
    page.click("tr[data-row] a >> nth=0")
    page.wait_for_url("**/accounts/signup/")


@pytest.mark.parametrize("look", SLOW_LOOKS)
def test_its_pages_can_be_used_by_everybody(site: Site, look: dict[str, Any]) -> None:
    page = site.visitor(**look).new_page()
    found = []
    for url in PAGES:
        page.goto(url)
        settle(page)
        found += [f"{url}: {fault}" for fault in violations(page)]
        found += [f"{url}: {wider} px wider"] if (wider := overflow(page)) else []
    assert found == []
    assert site.complaints == []

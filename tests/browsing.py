"""A real browser against a real server: Debian's Chromium, a live server, and the local Plaid server behind it.

Fixtures: import `chromium`, `site`, `plaid_process`, `plaid_server` into a test module. Tests are skipped where there
is no Chromium.
"""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from celery import current_app
from django.core.cache import cache
from django.db import connection
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from pytest_django.live_server_helper import LiveServer

from plaid_link.sandbox.testing import PlaidServer, plaid_process, plaid_server

__all__ = ["chromium", "plaid_process", "plaid_server", "site"]

PASSWORD = "correct horse battery"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
DESKTOP, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@dataclass
class Site:
    """The running site and a browser to look at it with. `complaints` is what the console said, policy included."""

    url: str
    browser: Browser
    complaints: list[str] = field(default_factory=list)

    def visitor(self, **options: Any) -> BrowserContext:
        context = self.browser.new_context(base_url=self.url, **{"viewport": DESKTOP, **options})
        context.set_default_timeout(15_000)
        context.on("console", lambda message: self._hear(message.type, message.text))
        context.on("weberror", lambda error: self._hear("error", str(error.error)))
        return context

    def signed_in(self, email: str, *, password: str = PASSWORD, **options: Any) -> BrowserContext:
        context = self.visitor(**options)
        page = context.new_page()
        page.goto("/accounts/login/")
        page.fill("[name=login]", email)
        page.fill("[name=password]", password)
        page.click("main button.button--primary")
        page.wait_for_url(f"{self.url}/")
        page.close()
        return context

    def _hear(self, kind: str, text: str) -> None:
        if kind == "error":
            self.complaints.append(text)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        pytest.skip("no Chromium on this machine (apt-get install chromium)")
    with sync_playwright() as playwright:
        # Playwright's event loop runs in this thread, and Django takes that for asynchronous code.
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
        yield playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def site(chromium: Browser, plaid_server: PlaidServer, transactional_db: Any, settings: Any) -> Iterator[Site]:
    """The site with the local Plaid server behind it; tasks run where they are sent, after the commit."""
    settings.PLAID_HOST = plaid_server.url
    settings.PLAID_LINK_SCRIPT_URL = f"{plaid_server.url}/link/v2/stable/link-initialize.js"
    current_app.conf.task_always_eager = True
    server = LiveServer("127.0.0.1")
    cache.clear()
    yield Site(server.url, chromium)
    for context in chromium.contexts:
        context.close()
    server.stop()
    current_app.conf.task_always_eager = False
    # Django knows nothing of partitioned tables and leaves them full.
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE history_price, history_accountday")


def settle(page: Page) -> None:
    """Waits until the page has nothing more to load or to draw."""
    page.wait_for_load_state("networkidle")
    if page.locator("#history-chart").count():
        page.wait_for_function("performance.getEntriesByName('chart-drawn').length > 0")


def violations(page: Page, within: str | None = None) -> list[str]:
    """What axe-core finds wrong on the page, or within what a selector names, as readable lines."""
    found = Axe().run(page, context=within, options={"runOnly": RULES}).response["violations"]
    return [f"{rule['id']}: {node['html'][:120]}" for rule in found for node in rule["nodes"]]


def overflow(page: Page) -> int:
    """Pixels by which the page is wider than the window."""
    return int(page.evaluate("document.documentElement.scrollWidth - innerWidth"))

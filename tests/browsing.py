"""A real browser against a real server: Debian's Chromium, a live server, and the local Plaid server behind it.

Fixtures: import `chromium`, `running_site`, `site`, `person`, `plaid_process`, `plaid_server` into a test module. What
its tests write stays until the last of them, so each takes a `person` of its own. Skipped where there is no Chromium.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pytest
from axe_playwright_python.sync_playwright import Axe
from celery import current_app
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection
from django.test import override_settings
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from pytest_django.live_server_helper import LiveServer

from plaid_link.sandbox.testing import PlaidServer, plaid_process, plaid_server
from tests.database import empty_unmanaged

__all__ = ["chromium", "person", "plaid_process", "plaid_server", "running_site", "site"]

PASSWORD = "correct horse battery"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
DESKTOP, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
LIGHT, DARK = {"color_scheme": "light"}, {"color_scheme": "dark"}
# One look of each page with every run, the one in which most goes wrong; the others with `make faults`.
LOOKS = [
    pytest.param({**DARK, "viewport": PHONE}, id="dark-phone"),
    pytest.param({**LIGHT, "viewport": DESKTOP}, id="light-desktop", marks=pytest.mark.slow),
    pytest.param({**DARK, "viewport": DESKTOP}, id="dark-desktop", marks=pytest.mark.slow),
    pytest.param({**LIGHT, "viewport": PHONE}, id="light-phone", marks=pytest.mark.slow),
]
# Of pages made of parts that have been looked at by then.
SLOW_LOOKS = [pytest.param(*look.values, id=look.id, marks=pytest.mark.slow) for look in LOOKS]
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@dataclass
class Site:
    """The running site and a browser to look at it with. `complaints` is what the console said, policy included."""

    url: str
    browser: Browser
    complaints: list[str] = field(default_factory=list)
    sessions: dict[str, Any] = field(default_factory=dict)

    def visitor(self, **options: Any) -> BrowserContext:
        context = self.browser.new_context(base_url=self.url, **{"viewport": DESKTOP, **options})
        context.set_default_timeout(15_000)
        context.on("console", lambda message: self._hear(message.type, message.text))
        context.on("weberror", lambda error: self._hear("error", str(error.error)))
        return context

    def signed_in(self, email: str, *, password: str = PASSWORD, **options: Any) -> BrowserContext:
        """Each person signs in by the form once; later browsers get the cookies."""
        if email not in self.sessions:
            self.sessions[email] = self._sign_in(email, password)
        return self.visitor(storage_state=self.sessions[email], **options)

    def _sign_in(self, email: str, password: str) -> Any:
        context = self.visitor()
        page = context.new_page()
        page.goto("/accounts/login/")
        page.fill("[name=login]", email)
        page.fill("[name=password]", password)
        page.click("main button.button--primary")
        page.wait_for_selector(".user-menu")
        cookies = context.storage_state()
        context.close()
        return cookies

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


@pytest.fixture(scope="module")
def running_site(
    chromium: Browser, plaid_process: PlaidServer, django_db_setup: None, django_db_blocker: Any
) -> Iterator[Site]:
    """The site for all tests of a module, with the local Plaid server behind it; emptied after the last of them."""
    with django_db_blocker.unblock(), _served(chromium, plaid_process) as site:
        yield site
    with django_db_blocker.unblock():
        empty_unmanaged()
        call_command("flush", verbosity=0, interactive=False, reset_sequences=False, allow_cascade=False)
        # Beside Playwright's event loop Django has another connection than without, which nobody else would close.
        connection.close()


@contextmanager
def _served(browser: Browser, plaid: PlaidServer) -> Iterator[Site]:
    """Tasks run where they are sent, after the commit."""
    link_script = f"{plaid.url}/link/v2/stable/link-initialize.js"
    with override_settings(PLAID_HOST=plaid.url, PLAID_LINK_SCRIPT_URL=link_script):
        current_app.conf.task_always_eager = True
        server = LiveServer("127.0.0.1")
        cache.clear()
        yield Site(server.url, browser)
        server.stop()
        current_app.conf.task_always_eager = False


@pytest.fixture
def site(running_site: Site) -> Iterator[Site]:
    """The same for one test, with nothing complained of yet."""
    running_site.complaints.clear()
    yield running_site
    for context in running_site.browser.contexts:
        context.close()


@pytest.fixture
def person(running_site: Site) -> Any:
    """Somebody new, with nothing connected."""
    return make_person()


def make_person() -> Any:
    people: Any = get_user_model()
    return people.objects.create_user(email=f"{uuid4().hex}@example.com", password=PASSWORD)


def settle(page: Page) -> None:
    """Waits until the page has nothing more to load or to draw.

    By selectors: what waits for a function evaluates it in the page, which its content policy forbids.
    """
    page.wait_for_load_state("load")
    page.wait_for_selector("html:not(:has(.htmx-request))", state="attached")
    if page.locator("#history-chart").count():
        drawn(page)


def drawn(page: Page) -> None:
    """Waits until the chart of the page is drawn."""
    page.wait_for_selector(".chart__canvas:not(.skeleton)", state="attached")


def violations(page: Page, within: str | None = None) -> list[str]:
    """What axe-core finds wrong on the page, or within what a selector names, as readable lines."""
    found = Axe().run(page, context=within, options={"runOnly": RULES}).response["violations"]
    return [f"{rule['id']}: {node['html'][:120]}" for rule in found for node in rule["nodes"]]


def overflow(page: Page) -> int:
    """Pixels by which the page is wider than the window."""
    return int(page.evaluate("document.documentElement.scrollWidth - innerWidth"))

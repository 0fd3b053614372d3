"""Every page in a real browser, wide and narrow, light and dark: readable by all, within the window, within policy."""

from typing import Any

import pytest

from history.rebuild import rebuild_accounts
from investments.models import Account
from plaid_link import link
from plaid_link.models import Item
from plaid_link.sync import sync_item, whole_window
from tests.browsing import (
    DESKTOP,
    PHONE,
    Site,
    chromium,
    overflow,
    plaid_process,
    plaid_server,
    settle,
    site,
    violations,
)

__all__ = ["chromium", "plaid_process", "plaid_server", "site"]

pytestmark = pytest.mark.browser

PAGES = [
    "/",
    "/?period=3M&by=sector",
    "/holdings/",
    "/transactions/",
    "/transactions/?type=buy&q=zzz",
    "/transactions/?date_from=yesterday",
    "/connections/",
    "/settings/",
    "/onboarding/",
    "/onboarding/connect/",
    "/onboarding/progress/",
    "/onboarding/done/",
    "/accounts/logout/",
    "/accounts/password/change/",
]
EMPTY = ["/", "/holdings/", "/transactions/", "/connections/", "/onboarding/progress/"]
PUBLIC = ["/", "/accounts/login/", "/accounts/signup/", "/accounts/password/reset/"]
LOOKS = [(scheme, window) for scheme in ("light", "dark") for window in (DESKTOP, PHONE)]


@pytest.fixture
def linked(site: Site, owner: Any, plaid_server: Any) -> Site:
    """An owner with a trader's accounts and their history, and a second login that asks for repair."""
    for username, institution in (("user_trader", "ins_12"), ("user_good", "ins_11")):
        token = plaid_server.public_token(username, institution_id=institution)
        item = link.exchange_public_token(user_id=owner.pk, public_token=token).item
        start, end = whole_window()
        sync_item(item=item, trigger="user", start=start, end=end)
    rebuild_accounts(account_ids=list(Account.objects.values_list("pk", flat=True)))
    Item.objects.filter(pk=item.pk).update(status=Item.Status.NEEDS_REPAIR, error_message="Sign in again to go on.")
    return site


def faults(context: Any, urls: list[str]) -> list[str]:
    page = context.new_page()
    found = []
    for url in urls:
        page.goto(url)
        settle(page)
        found += [f"{url}: {fault}" for fault in violations(page)]
        if wider := overflow(page):
            found.append(f"{url}: {wider} px wider than the window")
    return found


@pytest.mark.parametrize(("scheme", "window"), LOOKS)
def test_every_page_can_be_used_by_everybody(linked: Site, owner: Any, scheme: str, window: Any) -> None:
    context = linked.signed_in(owner.email, viewport=window, color_scheme=scheme)
    assert faults(context, PAGES) == []
    assert linked.complaints == []


@pytest.mark.parametrize(("scheme", "window"), LOOKS)
def test_so_can_empty_and_public_pages(site: Site, owner: Any, scheme: str, window: Any) -> None:
    look = {"viewport": window, "color_scheme": scheme}
    assert faults(site.visitor(**look), PUBLIC) == []
    assert faults(site.signed_in(owner.email, **look), EMPTY) == []
    assert site.complaints == []


def test_menus_dialogs_and_the_table_are_usable_too(linked: Site, owner: Any) -> None:
    page = linked.signed_in(owner.email).new_page()
    page.goto("/")
    settle(page)
    for menu in (".scope", ".user-menu"):
        page.click(f"{menu} > summary")
        assert violations(page, within=menu) == []
        page.keyboard.press("Escape")
        assert not page.locator(f"{menu} .menu__panel").is_visible()
    page.click("[data-table-toggle]")
    assert violations(page) == []
    page.goto("/transactions/?type=buy")
    page.click(".menu--filters > summary")
    assert violations(page, within=".menu--filters") == []
    page.goto("/connections/")
    settle(page)
    page.click("[data-disconnect] >> nth=0")
    assert violations(page, within="dialog") == []


def test_a_range_button_changes_the_panel_and_the_address_and_no_other(linked: Site, owner: Any) -> None:
    page = linked.signed_in(owner.email).new_page()
    page.goto("/?by=sector")
    settle(page)
    page.evaluate("document.querySelector('#allocation').dataset.same = 'yes'")
    page.click("#history >> text=3M")
    page.wait_for_url("**/?by=sector&period=3M")
    assert page.locator("#history [aria-current=true]").inner_text().startswith("3M")
    assert page.get_attribute("#allocation", "data-same") == "yes"
    page.click("#allocation .segmented >> text=Account")
    page.wait_for_url("**/?by=account&period=3M")


def test_the_chart_is_read_with_the_keyboard(linked: Site, owner: Any) -> None:
    page = linked.signed_in(owner.email).new_page()
    page.goto("/?period=1M")
    settle(page)
    page.focus("#history-chart")
    last = page.get_attribute("#history-chart", "aria-valuetext")
    assert page.inner_text(".hero__value") in (last or "")
    page.keyboard.press("ArrowLeft")
    assert page.get_attribute("#history-chart", "aria-valuenow") == "29"
    assert page.inner_text(".chart__tip-value") in (page.get_attribute("#history-chart", "aria-valuetext") or "")
    page.keyboard.press("Home")
    assert page.get_attribute("#history-chart", "aria-valuenow") == "0"
    page.keyboard.press("End")
    assert page.get_attribute("#history-chart", "aria-valuetext") == last


def test_a_failed_update_keeps_the_last_figures_and_says_so(linked: Site, owner: Any) -> None:
    page = linked.signed_in(owner.email).new_page()
    page.goto("/")
    settle(page)
    before = page.inner_text(".hero__changes")
    page.route("**/*period=3M*", lambda route: route.fulfill(status=503, headers={"X-Request-ID": "abc123"}))
    page.click("#history >> text=3M")
    page.wait_for_selector("#history .failure")
    assert "Request abc123" in page.inner_text("#history .failure")
    assert page.inner_text(".hero__changes") == before
    page.unroute("**/*period=3M*")
    page.click("#history .failure button")
    page.wait_for_url("**/?period=3M")
    assert page.locator("#history .failure").count() == 0


def test_theme_and_privacy_are_remembered(linked: Site, owner: Any) -> None:
    page = linked.signed_in(owner.email, color_scheme="light").new_page()
    page.goto("/")
    page.click(".user-menu > summary")
    page.click(".user-menu button[value=dark]")
    page.click("[data-appearance] button[name=privacy]")
    page.goto("/holdings/")
    assert page.evaluate("getComputedStyle(document.body).colorScheme") == "dark"
    assert "blur" in page.evaluate("getComputedStyle(document.querySelector('td .private')).filter")


def test_everything_can_be_read_without_javascript(linked: Site, owner: Any) -> None:
    page = linked.signed_in(owner.email, java_script_enabled=False).new_page()
    page.goto("/?period=1M")
    assert page.locator("#history-table tbody tr").count() == 31
    assert page.locator("#history-table").is_visible()
    assert not page.locator("#history-chart").is_visible()
    page.click("#history >> text=1W")
    assert page.locator("#history-table tbody tr").count() == 8
    page.click(".scope > summary")
    page.click(".scope >> text=Individual TOD")
    assert page.inner_text("#history-title") == "Value of Individual TOD"
    page.goto("/holdings/")
    assert page.locator(".holdings__row").count() > 20


def test_nothing_moves_while_the_page_loads(linked: Site, owner: Any) -> None:
    page = linked.signed_in(owner.email).new_page()
    page.goto("/")
    settle(page)
    shift = page.evaluate(
        """() => new Promise(done => {
            let sum = 0;
            const add = list => list.getEntries().forEach(entry => { sum += entry.value });
            const observer = new PerformanceObserver(add);
            observer.observe({ type: "layout-shift", buffered: true });
            requestAnimationFrame(() => requestAnimationFrame(() => done(sum)));
        })"""
    )
    assert shift < 0.01

"""Every page in a real browser, wide and narrow, light and dark: readable by all, within the window, within policy."""

from typing import Any

import pytest

from tests.browsing import (
    LOOKS,
    Site,
    chromium,
    drawn,
    overflow,
    person,
    plaid_process,
    plaid_server,
    running_site,
    settle,
    site,
    violations,
)
from tests.trader import make_trader

__all__ = ["chromium", "person", "plaid_process", "plaid_server", "running_site", "site"]

pytestmark = pytest.mark.browser

PAGES = [
    "/",
    "/?period=3M&by=sector&benchmark=SPY",
    "/holdings/",
    "/transactions/",
    "/transactions/?type=buy&q=zzz",
    "/transactions/?date_from=yesterday",
    "/transactions/add/",
    "/performance/",
    "/performance/?period=2Y&measure=mwrr&by=trade",
    "/performance/?period=1M&by=sector&benchmark=QQQ",
    "/income/",
    "/tax/",
    "/connections/",
    "/settings/",
    "/settings/leave/",
    "/connections/by-hand/",
    "/terms/",
    "/onboarding/",
    "/onboarding/connect/",
    "/onboarding/progress/",
    "/onboarding/done/",
    "/accounts/logout/",
    "/accounts/password/change/",
]
EMPTY = [
    "/",
    "/holdings/",
    "/transactions/",
    "/transactions/add/",
    "/performance/",
    "/income/",
    "/tax/",
    "/connections/",
    "/onboarding/progress/",
]
# Where the header, a table or the layout changes its form, and the windows of common tablets and laptops.
WIDTHS = (320, 360, 768, 900, 1000, 1100, 1190, 1280, 1350)
PUBLIC = ["/", "/terms/", "/accounts/login/", "/accounts/signup/", "/accounts/password/reset/"]


@pytest.fixture(scope="module")
def owner(running_site: Site, plaid_process: Any) -> Any:
    """Somebody with a trader's accounts and their history, of which one is in doubt; a second login wants repair."""
    return make_trader(plaid_process)


@pytest.fixture(autouse=True)
def _no_filters_of_before(owner: Any) -> None:
    owner.page_filters = {}
    owner.save(update_fields=["page_filters"])


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


@pytest.mark.parametrize("look", LOOKS)
def test_every_page_can_be_used_by_everybody(site: Site, owner: Any, look: dict[str, Any]) -> None:
    assert faults(site.signed_in(owner.email, **look), PAGES) == []
    assert site.complaints == []


def test_the_effects_of_sectors_stand_beside_the_benchmark(site: Site, owner: Any) -> None:
    page = site.signed_in(owner.email).new_page()
    page.goto("/performance/?period=1M&by=sector&benchmark=QQQ")
    settle(page)
    rows = page.get_by_role("region", name="Effects of sectors, scroll sideways").get_by_role("row")
    assert any("Technology" in text for text in rows.all_inner_texts())


def test_no_page_is_wider_than_a_window_of_any_width(site: Site, owner: Any) -> None:
    page = site.signed_in(owner.email).new_page()
    found = []
    for url in (
        "/",
        "/holdings/",
        "/transactions/",
        "/performance/",
        "/income/",
        "/tax/",
        "/connections/",
        "/settings/",
    ):
        page.goto(url)
        settle(page)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            if wider := overflow(page):
                found.append(f"{url} in {width} px: {wider} px wider")
    assert found == []


@pytest.mark.parametrize("look", LOOKS)
def test_so_can_empty_and_public_pages(site: Site, person: Any, look: dict[str, Any]) -> None:
    assert faults(site.visitor(**look), PUBLIC) == []
    assert faults(site.signed_in(person.email, **look), EMPTY) == []
    assert site.complaints == []


def test_menus_dialogs_and_the_table_are_usable_too(site: Site, owner: Any) -> None:
    page = site.signed_in(owner.email).new_page()
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


def test_everything_can_be_read_without_javascript(site: Site, owner: Any) -> None:
    page = site.signed_in(owner.email, java_script_enabled=False).new_page()
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


@pytest.mark.parametrize("look", LOOKS)
def test_a_security_is_opened_read_and_closed_with_keys_alone(site: Site, owner: Any, look: dict[str, Any]) -> None:
    page = site.signed_in(owner.email, **look).new_page()
    page.goto("/holdings/?sort=name")
    settle(page)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    label = page.evaluate("document.activeElement.textContent")
    page.keyboard.press("Enter")
    page.wait_for_url("**/holdings/?sort=name&security=*")
    page.wait_for_selector("#drawer-position")
    assert page.inner_text("#drawer-title") == label
    assert page.title().startswith(f"{label} ")
    drawn(page)
    assert violations(page, within="#drawer") == []
    assert overflow(page) == 0
    last = page.get_attribute("#price-chart", "aria-valuetext")
    page.focus("#price-chart")
    page.keyboard.press("Home")
    assert page.get_attribute("#price-chart", "aria-valuetext") != last
    page.focus("[data-prices-toggle]")
    page.keyboard.press("Enter")
    assert page.locator("#price-table tbody tr").count() >= 12
    assert violations(page, within="#drawer") == []
    page.keyboard.press("Escape")
    page.wait_for_url("**/holdings/?sort=name")
    assert page.evaluate("document.activeElement.textContent") == label
    assert site.complaints == []


def test_a_security_has_an_address_and_the_back_button_leaves_it(site: Site, owner: Any) -> None:
    page = site.signed_in(owner.email).new_page()
    page.goto("/holdings/?sort=name")
    page.click("tr[data-row] >> nth=1 >> td >> nth=0")
    page.wait_for_selector("#drawer-position")
    address = page.url
    page.go_back()
    page.wait_for_selector("#drawer", state="hidden")
    page.goto(address)
    assert page.locator("#drawer-position").is_visible()
    assert page.url == address
    page.click("#drawer [data-close]")
    page.wait_for_url("**/holdings/?sort=name")
    page.route("**/*security=*", lambda route: route.fulfill(status=503, headers={"X-Request-ID": "abc123"}))
    page.click("tr[data-row] >> nth=1 >> td >> nth=0")
    page.wait_for_selector("#drawer .failure")
    assert "Request abc123" in page.inner_text("#drawer .failure")
    page.unroute("**/*security=*")
    page.click("#drawer .failure button")
    page.wait_for_selector("#drawer-position")
    page = site.signed_in(owner.email, java_script_enabled=False).new_page()
    page.goto(address)
    assert page.locator("#drawer-position").is_visible()
    assert page.locator("#price-table tbody tr").count() >= 12
    page.click("#drawer [data-close]")
    assert page.locator("#drawer-position").count() == 0


def test_holdings_are_paged_through_in_the_order_of_the_table(site: Site, owner: Any) -> None:
    page = site.signed_in(owner.email).new_page()
    page.goto("/holdings/?sort=name")
    settle(page)
    labels = list(dict.fromkeys(page.locator("a[data-security]").all_inner_texts()))

    def opened() -> str:
        page.wait_for_selector("#drawer-position")
        return page.inner_text("#drawer-title")

    page.click("a[data-security] >> nth=0")
    assert opened() == labels[0]
    assert page.locator("#drawer [data-step='-1']").is_disabled()
    page.click("#drawer [data-step='1']")
    page.wait_for_function("label => document.querySelector('#drawer-title').textContent === label", arg=labels[1])
    assert opened() == labels[1]
    assert page.evaluate("document.activeElement.dataset.step") == "1"
    page.keyboard.press("j")
    page.wait_for_function("label => document.querySelector('#drawer-title').textContent === label", arg=labels[2])
    page.keyboard.press("k")
    page.wait_for_function("label => document.querySelector('#drawer-title').textContent === label", arg=labels[1])
    assert opened() == labels[1]
    page.keyboard.press("Escape")
    page.wait_for_url("**/holdings/?sort=name")
    assert page.evaluate("document.activeElement.textContent") == labels[1]


def test_without_a_network_the_last_overview_is_shown_until_somebody_signs_out(site: Site, owner: Any) -> None:
    context = site.signed_in(owner.email)
    page = context.new_page()
    page.goto("/")
    settle(page)
    value = page.inner_text(".hero__value")
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    context.set_offline(True)
    page.goto("/holdings/")
    assert "as it was on" in page.inner_text("#offline-words")
    assert page.inner_text("#offline-kept .hero__value") == value
    assert page.locator("#offline-kept .account-row").count() >= 2
    assert violations(page) == []
    context.set_offline(False)  # the offline page goes home by itself
    page.wait_for_url(f"{site.url}/")
    settle(page)
    page.goto("/accounts/logout/")
    page.click("main button.button--primary")
    page.wait_for_selector("h1")
    context.set_offline(True)
    page.goto("/")
    assert "not kept in this browser" in page.inner_text("#offline-words")
    assert value not in page.inner_text("body")


@pytest.mark.parametrize("look", LOOKS)
def test_the_operators_board_can_be_used_by_everybody(site: Site, person: Any, look: dict[str, Any]) -> None:
    person.is_staff = person.is_superuser = True
    person.save(update_fields=["is_staff", "is_superuser"])
    page = site.signed_in(person.email, **look).new_page()
    page.goto("/admin/")
    assert page.locator(".board__card").count() == 7
    assert violations(page, within=".board") == []
    assert overflow(page) == 0
    page.click(".board__runbooks a >> nth=0")
    assert page.locator(".runbook").is_visible()
    assert overflow(page) == 0
    assert site.complaints == []

"""From the first page to two years of history, in a real browser, through the local Plaid server's Link."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from investments.models import Account
from plaid_link.models import Item
from tests.browsing import PHONE, Site, chromium, plaid_process, plaid_server, settle, site

__all__ = ["chromium", "plaid_process", "plaid_server", "site"]

pytestmark = pytest.mark.browser


def sign_up(page: Page) -> None:
    page.goto("/")
    page.click("text=Create an account")
    page.fill("[name=email]", "new@example.com")
    page.fill("[name=password1]", "a long enough phrase")
    page.click("main button.button--primary")
    page.check("[name=terms]")
    page.click("text=Continue")


def link(page: Page, button: str, user: str = "Everyday saver") -> None:
    """Goes through the Link window that the button opens."""
    settle(page)
    page.click(button)
    window = page.frame_locator("iframe")
    window.locator("label", has_text=user).click()
    window.get_by_role("button", name="Continue").click()


@pytest.mark.parametrize("window", [None, PHONE])
def test_from_the_first_page_to_two_years_of_history(site: Site, window: Any) -> None:
    page = site.visitor(**({"viewport": window} if window else {})).new_page()
    sign_up(page)
    link(page, "text=Connect with Plaid")
    expect(page.locator("h1")).to_have_text("2 accounts connected", timeout=60_000)
    assert "731 days of history are ready" in page.inner_text("main")
    page.click("text=See the overview")
    settle(page)
    total = page.inner_text(".hero__value")
    assert re.fullmatch(r"\$[\d,]+\.\d\d", total)
    assert total in (page.get_attribute("#history-chart", "aria-valuetext") or "")
    page.click(".shell-nav__link:visible >> text=Holdings")
    assert total in page.inner_text(".table__total")
    assert site.complaints == []


def test_skipping_leads_to_an_empty_overview(site: Site) -> None:
    page = site.visitor().new_page()
    sign_up(page)
    page.click("text=Skip for now")
    expect(page.locator(".empty__title")).to_have_text("Every account in one view")


def test_leaving_link_changes_nothing(site: Site, owner: Any) -> None:
    page = site.signed_in(owner.email).new_page()
    page.goto("/connections/")
    settle(page)
    page.click("text=Connect a brokerage")
    page.frame_locator("iframe").get_by_role("button", name="Cancel").click()
    expect(page.locator("iframe")).to_have_count(0)
    expect(page.locator("[data-link=new]")).to_be_enabled()
    assert not Item.objects.exists()


def test_when_plaid_fails_the_page_says_what_to_do(site: Site, owner: Any, plaid_server: Any) -> None:
    plaid_server.fail("/link/token/create", code="INTERNAL_SERVER_ERROR")
    page = site.signed_in(owner.email).new_page()
    page.goto("/connections/")
    settle(page)
    page.click("text=Connect a brokerage")
    expect(page.locator("#link-state")).to_contain_text("tried again by itself")


def test_a_broken_login_is_repaired_from_its_card(site: Site, owner: Any) -> None:
    page = site.signed_in(owner.email).new_page()
    page.goto("/onboarding/connect/")
    link(page, "text=Connect with Plaid", user="Broken login")
    page.wait_for_url("**/onboarding/progress/**")
    page.goto("/")
    page.click("text=Repair")
    settle(page)
    page.click("text=Reconnect")
    page.frame_locator("iframe").get_by_role("button", name="Sign in").click()
    expect(page.locator(".connection__state")).to_have_text("Up to date", timeout=30_000)
    expect(page.locator(".banner--warn")).to_have_count(0)


@pytest.mark.parametrize(("choice", "accounts"), [("keep", 2), ("erase", 0)])
def test_disconnecting_asks_what_becomes_of_the_data(site: Site, owner: Any, choice: str, accounts: int) -> None:
    page = site.signed_in(owner.email).new_page()
    page.goto("/connections/")
    link(page, "text=Connect a brokerage")
    expect(page.locator("h1")).to_have_text("2 accounts connected", timeout=60_000)
    page.goto("/connections/")
    settle(page)
    page.click("[data-disconnect]")
    page.check(f"dialog [value={choice}]")
    page.click("dialog button.button--danger")
    expect(page.locator(".banner--success")).to_contain_text("is disconnected.")
    assert Account.objects.count() == accounts

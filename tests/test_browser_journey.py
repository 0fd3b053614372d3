"""What may happen on the way into and out of a connection, in a real browser, through the local Plaid server's Link."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from investments.models import Account
from plaid_link.models import Item
from tests.browsing import Site, chromium, person, plaid_process, plaid_server, running_site, settle, site

__all__ = ["chromium", "person", "plaid_process", "plaid_server", "running_site", "site"]

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


def test_skipping_leads_to_an_empty_overview(site: Site) -> None:
    page = site.visitor().new_page()
    sign_up(page)
    page.click("text=Skip for now")
    expect(page.locator(".first-use__title")).to_have_text("Every account in one view")


def test_leaving_link_changes_nothing(site: Site, person: Any) -> None:
    page = site.signed_in(person.email).new_page()
    page.goto("/connections/")
    settle(page)
    page.click("text=Connect a brokerage")
    page.frame_locator("iframe").get_by_role("button", name="Cancel").click()
    expect(page.locator("iframe")).to_have_count(0)
    expect(page.locator("[data-link=new]")).to_be_enabled()
    assert not Item.objects.filter(owner=person).exists()


def test_when_plaid_fails_the_page_says_what_to_do(site: Site, person: Any, plaid_server: Any) -> None:
    plaid_server.fail("/link/token/create", code="INTERNAL_SERVER_ERROR")
    page = site.signed_in(person.email).new_page()
    page.goto("/connections/")
    settle(page)
    page.click("text=Connect a brokerage")
    expect(page.locator("#link-state")).to_contain_text("tried again by itself")


def test_a_broken_login_is_repaired_from_its_card(site: Site, person: Any) -> None:
    page = site.signed_in(person.email).new_page()
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
def test_disconnecting_asks_what_becomes_of_the_data(site: Site, person: Any, choice: str, accounts: int) -> None:
    page = site.signed_in(person.email).new_page()
    page.goto("/connections/")
    link(page, "text=Connect a brokerage")
    expect(page.locator("h1")).to_have_text("2 accounts connected", timeout=60_000)
    page.goto("/connections/")
    settle(page)
    page.click("[data-disconnect]")
    page.check(f"dialog [value={choice}]")
    page.click("dialog button.button--danger")
    expect(page.locator(".banner--success")).to_contain_text("is disconnected.")
    assert Account.objects.filter(owner=person).count() == accounts

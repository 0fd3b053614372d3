"""The ledger and the income by keyboard, in a real browser."""

from typing import Any

import pytest

from investments import ledger
from investments.models import Transaction
from tests.browsing import DESKTOP, PHONE, Site, chromium, person, plaid_process, running_site, settle, site, violations
from tests.fixtures import Portfolio, make_portfolio

__all__ = ["chromium", "person", "plaid_process", "running_site", "site"]

pytestmark = pytest.mark.browser

LIST = "/transactions/"
FORM = "#transaction-dialog form"


@pytest.fixture
def drawn(site: Site, person: Any) -> Portfolio:
    return make_portfolio(person)


def last(owner: Any, external_id: str) -> Transaction:
    return Transaction.objects.filter(owner=owner, external_id=external_id).latest("version")


def test_correct_remove_undo_and_redo_with_keys_alone(site: Site, drawn: Portfolio) -> None:
    page = site.signed_in(drawn.owner.email, viewport=DESKTOP).new_page()
    page.goto(f"{LIST}?type=buy")
    settle(page)
    for key in ("ArrowDown", "ArrowDown", "Enter"):
        page.keyboard.press(key)
    page.wait_for_selector(FORM)
    assert violations(page, within="#transaction-dialog") == []
    assert page.input_value("[name=security]") == "AAPL"
    page.fill("[name=cash]", "-1805.95")
    page.keyboard.press("Enter")
    page.wait_for_selector(".banner--success >> text=Saved")
    assert page.url.endswith(f"{LIST}?type=buy")
    assert last(drawn.owner, "t2").version == 2
    for key in ("End", "ArrowDown", "End", "Delete"):
        page.keyboard.press(key)
    page.wait_for_selector("text=undo brings it back")
    assert last(drawn.owner, "t2").is_void
    for keys, amount, is_void in (
        ("Control+z", "1805.95", False),
        ("Control+z", "1804.95", False),
        ("Control+Shift+Z", "1805.95", False),
        ("Control+Shift+Z", "1805.95", True),
    ):
        version = last(drawn.owner, "t2").version
        page.keyboard.press(keys)
        page.wait_for_selector(f"text={'Undone' if keys == 'Control+z' else 'Done again'}")
        page.wait_for_load_state("networkidle")
        row = last(drawn.owner, "t2")
        assert (row.version, f"{row.amount:.2f}", row.is_void) == (version + 1, amount, is_void)
    assert site.complaints == []


def test_a_dialog_keeps_what_was_written_when_refused_and_asks_at_a_conflict(site: Site, drawn: Portfolio) -> None:
    page = site.signed_in(drawn.owner.email, viewport=PHONE).new_page()
    page.goto(LIST)
    page.click("tr[data-row] >> text=Buy Apple")
    page.wait_for_selector(FORM)
    page.fill("[name=quantity]", "some")
    page.click(f"{FORM} .button--primary")
    page.wait_for_selector("text=Write a number.")
    assert violations(page, within="#transaction-dialog") == []
    page.fill("[name=quantity]", "11")
    ledger.void_transaction(row=last(drawn.owner, "t2"), version=1)
    page.click(f"{FORM} .button--primary")
    page.wait_for_selector("text=It was changed elsewhere meanwhile")
    assert violations(page, within="#transaction-dialog") == []
    assert last(drawn.owner, "t2").version == 2
    page.click("text=Save mine over it")
    page.wait_for_selector(".banner--success")
    row = last(drawn.owner, "t2")
    assert (row.version, row.quantity, row.is_void) == (3, 11, False)


def test_income_is_read_with_the_arrow_keys(site: Site, drawn: Portfolio) -> None:
    page = site.signed_in(drawn.owner.email, viewport=DESKTOP).new_page()
    page.goto("/income/")
    settle(page)
    page.focus("[data-bars]")
    said = []
    for key in ("Home", "ArrowLeft", "ArrowRight", "End"):
        page.keyboard.press(key)
        said.append(page.inner_text("[data-readout]").partition(":")[0])
    first, again, second, end = said
    assert first == again != second != end
    assert violations(page) == []
    assert site.complaints == []

"""The ledger's pages by keys alone: what Tab cannot reach, or leads nowhere, is not there for everybody."""

from decimal import Decimal
from typing import Any

import pytest
from playwright.sync_api import Page

from investments import ledger
from investments.models import Transaction
from plaid_link.models import ImportBatch
from tests.browsing import DESKTOP, Site, chromium, person, plaid_process, running_site, settle, site
from tests.fixtures import Portfolio, make_portfolio

__all__ = ["chromium", "person", "plaid_process", "running_site", "site"]

pytestmark = pytest.mark.browser

LIST = "/transactions/"
FORM = "#transaction-dialog form"
FOCUSED = "tr[data-row] a:focus"
D = Decimal


@pytest.fixture
def drawn(site: Site, person: Any) -> Portfolio:
    return make_portfolio(person)


@pytest.fixture
def page(site: Site, drawn: Portfolio) -> Page:
    page = site.signed_in(drawn.owner.email, viewport=DESKTOP).new_page()
    page.goto(LIST)
    settle(page)
    return page


def reach(page: Page, selector: str, *, most: int = 60) -> None:
    """Press Tab until the element has the focus."""
    for _ in range(most):
        if page.locator(selector).locator("visible=true").evaluate_all("all => all.includes(document.activeElement)"):
            return
        page.keyboard.press("Tab")
    focus = page.evaluate("document.activeElement.outerHTML.slice(0, 200)")
    raise AssertionError(f"{selector} is not reached by Tab; the focus is on {focus}")


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.textContent"))


def last(owner: Any, external_id: str) -> Transaction:
    return Transaction.objects.filter(owner=owner, external_id=external_id).latest("version")


def test_a_transaction_is_added(page: Page, drawn: Portfolio) -> None:
    press(page, "n")
    page.wait_for_selector(FORM)
    reach(page, "[name=kind]")
    page.keyboard.type("Long-term")
    reach(page, "[name=security]")
    page.keyboard.type("AAPL")
    reach(page, "[name=cash]")
    page.keyboard.type("12.34")
    press(page, "Enter")
    page.wait_for_selector(".banner--success >> text=Added")
    added = Transaction.objects.filter(owner=drawn.owner, source="manual").get()
    assert (added.type, added.subtype, added.amount, str(added.security)) == (
        "cash",
        "long-term capital gain",
        D("-12.34"),
        "AAPL",
    )


@pytest.mark.slow
def test_after_a_change_the_keys_go_on_from_its_row(page: Page, drawn: Portfolio) -> None:
    press(page, "ArrowDown", "ArrowDown", "ArrowDown", "Enter")
    page.wait_for_selector(FORM)
    name = page.input_value(f"{FORM} [name=description]")
    reach(page, f"{FORM} [name=description]")
    press(page, "End")
    page.keyboard.type(", corrected")
    press(page, "Enter")
    page.wait_for_selector(".banner--success >> text=Saved")
    page.wait_for_selector(f"tr:has(a:focus) >> text={name}, corrected")
    press(page, "Delete")
    page.wait_for_selector("text=undo brings it back")
    page.wait_for_selector(FOCUSED)
    press(page, "Enter")
    page.wait_for_selector(FORM)
    reach(page, f"{FORM} button:has-text('Remove')")
    press(page, "Enter")
    page.wait_for_selector("text=undo brings it back")
    page.wait_for_selector(FOCUSED)
    press(page, "Control+z")
    page.wait_for_selector("text=Undone")


@pytest.mark.slow
def test_a_dialog_is_left_by_escape_for_the_row_it_came_from(page: Page) -> None:
    press(page, "ArrowDown", "ArrowDown")
    before = focused(page)
    press(page, "Enter")
    page.wait_for_selector(FORM)
    press(page, "Escape")
    page.wait_for_selector("#transaction-dialog:not([open])", state="attached")
    assert focused(page) == before


@pytest.mark.parametrize("is_kept", [True, False])
def test_a_conflict_is_decided(page: Page, drawn: Portfolio, is_kept: bool) -> None:
    page.goto(f"{LIST}?type=buy")
    press(page, "End", "ArrowDown", "End", "Enter")
    page.wait_for_selector(FORM)
    reach(page, "[name=quantity]")
    press(page, "Control+a")
    page.keyboard.type("11")
    ledger.void_transaction(row=last(drawn.owner, "t2"), version=1)
    press(page, "Enter")
    page.wait_for_selector("text=It was changed elsewhere meanwhile")
    if is_kept:
        reach(page, "text=Keep what is there")
        press(page, "Enter")
        # The list is read anew: the row that was removed elsewhere is no longer in it.
        page.wait_for_selector("tr[data-row] >> text=Buy Apple", state="detached")
        assert last(drawn.owner, "t2").version == 2
    else:
        reach(page, "text=Save mine over it")
        press(page, "Enter")
        page.wait_for_selector(".banner--success >> text=Saved")
        row = last(drawn.owner, "t2")
        assert (row.version, row.quantity, row.is_void) == (3, 11, False)


def test_filters_are_set_and_taken_away(page: Page) -> None:
    press(page, "/")
    page.keyboard.type("Apple")
    press(page, "Enter")
    page.wait_for_url("**q=Apple*")
    assert page.locator("tr[data-row]").count() == 2
    reach(page, "summary:has-text('Filters')")
    press(page, "Enter")
    reach(page, "select[name=type]")
    page.keyboard.type("buy")
    press(page, "Enter")
    reach(page, "button:has-text('Show')")
    press(page, "Enter")
    page.wait_for_url("**type=buy*")
    assert page.locator("tr[data-row]").count() == 1
    reach(page, "a.chip--on:has-text('Apple')")
    press(page, "Enter")
    page.wait_for_url(lambda url: "q=" not in url)
    assert page.locator("tr[data-row]").count() == 2


def test_undo_redo_and_the_export_are_reached(page: Page, drawn: Portfolio) -> None:
    press(page, "ArrowDown", "Delete")
    page.wait_for_selector("text=undo brings it back")
    page.goto(LIST)
    reach(page, "[data-step=undo] button")
    press(page, "Enter")
    page.wait_for_selector("text=Undone")
    page.goto(LIST)
    reach(page, "[data-step=redo] button")
    press(page, "Enter")
    page.wait_for_selector("text=Done again")
    page.goto(LIST)
    reach(page, "a:has-text('Export')")
    with page.expect_download() as download:
        press(page, "Enter")
    assert download.value.suggested_filename.endswith(".csv")


def test_a_file_is_read_mended_stored_and_taken_back(site: Site, page: Page, drawn: Portfolio) -> None:
    """The wizard from its first field to its undo; the file itself is chosen in the browser's own dialog."""
    page.goto("/import/")
    rows = ["2025-01-05,Deposit,,,,500", "2025-01-06,Dividend,KO,,,zero", "2025-01-07,Buy,KO,2,60,-120"]
    table = "\n".join(["Date,Action,Symbol,Quantity,Price,Amount", *rows]).encode()
    reach(page, "input[type=file]")
    page.set_input_files("input[type=file]", {"name": "mine.csv", "mimeType": "text/csv", "buffer": table})
    reach(page, "input[name=name]")
    page.keyboard.type("Old broker")
    reach(page, "button:has-text('Read the file')")
    press(page, "Enter")
    page.wait_for_selector("text=Which column is which?")
    reach(page, "select[name=column-date], select[name=date]")
    reach(page, "main form button.button--primary")
    press(page, "Enter")
    page.wait_for_selector("text=These securities are new here")
    reach(page, "text=They are right, go on")
    press(page, "Enter")
    page.wait_for_selector("text=1 row cannot be stored")
    reach(page, "input[name=row]")
    press(page, "Space")
    reach(page, "text=Leave the marked rows out")
    press(page, "Enter")
    page.wait_for_selector("text=Store 2 transactions")
    reach(page, "text=Store 2 transactions")
    press(page, "Enter")
    page.wait_for_selector("text=2 transactions are in Old broker")
    reach(page, "text=Undo this import")
    press(page, "Enter")
    page.wait_for_selector("text=Taken back")
    assert ImportBatch.objects.get(owner=drawn.owner).state == "undone"
    assert site.complaints == []

"""Form 8949 on paper: printed by a real browser, whole, without the page around it."""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from investments import ledger, lots, manual
from investments.entries import SecurityEntry, TransactionEntry
from tests.browsing import (
    DESKTOP,
    SLOW_LOOKS,
    Site,
    chromium,
    overflow,
    person,
    plaid_process,
    running_site,
    settle,
    site,
    violations,
)

__all__ = ["chromium", "person", "plaid_process", "running_site", "site"]

pytestmark = pytest.mark.browser

D = Decimal
YEAR, SHORT, LONG = 2025, 60, 45
ADDRESS = f"/tax/form-8949/?year={YEAR}"
NAMES = ("ACME", "BOREAL", "CASTOR")


@pytest.fixture
def seller(person: Any) -> Any:
    """105 sales of 2025, of which 45 are long term, every tenth at a loss; of the loss of May 31 a part is put off."""
    account = manual.open_account(owner_id=person.pk, name="By hand", subtype="brokerage", currency="USD")
    entries = [SecurityEntry(f"8949-{name}", ticker_symbol=name, name=name.title(), type="equity") for name in NAMES]
    known = ledger.upsert_securities(source="manual", entries=entries).by_external_id
    written = ledger.record_transactions(
        accounts={"own": account}, securities=known, source="manual", entries=_trades(), today=date(2026, 1, 31)
    )
    assert not written.findings
    lots.recompute_lots(owner_id=person.pk)
    return person


def _trades() -> Iterator[TransactionEntry]:
    for number in range(SHORT + LONG):
        bought = date(2023, 1, 3) if number < LONG else date(2025, 1, 6)
        sold = date(2025, 3, 3) + timedelta(number)
        yield _trade(f"b{number}", bought + timedelta(number // 4), D(100), D("1234.5") + number, number)
        proceeds = D(-900) if number % 10 == 9 else D("-13456.78") - number
        yield _trade(f"s{number}", sold, D(-100), proceeds, number)
    yield _trade("again", date(2025, 6, 20), D(40), D(700), 104)


def _trade(name: str, day: date, units: Decimal, amount: Decimal, number: int) -> TransactionEntry:
    kind = "buy" if units > 0 else "sell"
    return TransactionEntry(
        name, account_external_id="own", security_external_id=f"8949-{NAMES[number % 3]}", type=kind, subtype=kind,
        date=day, quantity=units, amount=amount,
    )  # fmt: skip


def printed(page: Page, path: Path, **options: Any) -> int:
    """How many pages the printed file has."""
    page.pdf(path=path, format="Letter", **options)
    return len(re.findall(rb"/Type\s*/Page\b", path.read_bytes()))


def test_the_statement_is_printed_whole(site: Site, seller: Any, tmp_path: Path) -> None:
    page = site.signed_in(seller.email, viewport=DESKTOP).new_page()
    page.goto(ADDRESS)
    page.fill("#filer-name", "Ada Lovelace")
    page.fill("#filer-number", "000-00-0000")
    # 62 rows of part I and 45 of part II take two pages each, or three and two on their side.
    assert printed(page, tmp_path / "portrait.pdf") == 4
    assert printed(page, tmp_path / "landscape.pdf", landscape=True) == 5
    page.emulate_media(media="print")
    for selector in ("header", "footer", "nav", "button", ".filer", ".tab-bar", "h1"):
        assert not page.locator(selector).filter(visible=True).count(), selector
    heads = page.locator(".statement__table thead")
    assert heads.evaluate_all("all => all.map((one) => getComputedStyle(one).display)") == ["table-header-group"] * 2
    for part, numeral in enumerate(("I", "II")):
        told = " ".join(heads.nth(part).inner_text().split())
        assert told.startswith(f"Form 8949 statement, 2025, Part {numeral} Name Ada Lovelace No. 000-00-0000 (a) Desc")
    assert page.locator(".statement").nth(1).evaluate("one => getComputedStyle(one).breakBefore") == "page"


@pytest.mark.slow
def test_amounts_that_are_hidden_on_the_screen_are_on_the_paper(site: Site, seller: Any) -> None:
    page = site.signed_in(seller.email).new_page()
    page.goto(ADDRESS)
    page.evaluate("document.documentElement.dataset.privacy = 'on'")
    figures = page.locator(".statement__table .private")
    filters = "all => [...new Set(all.map((one) => getComputedStyle(one).filter.split('(')[0]))]"
    assert figures.evaluate_all(filters) == ["blur"]
    page.emulate_media(media="print")
    assert figures.evaluate_all(filters) == ["none"]


def test_a_total_of_the_tax_page_is_printed_once(site: Site, seller: Any) -> None:
    """What is a footer to a table stands on every page that the table breaks over."""
    page = site.signed_in(seller.email).new_page()
    page.goto(f"/tax/?year={YEAR}")
    page.emulate_media(media="print")
    feet = page.locator("tfoot")
    assert feet.evaluate_all("all => all.map((one) => getComputedStyle(one).display)") == ["table-row-group"] * 2


@pytest.mark.slow
def test_no_figure_is_cut_on_either_side_of_the_paper(site: Site, seller: Any) -> None:
    """The widths that 12 mm margins leave of Letter: 7.55 and 10.05 inches."""
    page = site.signed_in(seller.email).new_page()
    page.goto(ADDRESS)
    page.emulate_media(media="print")
    for inches in (7.55, 10.05):
        page.set_viewport_size({"width": int(inches * 96), "height": 900})
        assert overflow(page) <= 0
        cut = "all => all.filter((cell) => cell.scrollWidth > cell.clientWidth + 1).map((cell) => cell.textContent)"
        assert page.locator(".statement__table :is(td, th)").evaluate_all(cut) == []


def test_the_totals_are_those_of_the_rows(site: Site, seller: Any) -> None:
    """By hand: 6 losses of 900 and 54 sales around 13,500 in part I; of the last lot 40 of 100 are a wash sale."""
    page = site.signed_in(seller.email).new_page()
    page.goto(ADDRESS)
    short = range(LONG, SHORT + LONG)
    proceeds = sum(D(900) if number % 10 == 9 else D("13456.78") + number for number in short)
    basis = sum(D("1234.5") + number for number in short)
    off = next(row for row in page.locator(".statement").first.locator("tr").all_inner_texts() if "\tW\t" in row)
    assert off.split("\t")[3:] == ["360.00", "529.40", "W", "169.40", "0.00"]
    total = page.locator(".statement").first.locator(".statement__total td").all_inner_texts()
    gain = proceeds - basis + D("169.40")
    assert total == [f"{proceeds:,.2f}", f"{basis:,.2f}", "", "169.40", f"{gain:,.2f}"]


@pytest.mark.parametrize("look", SLOW_LOOKS)
def test_the_statement_can_be_read_by_everybody(site: Site, seller: Any, look: dict[str, Any]) -> None:
    page = site.signed_in(seller.email, **look).new_page()
    for address in (ADDRESS, "/tax/form-8949/?year=1999"):
        page.goto(address)
        settle(page)
        assert violations(page) == []
        assert overflow(page) <= 0
    assert site.complaints == []

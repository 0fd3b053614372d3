"""Importing in a real browser: every step is readable by all, within the window, and goes on by itself."""

from typing import Any

import pytest

from plaid_link.imports import batches
from plaid_link.models import ImportBatch
from plaid_link.tests.imports.conftest import worked
from plaid_link.tests.imports.sample import COLUMNS, FILES, HEADER, sample
from tests.browsing import (
    LOOKS,
    Site,
    chromium,
    make_person,
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


def _batch(owner: Any, name: str, data: bytes = b"", **options: Any) -> ImportBatch:
    batch, _ = batches.open_batch(
        owner_id=owner.pk,
        file_name=name,
        data=data or sample(name),
        account=None,
        new_account={"name": "Old broker"},
        **options,
    )
    return worked(batch)


@pytest.fixture(scope="module")
def owner(running_site: Site) -> Any:
    return make_person()


@pytest.fixture(scope="module")
def steps(owner: Any) -> dict[str, str]:
    """The address of an import in each of its states."""
    row = f"{HEADER}\n01/02/2025,Gutschrift,KO,,,5\n".encode()
    bad = f"{HEADER}\n2025-01-05,Deposit,,,,500\n2025-01-06,Dividend,KO,,,zero\n".encode()
    stored = _batch(owner, "vanguard.csv", accept_symbols=True)
    batches.confirm(stored)
    made = {
        "mapping": _batch(owner, "generic_german.csv"),
        "words": _batch(owner, "mine.csv", row, columns=COLUMNS, date_order="dmy"),
        "ambiguous": _batch(owner, "mine.csv", row, columns={**COLUMNS, "description": "Action"}),
        "securities": _batch(owner, "schwab.csv"),
        "refused": _batch(owner, "bad.csv", bad, columns=COLUMNS),
        "ready": _batch(owner, "fidelity.csv", accept_symbols=True),
        "stored": worked(stored),
        "unreadable": _batch(owner, "packed.csv", b"PK\x03\x04"),
    }
    return {"start": "/import/", **{name: f"/import/{batch.pk}/" for name, batch in made.items()}}


@pytest.mark.parametrize("look", LOOKS)
def test_every_step_can_be_used_by_everybody(
    site: Site, owner: Any, steps: dict[str, str], look: dict[str, Any]
) -> None:
    page = site.signed_in(owner.email, **look).new_page()
    found = []
    for name, url in steps.items():
        page.goto(url)
        settle(page)
        found += [f"{name}: {fault}" for fault in violations(page)]
        if wider := overflow(page):
            found.append(f"{name}: {wider} px wider than the window")
    assert found == []
    assert site.complaints == []


def test_a_file_is_stored_with_the_keyboard_alone(site: Site, person: Any) -> None:
    page = site.signed_in(person.email).new_page()
    page.goto("/import/")
    page.set_input_files("input[type=file]", FILES / "robinhood.csv")
    page.fill("input[name=name]", "Robinhood, old")
    page.focus("text=Read the file")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=These securities are new here")
    page.focus("text=They are right, go on")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=Store 10 transactions")
    page.focus("text=Store 10 transactions")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=10 transactions are in Robinhood, old")
    page.click("text=See the transactions")
    page.wait_for_selector("text=JEPQ")
    assert site.complaints == []

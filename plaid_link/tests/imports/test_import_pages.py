"""`/import/` as a person goes through it, without JavaScript: each state, its words, and what can be done."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext

from investments.models import Account, Transaction
from plaid_link.models import ImportBatch
from plaid_link.tests.imports.conftest import worked
from plaid_link.tests.imports.sample import HEADER, sample
from tests.fixtures import Portfolio
from tests.pages import Browser, signed_in, words_of

pytestmark = pytest.mark.django_db
URL = "/import/"
State = ImportBatch.State


def _send(client: Browser, name: str, data: bytes = b"", **fields: Any) -> ImportBatch:
    file = SimpleUploadedFile(name, data or sample(name))
    answer = client.post(URL, {"file": file, "account": "new", "name": "Old broker", "subtype": "brokerage", **fields})
    assert answer.status_code == 302, words_of(answer)
    return ImportBatch.objects.get()


def _page(client: Browser, batch: ImportBatch, query: str = "") -> str:
    return words_of(client.get(f"{URL}{batch.pk}/{query}"))


def _go(client: Browser, batch: ImportBatch, step: str, **told: Any) -> ImportBatch:
    assert client.post(f"{URL}{batch.pk}/{step}/", told).status_code == 302
    return worked(ImportBatch.objects.get(pk=batch.pk))


def test_from_the_file_to_the_account_and_back(owner: Any) -> None:
    client = signed_in(owner)
    batch = _send(client, "schwab.csv")
    assert "Being read" in _page(client, batch)
    worked(batch)
    assert "These securities are new here" in _page(client, batch)
    batch.refresh_from_db()
    asked = [one["key"] for one in batch.symbols if one["state"] == "asked"]
    told = {f"symbol-{number}": key for number, key in enumerate(asked)}
    assert _go(client, batch, "answer", **told, **{"type-0": "etf"}).state == State.READY
    page = _page(client, batch)
    assert "Store 12 transactions" in page
    assert "Dividend reinvestment · SCHB" in page
    assert "small print" in _page(client, batch, "?show=left_out")
    assert Transaction.objects.count() == 0
    _go(client, batch, "confirm")
    assert "12 transactions are in Old broker" in _page(client, batch)
    _go(client, batch, "undo")
    assert "None of the 12 transactions counts any more" in _page(client, batch)
    assert not Transaction.objects.current().exists()


def test_a_table_of_ones_own_is_mapped_by_hand(owner: Any) -> None:
    client = signed_in(owner)
    head = "When,Did,What,Many,Each,Money"
    data = f"{head}\n01/02/2025,Gutschrift,KO,,,5\n01/02/2025,Deposit,,,,100\n".encode()
    batch = worked(_send(client, "mine.csv", data))
    assert "Which column is which?" in _page(client, batch)
    names = dict(zip(("date", "action", "symbol", "quantity", "price", "amount"), head.split(","), strict=True))
    batch = _go(client, batch, "answer", **{f"column-{field}": name for field, name in names.items()})
    assert "day first or month first" in _page(client, batch)
    batch = _go(client, batch, "answer", date_order="dmy")
    assert "gutschrift" in _page(client, batch)
    batch = _go(client, batch, "answer", **{"action-0": "dividend", "symbol-0": "KO"})
    assert batch.state == State.ASKING
    batch = _go(client, batch, "answer", **{"symbol-0": "KO", "type-0": "equity"})
    assert (batch.state, batch.new_rows, str(batch.first_day)) == (State.READY, 2, "2025-02-01")


def test_refused_rows_are_shown_and_may_be_left_out(owner: Any) -> None:
    client = signed_in(owner)
    rows = "2025-01-05,Deposit,,,,500\n2025-01-06,Dividend,,,,zero\n"
    batch = worked(_send(client, "mine.csv", f"{HEADER}\n{rows}".encode()))
    fields = {"date": "Date", "action": "Action", "symbol": "Ticker", "quantity": "Shares", "amount": "Total"}
    batch = _go(client, batch, "answer", **{f"column-{field}": name for field, name in fields.items()})
    page = _page(client, batch)
    assert "1 row cannot be stored, so nothing is" in page
    assert "Row 3, Total" in page
    assert "'zero' is not a number" in page
    assert client.post(f"{URL}{batch.pk}/confirm/").status_code == 302
    assert "Not now" in _page(client, batch)
    assert _go(client, batch, "answer", row=["3"]).state == State.READY


def test_what_cannot_be_read_says_so_and_is_thrown_away(owner: Any) -> None:
    client = signed_in(owner)
    batch = worked(_send(client, "packed.csv", b"PK\x03\x04"))
    assert "it is a ZIP archive" in _page(client, batch)
    client.post(f"{URL}{batch.pk}/discard/")
    assert ImportBatch.objects.count() == 0
    assert "is thrown away" in words_of(client.get(URL))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"name": ""}, "name a new one"),
        ({"account": "999999"}, "Choose one of your accounts"),
        ({"file": ""}, "Choose a file"),
    ],
)
def test_what_is_missing_is_said_at_its_field(owner: Any, fields: dict[str, str], message: str) -> None:
    told = {"file": SimpleUploadedFile("a.csv", b"a,b\n1,2\n"), "account": "new", "name": "X", "subtype": "brokerage"}
    answer = signed_in(owner).post(URL, {**told, **fields})
    assert answer.status_code == 200
    assert message in words_of(answer)
    assert ImportBatch.objects.count() == 0


def test_only_ones_own_accounts_are_offered(portfolio: Portfolio, other: Any) -> None:
    theirs = Account.objects.filter(owner=portfolio.owner)[0]
    offered = signed_in(other).get(URL).context["form"].fields["account"].choices
    assert offered == [("new", "A new account")]
    assert str(theirs.pk) in dict(signed_in(portfolio.owner).get(URL).context["form"].fields["account"].choices)
    told = {"file": SimpleUploadedFile("a.csv", b"a,b\n1,2\n"), "account": str(theirs.pk)}
    assert "Choose one of your accounts" in words_of(signed_in(other).post(URL, told))


def test_the_number_of_queries_does_not_grow_with_the_file(owner: Any) -> None:
    client = signed_in(owner)
    rows = "\n".join(f"2025-01-05,Deposit,,,,{number}" for number in range(1, 700))
    batch = worked(_send(client, "mine.csv", f"{HEADER}\n{rows}\n".encode()))
    fields = {"date": "Date", "action": "Action", "amount": "Total"}
    batch = _go(client, batch, "answer", **{f"column-{field}": name for field, name in fields.items()})
    for query in ("", "?page=9", "?show=new&page=14"):
        with CaptureQueriesContext(connection) as seen:
            page = words_of(client.get(f"{URL}{batch.pk}/{query}"))
        # Savepoints, session, user, tenant; the import, its lines, what was stored before; those of the shell.
        assert len(seen) <= 14, [one["sql"][:90] for one in seen]
        assert "of 699" in page
        assert not any('"file"' in one["sql"] for one in seen)
    assert "651\N{EN DASH}699 of 699" in page

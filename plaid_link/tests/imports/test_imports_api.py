"""`/api/v1/import`: dry run, rows, answers, confirm, undo; strangers, bad input, what cannot be done now."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext

from investments.models import Transaction
from plaid_link.models import ImportBatch
from plaid_link.tests.imports.conftest import worked
from plaid_link.tests.imports.sample import COLUMNS, HEADER, sample
from tests.fixtures import Portfolio

pytestmark = pytest.mark.django_db
Client = Callable[..., Any]
URL = "/api/v1/import"


def _upload(client: Any, name: str = "schwab.csv", data: bytes = b"", **fields: Any) -> Any:
    file = SimpleUploadedFile(name, data or sample(name))
    return client.post(URL, {"file": file, "account_name": "Old", **fields}, format="multipart")


def _work(answer: Any) -> ImportBatch:
    return worked(ImportBatch.objects.get(pk=answer.json()["id"]))


def test_a_file_is_read_answered_confirmed_and_taken_back(api: Client, owner: Any) -> None:
    client = api(owner)
    answer = _upload(client)
    assert (answer.status_code, answer.json()["state"]) == (202, "reading")
    job = client.get(f"/api/jobs/{answer.json()['job_id']}").json()
    assert (job["kind"], job["state"]) == ("import_read", "queued")
    batch = _work(answer)
    told = client.get(f"{URL}/{batch.pk}").json()
    assert (told["state"], told["layout"], told["refused_rows"]) == ("asking", "schwab", 7)
    assert told["questions"][0]["kind"] == "symbols"
    assert client.post(f"{URL}/{batch.pk}/confirm").status_code == 409
    _work(client.patch(f"{URL}/{batch.pk}", {"accept_symbols": True}))
    rows = client.get(f"{URL}/{batch.pk}/rows").json()
    assert (rows["page"], rows["pages"], len(rows["items"])) == (1, 1, 13)
    assert rows["items"][0] == {"row": 3, "state": "new", "day": "2025-06-30", "type": "cash", "subtype": "deposit",
                                "amount": "-5000.00", "name": "MoneyLink Transfer: Tfr FIRST BANK NA"}  # fmt: skip
    assert Transaction.objects.count() == 0
    _work(client.post(f"{URL}/{batch.pk}/confirm"))
    assert client.get(f"{URL}/{batch.pk}").json()["stored_rows"] == 12
    assert client.delete(f"{URL}/{batch.pk}").status_code == 409
    _work(client.post(f"{URL}/{batch.pk}/undo"))
    assert not Transaction.objects.current().exists()
    assert client.get(URL).json()["items"][0]["state"] == "undone"


def test_into_an_account_one_has_with_everything_said_beforehand(api: Client, portfolio: Portfolio) -> None:
    data = f"{HEADER}\n2020-01-05,Buy,AAPL,1,80,-80\n".encode()
    told = json.dumps({"columns": COLUMNS})
    answer = _upload(api(portfolio.owner), "mine.csv", data, account_id=portfolio.brokerage.pk, options=told)
    assert _work(answer).state == "ready"
    assert answer.json()["account_id"] == portfolio.brokerage.pk


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"account_name": ""}, "account"),
        ({"options": "{"}, "options"),
        ({"options": '{"date_order": "ymd"}'}, "date_order"),
        ({"options": '{"symbols": 5}'}, "symbols"),
        ({"options": '{"actions": {"x": "steal"}}'}, "actions"),
        ({"options": "[1]"}, "non_field_errors"),
    ],
)
def test_bad_input_names_the_field(api: Client, owner: Any, fields: dict[str, str], field: str) -> None:
    answer = _upload(api(owner), **fields)
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == [field]
    assert ImportBatch.objects.count() == 0


@pytest.mark.parametrize(
    "answer", [{"accept_symbols": 0}, {"accept_symbols": "yes"}, {"account": 7}, {"columns": {"date": 1}}]
)
def test_an_answer_of_another_type_is_refused(api: Client, owner: Any, answer: dict[str, Any]) -> None:
    pk = _upload(api(owner), data=b"Date,Action\n").json()["id"]
    refused = api(owner).patch(f"{URL}/{pk}", answer)
    assert (refused.status_code, set(refused.json()["errors"])) == (400, set(answer))


def test_too_large_a_file_is_refused(api: Client, owner: Any, settings: Any) -> None:
    settings.IMPORT_MAX_BYTES = 100
    answer = _upload(api(owner))
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["file"])


def test_anothers_import_and_account_are_not_there(api: Client, other: Any, portfolio: Portfolio) -> None:
    batch = _work(_upload(api(portfolio.owner)))
    stranger = api(other)
    for method, path in (
        ("get", ""),
        ("patch", ""),
        ("delete", ""),
        ("get", "/rows"),
        ("post", "/confirm"),
        ("post", "/undo"),
    ):
        assert getattr(stranger, method)(f"{URL}/{batch.pk}{path}").status_code == 404, path
    assert stranger.get(URL).json()["total_count"] == 0
    assert _upload(stranger, account_id=portfolio.brokerage.pk).status_code == 400


def test_the_number_of_queries(api: Client, owner: Any) -> None:
    batch = _work(_upload(api(owner), accept_symbols=True))
    client = api(owner)
    with CaptureQueriesContext(
        connection,
    ) as seen:
        client.get(f"{URL}/{batch.pk}/rows")
    # Transaction, tenant, user, import, chunk, count.
    assert len(seen) <= 9, [query["sql"][:80] for query in seen]
    assert not any('"file"' in query["sql"] for query in seen)


def test_a_page_of_rows_that_is_none(api: Client, owner: Any) -> None:
    batch = _work(_upload(api(owner)))
    assert api(owner).get(f"{URL}/{batch.pk}/rows?page=0").status_code == 400
    assert api(owner).get(f"{URL}/{batch.pk}/rows?page=999").json()["items"] == []

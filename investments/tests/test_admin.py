from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from investments.models import CorporateAction
from investments.tests.conftest import Books, bought

MODELS = ["institution", "security", "account", "holding", "transaction", "corporateaction"]


@pytest.fixture
def operator(staff: Any) -> Client:
    staff.is_superuser = True
    staff.save()
    client = Client()
    client.force_login(staff)
    return client


@pytest.mark.parametrize("model", MODELS)
def test_every_list_opens(operator: Client, books: Books, model: str) -> None:
    books.record(bought())
    assert operator.get(reverse(f"admin:investments_{model}_changelist")).status_code == 200


def test_transactions_show_how_each_version_stands(operator: Client, books: Books) -> None:
    books.record(bought(amount=Decimal(1)))
    books.record(bought(amount=Decimal(2)))
    page = operator.get(reverse("admin:investments_transaction_changelist"))
    assert [row.standing for row in page.context["cl"].result_list] == ["current", "superseded"]
    page = operator.get(reverse("admin:investments_transaction_changelist"), {"standing": "superseded"})
    assert [row.amount for row in page.context["cl"].result_list] == [1]


@pytest.mark.parametrize(("answer", "ids"), [("yes", ["upside-down"]), ("no", ["t1"])])
def test_repaired_rows_can_be_found(operator: Client, books: Books, answer: str, ids: list[str]) -> None:
    books.record(bought("t1"), bought("upside-down", quantity=Decimal(-1)))
    page = operator.get(reverse("admin:investments_transaction_changelist"), {"repaired": answer})
    assert [row.external_id for row in page.context["cl"].result_list] == ids


def test_a_transaction_cannot_be_changed_or_deleted(operator: Client, books: Books) -> None:
    books.record(bought())
    row = books.account.transactions.get()
    assert (
        operator.post(reverse("admin:investments_transaction_change", args=[row.pk]), {"amount": 1}).status_code == 403
    )
    assert operator.post(reverse("admin:investments_transaction_delete", args=[row.pk])).status_code == 403


def test_a_corporate_action_is_not_entered_here(operator: Client, books: Books) -> None:
    form = {"security": books.securities["aapl"].pk, "kind": "split", "ex_date": "2026-06-01", "ratio": "2"}
    assert operator.post(reverse("admin:investments_corporateaction_add"), form).status_code == 403
    assert not CorporateAction.objects.exists()

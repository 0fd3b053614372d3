"""`/api/v1/transactions`: by hand, version by version."""

from typing import Any

import pytest

from investments import ledger, manual
from investments.models import Transaction
from tests.fixtures import Portfolio

URL = "/api/v1/transactions"


def told(portfolio: Portfolio, **given: Any) -> dict[str, Any]:
    body = {
        "account_id": portfolio.brokerage.pk,
        "type": "buy",
        "subtype": "buy",
        "ticker": "AAPL",
        "date": "2026-10-05",
        "quantity": "10",
        "price": "227.5",
        "fees": "4.95",
    }
    return {name: value for name, value in {**body, **given}.items() if value is not None}


def row_of(portfolio: Portfolio, external_id: str = "t2") -> Transaction:
    return Transaction.objects.filter(owner=portfolio.owner, external_id=external_id).earliest("version")


def test_add_and_read_back(api: Any, portfolio: Portfolio) -> None:
    caller = api(portfolio.owner)
    answer = caller.post(URL, told(portfolio))
    body = answer.json()
    # 10 x 227.50 and 4.95 of fees.
    assert (answer.status_code, body["amount"], body["source"]) == (201, "2279.95", "manual")
    assert (body["security"]["ticker_symbol"], body["version"], answer["ETag"]) == ("AAPL", 1, '"1"')
    assert caller.get(f"{URL}/{body['id']}").json() == body
    assert body in caller.get(URL).json()["items"]


@pytest.mark.parametrize(
    ("given", "amount", "quantity"),
    [
        ({"type": "sell", "subtype": "sell"}, "-2270.05", "-10"),  # 2275 less 4.95
        ({"type": "sell", "subtype": "sell", "ticker": "AAPL270115C00250000", "price": "3.5"}, "-3495.05", "-10"),
        ({"type": "cash", "subtype": "deposit", "quantity": None, "ticker": None, "amount": "250"}, "-250.00", "0"),
        ({"type": "cash", "subtype": "dividend", "quantity": None, "amount": "-2.60"}, "-2.60", "0"),
    ],
)
def test_amounts_and_signs_follow_from_the_type(
    api: Any, portfolio: Portfolio, given: dict[str, Any], amount: str, quantity: str
) -> None:
    body = api(portfolio.owner).post(URL, told(portfolio, **given)).json()
    assert (body["amount"], body["quantity"]) == (amount, quantity)


def test_the_same_external_id_adds_once_and_other_content_conflicts(api: Any, portfolio: Portfolio) -> None:
    caller = api(portfolio.owner)
    first = caller.post(URL, told(portfolio, external_id="mine-1")).json()
    assert caller.post(URL, told(portfolio, external_id="mine-1")).json() == first
    other = caller.post(URL, told(portfolio, external_id="mine-1", quantity="11"))
    assert (other.status_code, other.json()["current"]) == (409, first)
    assert Transaction.objects.filter(external_id="mine-1").count() == 1


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"ticker": "NOSUCH"}, "security_id"),
        ({"ticker": None, "security_id": 2**62}, "security_id"),
        ({"ticker": None}, "security_id"),
        ({"quantity": "0"}, "quantity"),
        ({"quantity": "ten"}, "quantity"),
        ({"quantity": "NaN"}, "quantity"),
        ({"quantity": "1e30"}, "quantity"),
        ({"price": "-1"}, "price"),
        ({"price": None}, "price"),
        ({"fees": "-1"}, "fees"),
        ({"amount": "1e30"}, "amount"),
        ({"date": "2027-01-01"}, "date"),
        ({"date": "1900-01-01"}, "date"),
        ({"date": "2026-02-31"}, "date"),
        ({"settles_on": "2026-10-01"}, "settles_on"),
        ({"currency": "XYZ"}, "currency"),
        ({"type": "gift"}, "type"),
        ({"subtype": "gift"}, "subtype"),
        ({"type": "cash", "subtype": "dividend", "quantity": None}, "amount"),
        ({"type": "cash", "subtype": "dividend", "amount": "0"}, "amount"),
        ({"external_id": "x" * 101}, "external_id"),
        ({"account_id": "x"}, "account_id"),
    ],
)
def test_bad_input_names_the_field_and_stores_nothing(
    api: Any, portfolio: Portfolio, wrong: dict[str, Any], field: str
) -> None:
    before = Transaction.objects.count()
    answer = api(portfolio.owner).post(URL, told(portfolio, **wrong))
    assert (answer.status_code, list(answer.json()["errors"])) == (400, [field])
    assert Transaction.objects.count() == before


def test_correct_void_and_restore_with_the_version_seen(api: Any, portfolio: Portfolio) -> None:
    caller, row = api(portfolio.owner), f"{URL}/{row_of(portfolio).pk}"
    corrected = caller.patch(row, {"amount": "1805.95"}, headers={"If-Match": '"1"'}).json()
    assert (corrected["version"], corrected["amount"], corrected["is_correction"]) == (2, "1805.95", True)
    assert (corrected["price"], corrected["security"]["ticker_symbol"]) == ("180", "AAPL")
    voided = caller.delete(f"{row}?version=2").json()
    assert (voided["version"], voided["is_void"]) == (3, True)
    assert "t2" not in [item["external_id"] for item in caller.get(URL).json()["items"]]
    undone = caller.post(f"{row}/restore", {"version": 3, "to_version": 1}).json()
    assert (undone["version"], undone["amount"], undone["is_correction"]) == (4, "1804.95", False)
    versions = caller.get(f"{row}/versions").json()
    assert [(one["version"], one["is_void"]) for one in versions] == [(1, False), (2, False), (3, True), (4, False)]


def test_a_stale_version_gets_the_current_row(api: Any, portfolio: Portfolio) -> None:
    caller, row = api(portfolio.owner), f"{URL}/{row_of(portfolio).pk}"
    current = caller.patch(row, {"version": 1, "name": "Mine"}).json()
    for answer in (
        caller.patch(row, {"version": 1, "name": "Another's"}),
        caller.delete(row, headers={"If-Match": '"1"'}),
        caller.post(f"{row}/restore", {"version": 1, "to_version": 1}),
    ):
        assert (answer.status_code, answer["Content-Type"]) == (409, "application/problem+json")
        assert (answer.json()["current"], answer["ETag"]) == (current, '"2"')
    assert caller.get(row).json() == current


@pytest.mark.parametrize("version", [None, "x", "-1", ""])
def test_without_the_version_seen_nothing_is_changed(api: Any, portfolio: Portfolio, version: str | None) -> None:
    caller, row = api(portfolio.owner), f"{URL}/{row_of(portfolio).pk}"
    headers = {} if version is None else {"If-Match": version}
    for answer in (caller.patch(row, {"name": "x"}, headers=headers), caller.delete(row, headers=headers)):
        assert (answer.status_code, list(answer.json()["errors"])) == (400, ["version"])


def test_a_row_of_another_owner_is_not_there(api: Any, portfolio: Portfolio, other: Any) -> None:
    caller, row = api(other), f"{URL}/{row_of(portfolio).pk}"
    answers = [
        caller.get(row),
        caller.get(f"{row}/versions"),
        caller.patch(row, {"version": 1, "name": "x"}),
        caller.delete(f"{row}?version=1"),
        caller.post(f"{row}/restore", {"version": 1, "to_version": 1}),
        caller.post(URL, told(portfolio)),
    ]
    assert {answer.status_code for answer in answers} == {404}


def test_a_plaid_row_corrected_over_the_api_outlives_the_sync(api: Any, portfolio: Portfolio) -> None:
    from tests.fixtures import TODAY, _transactions

    api(portfolio.owner).patch(f"{URL}/{row_of(portfolio).pk}", {"version": 1, "amount": "1805.95"})
    accounts = {"brokerage": portfolio.brokerage, "ira": portfolio.ira}
    named: dict[str, Any] = {"accounts": accounts, "securities": portfolio.securities, "source": "plaid"}
    assert ledger.record_transactions(entries=_transactions(), today=TODAY, **named).total == 0
    current = Transaction.objects.current().get(external_id="t2")
    assert f"{current.amount:.2f}" == "1805.95"


def test_query_count(api: Any, portfolio: Portfolio, django_assert_num_queries: Any) -> None:
    caller, row = api(portfolio.owner), f"{URL}/{row_of(portfolio).pk}"
    # Savepoint, user and tenant; the row, its last version; savepoint, lock, version, insert, whether its holdings
    # follow it, account's version; releases.
    with django_assert_num_queries(12):
        caller.patch(row, {"version": 1, "name": "Mine"})


def test_nothing_is_sold_before_the_account_has_anything(api: Any, portfolio: Portfolio) -> None:
    """Of an account kept by hand; of one that a brokerage reports, nobody knows what was there before its window."""
    caller = api(portfolio.owner)
    kept = manual.open_account(owner_id=portfolio.owner.pk, name="By hand", subtype="brokerage", currency="USD")
    told = {"account_id": kept.pk, "type": "buy", "ticker": "AAPL", "date": "2026-02-02", "quantity": "1", "price": "9"}
    assert caller.post(URL, told, format="json").status_code == 201
    sale = told | {"type": "sell", "date": "2026-02-01"}
    refused = caller.post(URL, sale, format="json")
    assert refused.status_code == 400
    assert "nothing in By hand before 2026-02-02" in refused.json()["errors"]["date"][0]
    assert Transaction.objects.filter(account=kept).count() == 1
    for change in ({"subtype": "sell short"}, {"date": "2026-02-02"}, {"account_id": portfolio.brokerage.pk}):
        assert caller.post(URL, sale | change, format="json").status_code == 201

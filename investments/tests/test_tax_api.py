"""Lots, gains of a year, Form 8949, wash sales and reconciliation over the API."""

import csv
import io
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from investments.lots import recompute_lots
from investments.models import Account, Transaction
from investments.tests.test_lots_stored import record, trade
from tests.fixtures import Portfolio, WebClient

D = Decimal
Api = Callable[..., WebClient]


@pytest.fixture
def traded(portfolio: Portfolio) -> Portfolio:
    """A short-term gain, a wash sale into the IRA, and what the brokerage holds without telling why."""
    record(
        portfolio,
        trade("a", 0, 100, 1000, security="sec-vti"),
        trade("b", 1, 50, 600, security="sec-vti"),
        trade("c", 2, -75, -1125, security="sec-vti"),
        trade("d", 0, 10, 1000, security="sec-call"),
        trade("e", 40, -10, -700, security="sec-call"),
        trade("f", 50, 10, 650, security="sec-call", account="ira"),
    )
    Account.objects.filter(pk=portfolio.ira.pk).update(source="manual")
    Account.objects.filter(pk=portfolio.brokerage.pk).update(source="manual")
    recompute_lots(owner_id=portfolio.owner.pk)
    return portfolio


def test_lots_with_their_price_and_the_days_they_lack(traded: Portfolio, api: Api) -> None:
    answer = api(traded.owner).get("/api/v1/lots", {"ticker": "vti", "account_id": traded.brokerage.pk})
    lots = answer.json()["items"]
    assert [(lot["quantity"], lot["cost"], lot["unit_cost"]) for lot in lots] == [
        ("25", "250.00", "10"), ("50", "600.00", "12"),
    ]  # fmt: skip
    assert lots[0]["long_term_from"] == "2027-02-03"
    assert lots[0]["days_to_long_term"] >= 0
    apple = api(traded.owner).get("/api/v1/lots", {"ticker": "AAPL", "account_id": traded.brokerage.pk}).json()
    assert apple["items"][0]["unrealized_gain"] == "470.05"  # 10 x 227.50 - 1804.95
    assert apple["total_count"] == 1


def test_gains_of_a_year_by_term_and_currency(traded: Portfolio, api: Api) -> None:
    told = api(traded.owner).get("/api/v1/tax/gains", {"year": 2026}).json()
    (totals,) = told["totals"]
    assert (totals["currency"], totals["short"]["gain"], totals["long"]["count"]) == ("USD", "375.00", 0)
    assert totals["short"]["disallowed"] == "300.00"
    assert [row["gain"] for row in told["items"]] == ["0.00", "375.00"]
    assert api(traded.owner).get("/api/v1/tax/gains", {"year": 2025}).json()["items"] == []


def test_form_8949_adds_up_and_its_csv_is_the_same(traded: Portfolio, api: Api) -> None:
    told = api(traded.owner).get("/api/v1/tax/form-8949", {"year": 2026}).json()
    rows = told["rows"]
    assert [(row["description"], row["code"], row["adjustment"], row["gain"]) for row in rows] == [
        ("75 VTI", "", "0.00", "375.00"), ("10 AAPL $250 call", "W", "300.00", "0.00"),
    ]  # fmt: skip
    for row in rows:
        assert D(row["proceeds"]) - D(row["basis"]) + D(row["adjustment"]) == D(row["gain"])
    assert told["short"]["gain"] == "375.00"
    answer = api(traded.owner).get("/api/v1/tax/form-8949.csv", {"year": 2026})
    table = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert [{**row, "basis": row["basis"]} for row in table] == [
        {key: "" if value is None else str(value) for key, value in row.items()} for row in rows
    ]


def test_a_wash_sale_names_sale_and_replacement(traded: Portfolio, api: Api) -> None:
    (sale,) = api(traded.owner).get("/api/v1/tax/wash-sales", {"year": 2026}).json()["items"]
    by_name = {row.external_id: row.pk for row in Transaction.objects.filter(owner=traded.owner)}
    assert (sale["sold_by"], sale["bought_by"]) == (by_name["e"], by_name["f"])
    assert (sale["amount"], sale["is_permanent"], sale["replacement_account_id"]) == ("300.00", True, traded.ira.pk)


def test_a_holding_without_its_purchase_can_be_given_one(portfolio: Portfolio, api: Api) -> None:
    client = api(portfolio.owner)
    items = client.get("/api/v1/reconciliation").json()["items"]
    apple = next(each for each in items if each["account_id"] == portfolio.ira.pk and each["held"] == "4")
    assert (apple["derived"], apple["opening"], apple["cause"]) == ("0", "4", "missing_transactions")
    told = {
        "account_id": portfolio.ira.pk, "security_id": apple["security"]["id"], "quantity": "4", "date": "2020-05-04",
        "cost": "300",
    }  # fmt: skip
    first, again = (client.post("/api/v1/reconciliation", told, format="json") for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    left = client.get("/api/v1/reconciliation").json()["items"]
    assert not [each for each in left if each["security"]["id"] == apple["security"]["id"]
                and each["account_id"] == portfolio.ira.pk]  # fmt: skip
    recompute_lots(owner_id=portfolio.owner.pk)
    (lot,) = client.get("/api/v1/lots", {"ticker": "AAPL", "account_id": portfolio.ira.pk}).json()["items"]
    assert (lot["opened"], lot["cost"], lot["days_to_long_term"]) == ("2020-05-04", "300.00", 0)


@pytest.mark.parametrize(
    ("field", "value"), [("quantity", "0"), ("quantity", "NaN"), ("date", "2999-01-01"), ("cost", "-1")]
)
def test_a_bad_opening_balance_names_its_field(portfolio: Portfolio, api: Api, field: str, value: str) -> None:
    told = {
        "account_id": portfolio.ira.pk, "security_id": portfolio.securities["sec-vti"].pk, "quantity": "1",
        "date": "2020-05-04", field: value,
    }  # fmt: skip
    answer = api(portfolio.owner).post("/api/v1/reconciliation", told, format="json")
    assert answer.status_code == 400
    assert field in answer.json()["errors"]


@pytest.mark.parametrize("path", ["lots", "tax/gains", "tax/form-8949", "tax/wash-sales", "reconciliation"])
def test_another_sees_nothing_of_it(traded: Portfolio, other: Any, api: Api, path: str) -> None:
    told = api(other).get(f"/api/v1/{path}").json()
    assert not told.get("items")
    assert not told.get("rows")
    if path != "reconciliation":
        name = "account_id" if path == "lots" else "filter_account"
        assert api(other).get(f"/api/v1/{path}", {name: traded.ira.pk}).status_code == 404
    opening = {"account_id": traded.ira.pk, "security_id": 1, "quantity": "1", "date": "2020-05-04"}
    assert api(other).post("/api/v1/reconciliation", opening, format="json").status_code == 404


def test_a_year_that_is_none_is_refused(owner: Any, api: Api) -> None:
    answer = api(owner).get("/api/v1/tax/gains", {"year": "nineteen"})
    assert answer.status_code == 400
    assert "year" in answer.json()["errors"]
    assert api(owner).get("/api/v1/tax/gains").json()["year"] >= timezone.now().year - 1


@pytest.mark.parametrize(("path", "queries"), [("lots", 3), ("tax/gains", 2), ("tax/form-8949", 2)])
def test_queries(traded: Portfolio, api: Api, path: str, queries: int, django_assert_max_num_queries: Any) -> None:
    client = api(traded.owner)
    with django_assert_max_num_queries(queries + 6):
        assert client.get(f"/api/v1/{path}").status_code == 200


def test_a_sale_names_its_lots_and_an_account_its_rule(traded: Portfolio, api: Api) -> None:
    client = api(traded.owner)
    rows = {row.external_id: row.pk for row in Transaction.objects.filter(owner=traded.owner)}

    def gain() -> str:
        recompute_lots(owner_id=traded.owner.pk)
        items = client.get("/api/v1/tax/gains", {"year": 2026}).json()["items"]
        return str(sum(D(row["gain"]) for row in items if row["security"]["ticker_symbol"] == "VTI"))

    assert gain() == "375.00"
    path = f"/api/v1/transactions/{rows['c']}/lots"
    told = {"picks": [{"opened_by": rows["b"], "quantity": "50"}]}
    answer = client.put(path, told, format="json")
    assert (answer.status_code, answer.json(), client.get(path).json()) == (200, told, told)
    assert gain() == "275.00"
    assert client.put(path, {"picks": []}, format="json").json() == {"picks": []}
    assert gain() == "375.00"
    method = f"/api/v1/accounts/{traded.brokerage.pk}/lot-method"
    assert client.put(method, {"lot_method": "lifo"}, format="json").json() == {"lot_method": "lifo"}
    assert gain() == "275.00"


@pytest.mark.parametrize(
    ("row", "quantity", "field"),
    [("a", "0", "quantity"), ("a", "76", "quantity"), ("c", "5", "opened_by"), ("d", "5", "opened_by")],
)
def test_lots_that_cannot_be_named_are_refused(
    traded: Portfolio, api: Api, row: str, quantity: str, field: str
) -> None:
    rows = {each.external_id: each.pk for each in Transaction.objects.filter(owner=traded.owner)}
    told = {"picks": [{"opened_by": rows[row], "quantity": quantity}]}
    answer = api(traded.owner).put(f"/api/v1/transactions/{rows['c']}/lots", told, format="json")
    assert answer.status_code == 400
    assert field in answer.json()["errors"]


def test_nobody_chooses_for_another(traded: Portfolio, other: Any, api: Api) -> None:
    sale = Transaction.objects.get(owner=traded.owner, external_id="c").pk
    assert api(other).put(f"/api/v1/transactions/{sale}/lots", {"picks": []}, format="json").status_code == 404
    path = f"/api/v1/accounts/{traded.brokerage.pk}/lot-method"
    assert api(other).put(path, {"lot_method": "lifo"}, format="json").status_code == 404

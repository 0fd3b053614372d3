"""`/api/v1/instruments`: what one holds, has traded or has entered; and what others entered is not there."""

from typing import Any

import pytest

from investments import ledger
from investments.entries import SecurityEntry
from investments.filters import own_security_id
from investments.models import Security
from tests.fixtures import Portfolio

URL, LEDGER = "/api/v1/instruments", "/api/v1/transactions"
FUND = {"ticker": "harbor3", "name": "Harbor Growth Fund III", "type": "other"}


def purchase(portfolio: Portfolio, **named: Any) -> dict[str, Any]:
    trade = {"type": "buy", "subtype": "buy", "date": "2026-10-05", "quantity": "10", "price": "100"}
    return {"account_id": portfolio.ira.pk, **trade, **named}


@pytest.fixture
def secret(other: Any) -> Security:
    """What somebody else has imported."""
    entry = SecurityEntry(own_security_id(other.pk, "ZQ"), name="Of another", ticker_symbol="ZQ", isin="US0378331005")
    return ledger.upsert_securities(source="csv", entries=[entry]).by_external_id[entry.external_id]


def test_a_fund_is_entered_and_traded(api: Any, portfolio: Portfolio) -> None:
    caller = api(portfolio.owner)
    answer = caller.post(URL, FUND)
    body = answer.json()
    assert (answer.status_code, body["ticker_symbol"], body["currency"], body["source"]) == (
        201, "HARBOR3", "USD", "manual",
    )  # fmt: skip
    assert caller.get(f"{URL}/{body['id']}").json() == body
    assert body in caller.get(URL, {"q": "harbor"}).json()["items"]
    traded = caller.post(LEDGER, purchase(portfolio, ticker="harbor3"))
    assert (traded.status_code, traded.json()["security"]["id"]) == (201, body["id"])


def test_entered_again_it_is_a_conflict_with_what_is_there(api: Any, portfolio: Portfolio) -> None:
    caller = api(portfolio.owner)
    first = caller.post(URL, FUND).json()
    again = caller.post(URL, FUND | {"name": "Otherwise"})
    assert (again.status_code, again.json()["current"]) == (409, first)


def test_two_people_who_enter_the_same_have_two(api: Any, owner: Any, other: Any) -> None:
    told = FUND | {"isin": "US1234567890"}
    mine, theirs = api(owner).post(URL, told).json(), api(other).post(URL, told | {"name": "Theirs"}).json()
    assert mine["id"] != theirs["id"]
    assert (mine["name"], theirs["name"]) == ("Harbor Growth Fund III", "Theirs")
    assert api(owner).get(f"{URL}/{theirs['id']}").status_code == 404
    assert [row["id"] for row in api(owner).get(URL).json()["items"]] == [mine["id"]]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"ticker": "", "name": ""}, "name"),
        ({"type": "house"}, "type"),
        ({"currency": "XYZ"}, "currency"),
        ({"isin": "US12"}, "isin"),
        ({"cusip": "037833100X"}, "cusip"),
    ],
)
def test_what_is_wrong_is_named(api: Any, owner: Any, wrong: dict[str, str], field: str) -> None:
    answer = api(owner).post(URL, FUND | wrong)
    assert (answer.status_code, set(answer.json()["errors"])) == (400, {field})
    assert not Security.objects.exists()


@pytest.mark.parametrize("name", ["ticker", "security_id"])
def test_what_another_entered_cannot_be_named(api: Any, portfolio: Portfolio, secret: Security, name: str) -> None:
    """Neither by its ticker nor by its id: as if there were none."""
    given = {"ticker": "ZQ", "security_id": secret.pk}[name]
    nobodys = {"ticker": "QZ", "security_id": secret.pk + 1000}[name]
    answers = [api(portfolio.owner).post(LEDGER, purchase(portfolio, **{name: one})) for one in (given, nobodys)]
    assert [answer.status_code for answer in answers] == [400, 400]
    told = [str(answer.json()["errors"]) for answer in answers]
    assert told[0].replace(str(given), "?") == told[1].replace(str(nobodys), "?")
    assert "Of another" not in str(answers[0].content)


def test_an_opening_balance_does_not_name_it_either(api: Any, portfolio: Portfolio, secret: Security) -> None:
    body = {"account_id": portfolio.ira.pk, "security_id": secret.pk, "quantity": "1", "date": "2020-01-02"}
    answer = api(portfolio.owner).post("/api/v1/reconciliation", body)
    assert answer.status_code in (400, 404)
    assert "Of another" not in str(answer.content)


def test_what_an_institution_reports_to_one_may_be_named_by_all(api: Any, portfolio: Portfolio, other: Any) -> None:
    """A ticker that everybody knows: the first to hold it is not its owner."""
    account = api(other).post("/api/v1/accounts", {"name": "Mine", "subtype": "ira", "currency": "USD"}).json()
    body = purchase(portfolio, ticker="VTI") | {"account_id": account["id"]}
    assert api(other).post(LEDGER, body).status_code == 201


def test_queries(api: Any, portfolio: Portfolio, django_assert_num_queries: Any) -> None:
    caller = api(portfolio.owner)
    with django_assert_num_queries(QUERIES):
        caller.post(URL, FUND)


# Two savepoints, user and tenant; whether it is there; and the upsert: four statements and its savepoint.
QUERIES = 10

from decimal import Decimal
from typing import Any

from investments import ledger
from tests.fixtures import TOTAL_VALUE

URL = "/api/portfolio/account-breakdown"


def test_each_account_and_the_total(api: Any, portfolio: Any) -> None:
    body = api(portfolio.owner).get(URL).json()
    assert body["account_breakdown"] == [
        {
            "account_id": portfolio.ira.pk,
            "account_name": "Ira",
            "account_type": "ira",
            "institution_name": "Vanguard",
            "portfolio_value": "6960.25",
            "percentage": 73.4331,
        },
        {
            "account_id": portfolio.brokerage.pk,
            "account_name": "Brokerage",
            "account_type": "brokerage",
            "institution_name": "Fidelity",
            "portfolio_value": "2518.10",
            "percentage": 26.5669,
        },
    ]
    assert (Decimal(body["total_value"]), body["total_accounts"]) == (TOTAL_VALUE, 2)


def test_agrees_with_value_and_positions(api: Any, portfolio: Any) -> None:
    portfolio.ira.holdings.update(market_value=Decimal("1234.5678"))
    caller = api(portfolio.owner)
    total = caller.get(URL).json()["total_value"]
    assert total == caller.get("/api/portfolio/value").json()["total"]
    assert total == caller.get("/api/portfolio/positions").json()["total_value"]


def test_shares_of_nothing_are_unknown(api: Any, portfolio: Any) -> None:
    portfolio.ira.holdings.update(market_value=Decimal("-250.25"), removed_at=None)
    portfolio.ira.holdings.exclude(security__ticker_symbol="VTI").delete()
    body = api(portfolio.owner).get(URL, {"filter_account": portfolio.ira.pk}).json()
    assert (body["total_value"], body["account_breakdown"][0]["percentage"]) == ("0.00", None)


def test_closed_accounts_are_left_out(api: Any, portfolio: Any) -> None:
    ledger.close_accounts(account_ids=[portfolio.ira.pk])
    assert api(portfolio.owner).get(URL).json()["total_accounts"] == 1


def test_another_owner_sees_nothing(api: Any, portfolio: Any, other: Any) -> None:
    body = api(other).get(URL).json()
    assert (body["account_breakdown"], body["total_accounts"], body["total_value"]) == ([], 0, "0.00")
    assert api(other).get(URL, {"filter_account": portfolio.ira.pk}).status_code == 404


def test_bad_input_names_the_field(api: Any, portfolio: Any) -> None:
    answer = api(portfolio.owner).get(URL, {"filter_account": "0"})
    assert (answer.status_code, set(answer.json()["errors"])) == (400, {"filter_account"})


def test_query_count(api: Any, portfolio: Any, django_assert_num_queries: Any) -> None:
    caller = api(portfolio.owner)
    # Savepoint, user and tenant, accounts, their worth, their names, release.
    with django_assert_num_queries(6):
        caller.get(URL)

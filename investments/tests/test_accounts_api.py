from decimal import Decimal
from typing import Any

from investments import ledger
from portfolio_site.lib.errors import PROBLEM_JSON
from tests.fixtures import BROKERAGE_VALUE, IRA_VALUE

URL = "/api/investments/accounts"


def test_accounts_with_institution_value_and_health(api: Any, portfolio: Any) -> None:
    body = api(portfolio.owner).get(URL).json()
    first, second = body["items"]
    assert (body["total_count"], body["has_more"], body["next_cursor"]) == (2, False, None)
    assert (first["id"], first["institution"]["name"], first["subtype"]) == (
        portfolio.brokerage.pk,
        "Fidelity",
        "brokerage",
    )
    assert Decimal(first["value"]) == BROKERAGE_VALUE
    assert Decimal(second["value"]) == IRA_VALUE
    assert (second["uninvested_cash"], second["is_tax_advantaged"]) == ("250.25", True)
    assert second["health"]["label"] == "Syncing"
    assert second["health"]["needs_attention"] is False


def test_value_follows_valuation_and_leaves_out_what_is_gone(api: Any, portfolio: Any) -> None:
    portfolio.brokerage.holdings.filter(security__ticker_symbol="AAPL").update(market_value=Decimal("2300.1234"))
    portfolio.brokerage.holdings.filter(security__ticker_symbol="TSLA").update(removed_at=portfolio.brokerage.opened_at)
    brokerage = api(portfolio.owner).get(URL).json()["items"][0]
    assert brokerage["value"] == "4043.2234"


def test_a_closed_account_is_not_listed(api: Any, portfolio: Any) -> None:
    ledger.close_accounts(account_ids=[portfolio.ira.pk])
    names = [account["name"] for account in api(portfolio.owner).get(URL).json()["items"]]
    assert names == ["Brokerage"]


def test_filter_account_and_source(api: Any, portfolio: Any) -> None:
    caller = api(portfolio.owner)
    chosen = caller.get(URL, {"filter_account": [portfolio.ira.pk]}).json()["items"]
    assert [account["id"] for account in chosen] == [portfolio.ira.pk]
    assert caller.get(URL, {"source_filter": "external"}).json()["total_count"] == 2
    assert caller.get(URL, {"source_filter": "brokerage"}).json()["total_count"] == 0


def test_another_owner_sees_nothing(api: Any, portfolio: Any, other: Any) -> None:
    assert api(other).get(URL).json() == {"items": [], "next_cursor": None, "has_more": False, "total_count": 0}
    foreign = api(other).get(URL, {"filter_account": portfolio.ira.pk})
    assert (foreign.status_code, foreign["Content-Type"]) == (404, PROBLEM_JSON)


def test_bad_input_names_the_field(api: Any, portfolio: Any) -> None:
    caller = api(portfolio.owner)
    for name, value in {"filter_account": "x", "source_filter": "moon", "institution": "x", "limit": "0"}.items():
        answer = caller.get(URL, {name: value})
        assert answer.status_code == 400, name
        assert set(answer.json()["errors"]) == {name}


def test_query_count(api: Any, portfolio: Any, django_assert_num_queries: Any) -> None:
    caller = api(portfolio.owner)
    # Savepoint, user and tenant, accounts, release.
    with django_assert_num_queries(4):
        caller.get(URL)

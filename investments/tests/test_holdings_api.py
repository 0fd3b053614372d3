from decimal import Decimal
from typing import Any

import pytest

from investments.api.holdings import HoldingSerializer
from investments.models import Holding
from tests.fixtures import BROKERAGE_VALUE, TOTAL_CASH, TOTAL_VALUE, Portfolio

URL = "/api/investments/holdings"


def _tickers(body: dict[str, Any]) -> list[str]:
    return [holding["security"]["ticker_symbol"] for holding in body["items"]]


def test_holdings_by_ticker_without_cash(api: Any, portfolio: Any) -> None:
    body = api(portfolio.owner).get(URL).json()
    assert _tickers(body) == ["AAPL", "AAPL", "AAPL270115C00250000", "TSLA", "VTI"]
    apple = body["items"][0]
    assert (apple["quantity"], apple["price"], apple["value"]) == ("10", "227.5", "2275.00")
    assert (apple["cost_basis"], apple["unrealized_gain"]) == ("1800.00", "475.00")
    assert apple["account_name"] == "Brokerage"


def test_an_unknown_basis_is_null_and_a_short_position_below_zero(api: Any, portfolio: Any) -> None:
    _, ira_apple, _, short, _ = api(portfolio.owner).get(URL).json()["items"]
    assert (ira_apple["cost_basis"], ira_apple["unrealized_gain"]) == (None, None)
    assert (short["quantity"], short["value"], short["unrealized_gain"]) == ("-5", "-1500.00", "-100.00")


def test_option_terms(api: Any, portfolio: Any) -> None:
    option = api(portfolio.owner).get(URL, {"type": "derivative"}).json()["items"][0]["security"]["option"]
    assert option == {
        "contract_type": "call",
        "strike_price": "250",
        "expiration_date": "2027-01-15",
        "underlying_ticker": "AAPL",
    }


def test_cash_rows_on_demand(api: Any, portfolio: Any) -> None:
    body = api(portfolio.owner).get(URL, {"include_cash": "true"}).json()
    assert "CUR:USD" in _tickers(body)
    assert body["total_count"] == 6


def test_filters(api: Any, portfolio: Any) -> None:
    caller, apple = api(portfolio.owner), portfolio.securities["sec-aapl"]
    expected = {
        ("account", portfolio.ira.pk): ["AAPL", "VTI"],
        ("filter_account", portfolio.ira.pk): ["AAPL", "VTI"],
        ("institution", portfolio.ira.institution_id): ["AAPL", "VTI"],
        ("security", apple.pk): ["AAPL", "AAPL"],
        ("type", "ETF"): ["VTI"],
        ("subtype", "option"): ["AAPL270115C00250000"],
        ("q", "vanguard"): ["VTI"],
        ("q", "tsl"): ["TSLA"],
    }
    for (name, value), tickers in expected.items():
        assert _tickers(caller.get(URL, {name: value}).json()) == tickers, name


def test_groups_add_up_to_the_total(api: Any, portfolio: Any) -> None:
    body = api(portfolio.owner).get(URL, {"group_by": "institution"}).json()
    fidelity, vanguard = body["groups"]
    assert [group["institution"]["name"] for group in body["groups"]] == ["Fidelity", "Vanguard"]
    assert Decimal(fidelity["subtotals"][0]["value"]) == BROKERAGE_VALUE
    assert (vanguard["accounts"][0]["subtotal"]["cash"], vanguard["subtotals"][0]["unknown_basis"]) == ("250.25", 1)
    (total,) = body["totals"]
    assert (Decimal(total["value"]), Decimal(total["cash"])) == (TOTAL_VALUE, TOTAL_CASH)
    # 475 + 200 - 100 + 800, the IRA's Apple without a basis left out.
    assert (total["unrealized_gain"], total["cost_basis"], total["holdings"]) == ("1375.00", "5900.00", 5)


def test_groups_list_cash_rows_only_when_asked_but_always_count_them(api: Any, portfolio: Any) -> None:
    caller = api(portfolio.owner)
    without = caller.get(URL, {"group_by": "institution"}).json()
    with_cash = caller.get(URL, {"group_by": "institution", "include_cash": "true"}).json()
    assert len(with_cash["groups"][0]["accounts"][0]["holdings"]) == 4
    assert len(without["groups"][0]["accounts"][0]["holdings"]) == 3
    assert with_cash["totals"] == without["totals"]


def test_groups_of_some_securities_leave_cash_and_other_accounts_out(api: Any, portfolio: Any) -> None:
    body = api(portfolio.owner).get(URL, {"group_by": "institution", "q": "VTI"}).json()
    assert [group["institution"]["name"] for group in body["groups"]] == ["Vanguard"]
    assert (body["totals"][0]["value"], body["totals"][0]["cash"]) == ("5800.00", "0.00")


def test_sums_of_two_currencies_stay_apart(api: Any, portfolio: Any) -> None:
    type(portfolio.ira).objects.filter(pk=portfolio.ira.pk).update(currency="EUR")
    portfolio.ira.holdings.update(market_value=Decimal(100))
    totals = api(portfolio.owner).get(URL, {"group_by": "institution"}).json()["totals"]
    assert [(total["currency"], total["value"]) for total in totals] == [("EUR", "450.25"), ("USD", "2518.10")]


def test_another_owner_sees_nothing(api: Any, portfolio: Any, other: Any) -> None:
    caller = api(other)
    assert caller.get(URL).json()["total_count"] == 0
    assert caller.get(URL, {"group_by": "institution"}).json() == {"groups": [], "totals": []}
    for name in ("account", "filter_account"):
        assert caller.get(URL, {name: portfolio.ira.pk}).status_code == 404


def test_bad_input_names_the_field(api: Any, portfolio: Any) -> None:
    for name, value in {"group_by": "moon", "account": "x", "security": "x", "cursor": "x", "q": "\0"}.items():
        answer = api(portfolio.owner).get(URL, {name: value})
        assert answer.status_code == 400, name
        assert set(answer.json()["errors"]) == {name}


def test_written_as_it_is_documented(portfolio: Portfolio) -> None:
    """The fields of the serializer document; what is sent is written without them, field by field the same."""
    Holding.objects.filter(security__ticker_symbol="VTI").update(
        market_price="291.5", market_value="5830.1234", market_basis="5000.5", priced_on="2026-11-20", day_change=-1
    )
    serializer = HoldingSerializer()
    held = list(Holding.objects.select_related("account", "security"))
    assert len(held) == len([one for one in held if one.security.is_option]) + 5
    for holding in held:
        assert serializer.to_representation(holding) == super(HoldingSerializer, serializer).to_representation(holding)


def test_query_counts(api: Any, portfolio: Any, django_assert_num_queries: Any) -> None:
    caller = api(portfolio.owner)
    # Savepoint, user and tenant, release; and holdings, which are counted as they are all on the page.
    with django_assert_num_queries(4):
        caller.get(URL)
    # Or holdings, accounts.
    with django_assert_num_queries(5):
        caller.get(URL, {"group_by": "institution"})


def test_the_gain_that_is_served_is_the_one_the_database_keeps(api: Any, portfolio: Any) -> None:
    """A pound of value at a rate of 1.25: whoever writes value or basis, the kept gain follows in the same row."""
    apple = Holding.objects.get(account=portfolio.brokerage, security=portfolio.securities["sec-aapl"])
    Holding.objects.filter(pk=apple.pk).update(market_value=Decimal("2843.7512"), market_basis=Decimal("2250.0037"))
    assert Holding.objects.filter(unrealized=Decimal("593.7475")).get() == apple
    served = api(portfolio.owner).get(URL).json()["items"][0]
    assert (served["value"], served["cost_basis"], served["unrealized_gain"]) == ("2843.7512", "2250.0037", "593.7475")
    Holding.objects.filter(pk=apple.pk).update(market_basis=None)
    assert not Holding.objects.exclude(unrealized=None).exists()


@pytest.mark.parametrize(
    "query", ["include_cash=null", "include_cash=yes", "include_cash=", "account=", "limit=501&group_by=institution"]
)
def test_what_is_no_answer_is_refused(api: Any, portfolio: Portfolio, query: str) -> None:
    answer = api(portfolio.owner).get(f"{URL}?{query}")
    assert (answer.status_code, list(answer.json()["errors"])) == (400, [query.split("=")[0]])

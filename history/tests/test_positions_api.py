from decimal import Decimal
from typing import Any

from history.api.positions import PositionSerializer
from history.models import MarketSymbol, SecurityMapping
from history.positions import positions
from history.valuation import account_worths, total_worth
from investments.models import Account, Holding, Security
from tests.fixtures import TOTAL_VALUE

URL = "/api/portfolio/positions"


def _by_symbol(body: dict[str, Any]) -> dict[str, Any]:
    return {position["symbol"]: position for position in body["items"]}


def test_one_row_per_symbol_greatest_first(api: Any, portfolio: Any) -> None:
    body = api(portfolio.owner).get(URL).json()
    assert [position["symbol"] for position in body["items"]] == ["VTI", "AAPL", "AAPL270115C00250000", "TSLA"]
    assert (body["cash"], Decimal(body["total_value"]), body["total_count"]) == ("1293.35", TOTAL_VALUE, 4)


def test_the_same_symbol_in_two_accounts(api: Any, portfolio: Any) -> None:
    apple = _by_symbol(api(portfolio.owner).get(URL).json())["AAPL"]
    assert (apple["qty"], apple["market_value"], apple["current_price"]) == ("14", "3185.00", "227.5")
    assert [(part["account_name"], part["qty"]) for part in apple["accounts"]] == [("Brokerage", "10"), ("Ira", "4")]
    # The IRA does not know its basis, so nobody knows the sum.
    assert (apple["cost_basis"], apple["unrealized_pl"], apple["unrealized_plpc"]) == (None, None, None)
    assert apple["weight"] == round(3185 / 9478.35, 6)


def test_option_and_short_position(api: Any, portfolio: Any) -> None:
    rows = _by_symbol(api(portfolio.owner).get(URL).json())
    option, short = rows["AAPL270115C00250000"], rows["TSLA"]
    assert (option["qty"], option["avg_entry_price"], option["unrealized_plpc"]) == ("2", "2.5", 0.4)
    assert (short["side"], short["qty"], short["avg_entry_price"]) == ("short", "-5", "280")
    assert (short["unrealized_pl"], short["unrealized_plpc"]) == ("-100.00", round(-100 / 1400, 6))


def test_change_today_is_a_fraction_of_the_value_before(api: Any, portfolio: Any) -> None:
    Holding.objects.filter(security__ticker_symbol="VTI").update(day_change=Decimal("-200"))
    rows = _by_symbol(api(portfolio.owner).get(URL).json())
    assert rows["VTI"]["change_today"] == round(-200 / 6000, 6)
    assert rows["AAPL"]["change_today"] is None


def test_two_brokerages_names_for_one_symbol_are_one_position(api: Any, portfolio: Any) -> None:
    symbol = MarketSymbol.objects.create(symbol="VTI", exchange="ARCX", kind="etf")
    theirs = Security.objects.create(external_id="other-vti", ticker_symbol="VTI.US", type="etf")
    for security in (portfolio.securities["sec-vti"], theirs):
        SecurityMapping.objects.create(security=security, symbol=symbol, method="ticker")
    held = {"quantity": 1, "institution_price": 290, "institution_value": 290, "cost_basis": 290}
    Holding.objects.create(owner=portfolio.owner, account=portfolio.brokerage, security=theirs, **held)
    position = _by_symbol(api(portfolio.owner).get(URL).json())["VTI"]
    assert (position["qty"], position["exchange"], position["cost_basis"]) == ("21", "ARCX", "5290.00")


def test_source_metadata_by_account(api: Any, portfolio: Any) -> None:
    Holding.objects.filter(security__ticker_symbol="VTI").update(source_metadata={"basis": "was per share"})
    position = _by_symbol(api(portfolio.owner).get(URL).json())["VTI"]
    assert position["source_metadata"] == {str(portfolio.ira.pk): {"basis": "was per share"}}
    assert position["data_source"] == "plaid"


def test_filter_account_changes_weights_too(api: Any, portfolio: Any) -> None:
    body = api(portfolio.owner).get(URL, {"filter_account": portfolio.ira.pk}).json()
    assert {row["symbol"]: row["weight"] for row in body["items"]} == {
        "VTI": round(5800 / 6960.25, 6),
        "AAPL": round(910 / 6960.25, 6),
    }


def test_aggregated_is_the_same(api: Any, portfolio: Any) -> None:
    caller = api(portfolio.owner)
    assert caller.get("/api/portfolio/aggregated").json() == caller.get(URL).json()


def test_another_owner_sees_nothing(api: Any, portfolio: Any, other: Any) -> None:
    assert api(other).get(URL).json()["items"] == []
    assert api(other).get(URL, {"filter_account": portfolio.ira.pk}).status_code == 404


def test_bad_input_names_the_field(api: Any, portfolio: Any) -> None:
    answer = api(portfolio.owner).get(URL, {"source_filter": "moon"})
    assert (answer.status_code, set(answer.json()["errors"])) == (400, {"source_filter"})


def test_written_as_it_is_documented(api: Any, portfolio: Any) -> None:
    """The serializer documents and is slow; what is sent is written without it, field by field the same."""
    Holding.objects.filter(security__ticker_symbol="TSLA").update(cost_basis="-1400.005", priced_on="2026-11-20")
    worths = account_worths(account_ids=list(Account.objects.values_list("pk", flat=True)))
    rows = positions(worths=worths, total_value=total_worth(worths).value)
    documented = PositionSerializer(rows, many=True, context={"currency": "USD"}).data
    assert api(portfolio.owner).get(URL).json()["items"] == documented


def test_a_row_is_what_the_holding_says(portfolio: Any) -> None:
    """As brokers leave it, unvalued and in two currencies, and as it is valued; priced by a name that is taken up."""
    symbol = MarketSymbol.objects.create(symbol="TSLA", exchange="former 9", kind="equity")
    SecurityMapping.objects.create(security=portfolio.securities["sec-tsla"], symbol=symbol, method="ticker")
    Security.objects.filter(ticker_symbol="AAPL").update(iso_currency_code="EUR")
    Holding.objects.filter(security__ticker_symbol="VTI").update(
        market_price="291.5", market_value="5830.1234", market_basis="5000.5", priced_on="2026-11-20"
    )
    held = Holding.objects.select_related("security", "account")
    told = {(row.account_id, row.security_id): row for row in held if not row.security.is_cash}
    worths = account_worths(account_ids=[account_id for account_id, _ in told])
    parts = [(row, part) for row in positions(worths=worths, total_value=Decimal(1)) for part in row.accounts]
    assert len(parts) == len(told) > 4
    for row, part in parts:
        holding = told[part.account_id, row.security_id]
        assert (part.market_value, part.cost_basis) == (holding.value, holding.basis)
        assert row.symbol != "TSLA" or (row.exchange, row.current_price) == ("", holding.current_price)
        assert row.symbol != "VTI" or row.current_price == holding.current_price


def test_query_count(api: Any, portfolio: Any, django_assert_num_queries: Any) -> None:
    caller = api(portfolio.owner)
    # Savepoint, user and tenant, accounts, their worth, holdings, release.
    with django_assert_num_queries(6):
        caller.get(URL)

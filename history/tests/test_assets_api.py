"""`/api/investments/securities/{id}`, `/api/assets/{symbol}`, `/api/v1/prices/bulk`."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine

from history.market.symbols import map_securities
from history.models import MarketSymbol, Price, SymbolAction
from history.partitions import ensure_partitions
from investments.models import Security
from tests.fixtures import NOW, TODAY, Portfolio

BULK = "/api/v1/prices/bulk"


@pytest.fixture(autouse=True)
def _today() -> Any:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def apple(portfolio: Portfolio) -> MarketSymbol:
    """Closes of three days, with a split of 2 for 1 on the third."""
    ensure_partitions()
    map_securities(security_ids=[security.pk for security in portfolio.securities.values()])
    symbol = MarketSymbol.objects.get(symbol="AAPL")
    for back, close in ((2, "450"), (1, "455"), (0, "227.5")):
        Price.objects.create(symbol=symbol, day=TODAY - timedelta(days=back), close=Decimal(close), source="test")
    SymbolAction.objects.create(symbol=symbol, kind="split", ex_date=TODAY, ratio=2, source="test")
    return symbol


def test_a_security_in_full(api: Any, portfolio: Portfolio, apple: MarketSymbol) -> None:
    apple_id = portfolio.securities["sec-aapl"].pk
    body = api(portfolio.owner).get(f"/api/investments/securities/{apple_id}").json()
    assert (body["symbol"], body["name"], body["currency"]) == ("AAPL", "Apple Inc.", "USD")
    assert body["prices"] == {
        "dates": ["2026-11-18", "2026-11-19", "2026-11-20"],
        "close": ["450", "455", "227.5"],
        "adjusted": ["225", "227.5", "227.5"],
        "adj_close": ["225", "227.5", "227.5"],
        "imputed": [True, True, True],
    }
    assert (body["quote"]["price"], body["quote"]["freshness"]["state"]) == ("227.5", "close")
    # 10 in the brokerage account and 4 in the IRA, of 9478.35 in all.
    position = body["position"]
    assert (position["qty"], position["market_value"]) == ("14", "3185.00")
    assert position["weight"] == round(3185 / 9478.35, 6)
    assert [part["account_name"] for part in position["accounts"]] == ["Brokerage", "Ira"]
    assert [row["name"] for row in body["transactions"]] == ["Apple dividend", "Buy Apple"]


def test_the_same_by_symbol_however_it_is_written(api: Any, portfolio: Portfolio, apple: MarketSymbol) -> None:
    caller = api(portfolio.owner)
    by_id = caller.get(f"/api/investments/securities/{portfolio.securities['sec-aapl'].pk}").json()
    assert caller.get("/api/assets/aapl").json() == by_id


@pytest.mark.parametrize(
    ("symbol", "asset_class", "value"),
    [
        ("VTI", "etf", "5800.00"),
        ("TSLA", "equity", "-1500.00"),
        ("AAPL270115C00250000", "derivative", "700.00"),
        ("CUR:USD", "cash", None),
        ("USD", "cash", None),
    ],
)
def test_there_is_an_answer_for_whatever_one_holds(
    api: Any, portfolio: Portfolio, symbol: str, asset_class: str, value: str | None
) -> None:
    """Unmapped and unpriced as they are here: funds, options, shorts, and cash, which is no position."""
    answer = api(portfolio.owner).get(f"/api/assets/{symbol}")
    body = answer.json()
    assert (answer.status_code, body["asset_class"], body["quote"]) == (200, asset_class, None)
    assert (body["position"] or {}).get("market_value") == value


def test_a_symbol_of_the_market_that_one_does_not_hold(api: Any, other: Any, apple: MarketSymbol) -> None:
    body = api(other).get("/api/assets/AAPL").json()
    assert (body["security"], body["position"], body["transactions"]) == (None, None, [])
    assert body["prices"]["close"][-1] == "227.5"


def test_what_one_does_not_have_is_not_there(api: Any, other: Any, portfolio: Portfolio) -> None:
    """Not even what it is called: somebody may have entered it by hand."""
    own = Security.objects.create(source="manual", external_id="x", name="Father's farm", ticker_symbol="FARM")
    for address in (f"securities/{own.pk}", f"securities/{portfolio.securities['sec-vti'].pk}", f"securities/{2**70}"):
        assert api(other).get(f"/api/investments/{address}").status_code == 404
    for symbol in ("FARM", "NOSUCH", "%00", "%20", "VTI"):
        assert api(other).get(f"/api/assets/{symbol}").status_code == 404


def test_an_asset_takes_a_fixed_number_of_queries(
    api: Any, portfolio: Portfolio, apple: MarketSymbol, django_assert_max_num_queries: Any
) -> None:
    caller = api(portfolio.owner)
    caller.get("/api/assets/AAPL")
    with django_assert_max_num_queries(16):
        caller.get("/api/assets/AAPL")


def test_prices_of_many_symbols(api: Any, owner: Any, apple: MarketSymbol) -> None:
    asked = {"symbols": ["aapl", "NOSUCH", "TSLA"], "from": "2026-11-19", "to": "2026-11-20"}
    body = api(owner).post(BULK, asked).json()
    assert body["unknown"] == ["NOSUCH"]
    by_symbol = {item["symbol"]: item for item in body["items"]}
    assert by_symbol["AAPL"]["dates"] == ["2026-11-19", "2026-11-20"]
    assert by_symbol["AAPL"]["adjusted"] == ["227.5", "227.5"]
    assert by_symbol["TSLA"]["dates"] == by_symbol["TSLA"]["close"] == []


def test_dividends_are_put_back_and_what_is_only_announced_is_not(api: Any, owner: Any, apple: MarketSymbol) -> None:
    """2.275 of 455 are half a percent; a provider told one adjusted close itself."""
    Price.objects.filter(symbol=apple, day=TODAY).update(adj_close=Decimal("227.5"))
    SymbolAction.objects.create(
        symbol=apple, kind="cash_dividend", ex_date=TODAY, cash_per_unit=Decimal("1.1375"), source="test"
    )
    ahead = TODAY + timedelta(days=5)
    SymbolAction.objects.create(symbol=apple, kind="split", ex_date=ahead, ratio=4, source="test")
    (item,) = api(owner).post(BULK, {"symbols": ["AAPL"], "from": "2026-11-18"}).json()["items"]
    assert item["adjusted"] == ["225", "227.5", "227.5"]
    assert item["adj_close"] == ["223.875", "226.3625", "227.5"]
    assert item["imputed"] == [True, True, False]
    (before,) = api(owner).post(BULK, {"symbols": ["AAPL"], "from": "2026-11-18", "to": "2026-11-19"}).json()["items"]
    assert (before["adjusted"], before["adj_close"]) == (["225", "227.5"], ["225", "227.5"]), "on today's scale"


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"symbols": []}, "symbols"),
        ({"symbols": ["A"] * 101}, "symbols"),
        ({"symbols": "AAPL"}, "symbols"),
        ({"from": "2026-11-21"}, "from"),
        ({"from": "2024-11-01"}, "from"),
        ({"from": None}, "from"),
    ],
)
def test_a_bulk_question_that_makes_no_sense(api: Any, owner: Any, wrong: dict[str, Any], field: str) -> None:
    answer = api(owner).post(BULK, {"symbols": ["AAPL"], "from": "2026-11-19", "to": "2026-11-20", **wrong})
    assert (answer.status_code, set(answer.json()["errors"])) == (400, {field})


def test_two_years_are_not_too_much(api: Any, owner: Any, apple: MarketSymbol) -> None:
    assert date(2026, 11, 20) - date(2024, 11, 20) < timedelta(days=731)
    assert api(owner).post(BULK, {"symbols": ["AAPL"], "from": "2024-11-20"}).status_code == 200

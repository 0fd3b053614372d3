"""The drawer of the holdings: what it says of a security is what the other pages and the ledger say."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from history.models import MarketSymbol, Price, SecurityMapping, SymbolAction
from history.valuation import market_today
from investments import ledger
from investments.entries import TransactionEntry
from investments.lots import recompute_lots
from tests.fixtures import Portfolio
from tests.pages import Browser, signed_in, words_of

URL = "/holdings/"
FRAGMENT = {"HTTP_X_FRAGMENT": "1"}
# Of the page: session, user, tenant, savepoints, accounts, worths. Of the drawer: security, holding, alike, actions,
# income (five), quote, prices, trades, positions, lots with their prices, activity and its count.
QUERIES = 24


def open_drawer(portfolio: Portfolio, ticker: str = "AAPL", **query: Any) -> Any:
    security = security_of(portfolio, ticker)
    return signed_in(portfolio.owner).get(URL, {"security": security.pk, **query}, **FRAGMENT)


def security_of(portfolio: Portfolio, ticker: str) -> Any:
    return next(one for one in portfolio.securities.values() if one.ticker_symbol == ticker)


@pytest.fixture
def priced(portfolio: Portfolio) -> list[date]:
    """AAPL closed at 100 and 110 before it was split in two, and at 56 since; the owner bought on the second day."""
    today = market_today()
    days = [today - timedelta(days=back) for back in (30, 20, 10)]
    symbol = MarketSymbol.objects.create(symbol="AAPL")
    SecurityMapping.objects.create(security=security_of(portfolio, "AAPL"), symbol=symbol, method="ticker")
    for day, close in zip(days, (100, 110, 56), strict=True):
        Price.objects.create(symbol=symbol, day=day, close=close, source="fmp")
    SymbolAction.objects.create(symbol=symbol, kind="split", ex_date=today - timedelta(days=15), ratio=2, source="fmp")
    SymbolAction.objects.create(
        symbol=symbol,
        kind="cash_dividend",
        ex_date=today + timedelta(days=5),
        cash_per_unit=Decimal("0.26"),
        source="fmp",
    )
    bought = TransactionEntry(
        "t9", type="buy", subtype="buy", date=days[1] + timedelta(days=1), amount=Decimal(330), quantity=Decimal(3),
        price=Decimal(110), account_external_id="brokerage", security_external_id="sec-aapl",
    )  # fmt: skip
    accounts = {"brokerage": portfolio.brokerage}
    ledger.record_transactions(
        accounts=accounts, securities=portfolio.securities, source="plaid", entries=[bought], today=today
    )
    return days


def test_positions_of_all_accounts_are_one(portfolio: Portfolio) -> None:
    position = open_drawer(portfolio).context["panel"].content.details.position
    assert (position.quantity, position.market_value) == (14, Decimal("3185.00"))
    assert [part.account_name for part in position.accounts] == ["Brokerage", "Ira"]
    assert position.gain is None  # the IRA's basis is not told


def test_only_the_accounts_in_scope_count(portfolio: Portfolio) -> None:
    position = open_drawer(portfolio, account=portfolio.brokerage.pk).context["panel"].content.details.position
    assert (position.quantity, position.gain) == (10, 475)


def test_closes_are_divided_by_later_splits_and_trades_stand_at_their_day(
    portfolio: Portfolio, priced: list[date]
) -> None:
    series = open_drawer(portfolio).context["panel"].content.series
    assert series["values"] == [50, 55, 56]
    assert series["percent"] == pytest.approx([0, 0.1, 0.12])
    assert series["trades"] == [0, 3, 0]
    assert series["dates"] == [day.isoformat() for day in priced]


def test_what_is_read_without_scripts(portfolio: Portfolio, priced: list[date]) -> None:
    recompute_lots(owner_id=portfolio.owner.pk)
    words = words_of(open_drawer(portfolio))
    assert "Between $50.00 and $56.00 ; +12.00% in the year." in words
    assert "Dividend Announced $0.26 a unit" in words
    assert "2 for 1" in words
    assert "Buy Brokerage" in words
    assert "What you hold Value $3,185.00" in words


def test_the_quote_is_the_last_close_and_says_how_old_it_is(portfolio: Portfolio, priced: list[date]) -> None:
    answer = open_drawer(portfolio)
    drawer = answer.context["panel"].content
    assert drawer.details.quote.price == 56
    assert drawer.freshness.state == "stale"
    assert "As of close" in words_of(answer)


def test_terms_of_an_option(portfolio: Portfolio) -> None:
    words = words_of(open_drawer(portfolio, "AAPL270115C00250000"))
    for told in ("Contract Call", "Underlying AAPL", "Strike 250", "Expires 15 Jan 2027", "Contract size 100"):
        assert told in words
    assert "valued at the brokerage's price" in words


def test_terms_of_a_bond(portfolio: Portfolio) -> None:
    security = security_of(portfolio, "VTI")
    terms = {"coupon_rate": {"percentage": 4.1}, "face_value": 100, "maturity_date": "2027-03-29", "issue_date": None}
    type(security).objects.filter(pk=security.pk).update(type="fixed income", fixed_income=terms)
    words = words_of(open_drawer(portfolio, "VTI"))
    assert "Coupon 4.10%" in words
    assert "Matures 29 Mar 2027" in words
    assert "Issued" not in words


def test_an_address_opens_the_page_with_its_drawer(portfolio: Portfolio) -> None:
    security = security_of(portfolio, "VTI")
    answer = signed_in(portfolio.owner).get(URL, {"security": security.pk})
    assert b'<dialog class="drawer" id="drawer"' in answer.content
    assert "Vanguard Total Market" in words_of(answer)
    assert "Total $9,478.35" in words_of(answer)


@pytest.mark.parametrize("text", ["x", "-1", "0", "99999999999999999999999", "1 or 1=1", "\N{SUPERSCRIPT TWO}"])
def test_what_is_no_security_is_not_found(portfolio: Portfolio, text: str) -> None:
    assert signed_in(portfolio.owner).get(URL, {"security": text}).status_code == 404


def test_what_another_holds_is_not_found(portfolio: Portfolio, other: Any) -> None:
    security = security_of(portfolio, "AAPL")
    assert signed_in(other).get(URL, {"security": security.pk}).status_code == 404


def test_cash_is_no_security(portfolio: Portfolio) -> None:
    assert open_drawer(portfolio, "CUR:USD").status_code == 404


def test_a_drawer_that_cannot_be_read_keeps_what_it_said(portfolio: Portfolio, monkeypatch: Any) -> None:
    open_drawer(portfolio)

    def fail(**_: Any) -> None:
        raise RuntimeError("a column is gone")

    monkeypatch.setattr("history.pages.drawer.security_details", fail)
    words = words_of(open_drawer(portfolio))
    assert "This security could not be read. Shown as it was at" in words
    assert "What you hold Value $3,185.00" in words


def test_queries(portfolio: Portfolio, priced: list[date], django_assert_num_queries: Any) -> None:
    client: Browser = signed_in(portfolio.owner)
    query = {"security": security_of(portfolio, "AAPL").pk}
    client.get(URL, query, **FRAGMENT)
    with django_assert_num_queries(QUERIES):
        client.get(URL, query, **FRAGMENT)

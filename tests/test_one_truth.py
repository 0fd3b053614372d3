"""One truth: whoever asks what a portfolio is worth gets the same cents, for every user of the local Plaid server.

Overview, value API, account breakdown, last point of history and the sum of what the institution says; in total and per
account, after the real link, sync and rebuild. What is held in euros, pounds and dollars is the same money wherever it
is told, in any base currency: there the oracle converts by hand, from the rates that are kept.
"""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from django.utils import timezone

from history.claims import behind
from history.models import AccountDay, AccountHistory, FxRate, Price
from history.reconstruction.rebuild import rebuild_accounts
from history.valuation import market_today
from investments.models import Account
from plaid_link import link
from plaid_link.sandbox.testing import PlaidServer, plaid_process, plaid_server
from plaid_link.sync import sync_item, whole_window
from portfolio_site.lib.money import displayed
from tests.pages import signed_in, words_of

__all__ = ["plaid_process", "plaid_server"]

USERS = ["user_good", "user_401k", "user_trader", "user_crypto", "user_cash", "user_complete", "user_family"]


def linked_and_rebuilt(owner: Any, plaid: PlaidServer, username: str) -> list[Account]:
    item = link.exchange_public_token(user_id=owner.pk, public_token=plaid.public_token(username)).item
    start, end = whole_window()
    sync_item(item=item, trigger="user", start=start, end=end)
    accounts = list(Account.objects.prefetch_related("holdings"))
    rebuilt = rebuild_accounts(account_ids=[account.pk for account in accounts])
    assert rebuilt.failed == ()
    assert behind(limit=9) == []
    return accounts


def told_by_the_institution(account: Account) -> Decimal:
    held = account.holdings.filter(removed_at=None)
    return sum((row.institution_value for row in held), account.uninvested_cash)


@pytest.mark.parametrize("username", USERS)
def test_everybody_tells_the_same_value(
    owner: Any, api: Any, plaid_server: PlaidServer, settings: Any, username: str
) -> None:
    settings.PLAID_HOST = plaid_server.url
    accounts = linked_and_rebuilt(owner, plaid_server, username)
    told = {account.pk: displayed(told_by_the_institution(account)) for account in accounts}
    total, caller = f"{displayed(sum(map(told_by_the_institution, accounts)))}", api(owner)

    assert caller.get("/api/portfolio/value").json()["total"] == total
    assert f"${Decimal(total):,.2f}" in words_of(signed_in(owner).get("/"))
    breakdown = caller.get("/api/portfolio/account-breakdown").json()
    assert breakdown["total_value"] == total
    assert {row["account_id"]: Decimal(row["portfolio_value"]) for row in breakdown["account_breakdown"]} == told
    history = caller.get("/api/portfolio/history", {"period": "2Y"}).json()
    assert (history["dates"][-1], history["value"][-1]) == (str(market_today()), total)
    for account_id, value in told.items():
        own = {"filter_account": account_id}
        assert caller.get("/api/portfolio/value", own).json()["total"] == str(value)
        assert caller.get("/api/portfolio/history", own).json()["value"][-1] == str(value)


@pytest.mark.parametrize("username", USERS)
def test_two_years_of_a_life_can_be_trusted(
    owner: Any, api: Any, plaid_server: PlaidServer, settings: Any, username: str
) -> None:
    """731 days each, nothing unexplained, no day that jumps but by a flow."""
    settings.PLAID_HOST = plaid_server.url
    accounts = linked_and_rebuilt(owner, plaid_server, username)
    history = api(owner).get("/api/portfolio/history", {"period": "2Y"}).json()
    assert len(history["dates"]) == 731
    unexplained = [str(a) for account in accounts for a in account.anomalies.exclude(kind="unmapped")]
    assert unexplained == []
    growth = [after / before for before, after in pairwise(history["twrr"])]
    assert min(growth) > 0.8
    assert max(growth) < 1.25
    assert {row.state for row in AccountHistory.objects.all()} == {"ready"}


D = Decimal
HALF_CENT = D("0.005001")
# account: ticker, currency, units, price, basis. The pounds of the first account and the euros of the last are foreign.
HELD = {
    "EUR": [
        ("ADYEY", "EUR", 12, "187.43", "1500"),
        ("RIOGB", "GBP", 40, "51.27", "1900.50"),
        ("CUR:EUR", "EUR", 310, "1", None),
    ],
    "GBP": [("VODGB", "GBP", 700, "0.8113", "612.10"), ("CUR:GBP", "GBP", 95, "1", None)],
    "USD": [
        ("AAPL", "USD", 9, "241.12", "1410"),
        ("ADYEY", "EUR", 3, "187.43", "420"),
        ("CUR:USD", "USD", 77, "1", None),
    ],
}
BOUGHT = 300  # days ago, ten shares for pounds, out of the euros


def custom_user(today: date) -> dict[str, Any]:
    return {"override_accounts": [_account(currency, today) for currency in HELD]}


def _account(currency: str, today: date) -> dict[str, Any]:
    holdings = [
        {
            "quantity": units,
            "institution_price": price,
            "cost_basis": basis,
            "currency": its,
            "security": _security(ticker, its),
        }
        for ticker, its, units, price, basis in HELD[currency]
    ]
    bought = {
        "date": str(today - timedelta(BOUGHT)),
        "name": "Buy",
        "type": "buy",
        "quantity": 10,
        "price": "48.5",
        "currency": "GBP",
        "security": _security("RIOGB", "GBP"),
    }
    return {
        "type": "investment",
        "subtype": "brokerage",
        "currency": currency,
        "meta": {"name": currency},
        "holdings": holdings,
        "investment_transactions": [bought] if currency == "EUR" else [],
    }


def _security(ticker: str, currency: str) -> dict[str, Any]:
    return {"ticker_symbol": ticker, "currency": currency}


@pytest.fixture
def abroad(owner: Any, plaid_server: PlaidServer, settings: Any) -> dict[str, Account]:
    """Linked, synced and rebuilt, by currency."""
    settings.PLAID_HOST = plaid_server.url
    token = plaid_server.public_token(custom=custom_user(timezone.now().date()))
    item = link.exchange_public_token(user_id=owner.pk, public_token=token).item
    start, end = whole_window()
    sync_item(item=item, trigger="user", start=start, end=end)
    linked = {account.currency: account for account in Account.objects.all()}
    assert rebuild_accounts(account_ids=[account.pk for account in linked.values()]).failed == ()
    return linked


Rate = Callable[[str, str, date], Decimal]


def rates_kept() -> Rate:
    """Units of one currency for another at the end of a day, from the rows against the dollar."""
    dollars = {"USD": {date.min: D(1)}}
    for row in FxRate.objects.filter(quote="USD"):
        dollars.setdefault(row.base, {})[row.day] = row.rate
    days = {currency: sorted(rates) for currency, rates in dollars.items()}

    def dollar(currency: str, day: date) -> Decimal:
        return dollars[currency][max(known for known in days[currency] if known <= day)]

    return lambda source, target, day: dollar(source, day) / dollar(target, day)


def near(told: str | Decimal, exact: Decimal) -> bool:
    return abs(D(told) - exact) <= HALF_CENT


def in_base(rate: Rate, base: str, figure: Callable[..., Decimal]) -> dict[str, Decimal]:
    """By account: a figure of its holdings, in their own currency, converted."""
    today = market_today()
    return {
        account: sum((figure(*row) * rate(row[1], account, today) * rate(account, base, today) for row in rows), D(0))
        for account, rows in HELD.items()
    }


@pytest.mark.parametrize("base", ["EUR", "GBP", "USD"])
def test_every_figure_is_the_same_money_in_any_base_currency(
    owner: Any, api: Any, abroad: dict[str, Account], base: str
) -> None:
    type(owner).objects.filter(pk=owner.pk).update(base_currency=base)
    rate, caller, page = rates_kept(), api(owner), signed_in(owner)
    value = in_base(rate, base, lambda _t, _c, units, price, _b: units * D(price))
    cash = in_base(rate, base, lambda ticker, _c, units, _p, _b: D(units) if ":" in ticker else D(0))
    basis = in_base(rate, base, lambda _t, _c, _u, _p, basis: D(basis or 0))
    total, gain = sum(value.values()), sum(value.values()) - sum(cash.values()) - sum(basis.values())

    told = caller.get("/api/portfolio/value").json()
    assert (told["currency"], told["missing_rates"]) == (base, [])
    assert near(told["total"], total)
    assert near(told["cash"], sum(cash.values()))
    breakdown = caller.get("/api/portfolio/account-breakdown").json()
    assert breakdown["total_value"] == told["total"]
    parts = {row["account_id"]: row["portfolio_value"] for row in breakdown["account_breakdown"]}
    assert all(near(parts[abroad[currency].pk], worth) for currency, worth in value.items())

    positions = caller.get("/api/portfolio/positions").json()
    rows = positions["items"]
    assert (positions["total_value"], positions["cash"]) == (told["total"], told["cash"])
    assert abs(sum(D(row["unrealized_pl"]) for row in rows) - gain) <= len(rows) * HALF_CENT
    overview, holdings = page.get("/").context, page.get("/holdings/").context
    assert near(overview["value"]["total"], total)
    assert near(holdings["sums"].value, total)
    assert near(holdings["sums"].gain, gain)
    assert near(holdings["sums"].cost_basis, sum(basis.values()))
    assert overview["value"]["day_change"] == holdings["sums"].day_change
    assert near(told["day_change"], holdings["sums"].day_change)

    history = caller.get("/api/portfolio/history", {"period": "2Y"}).json()
    assert (history["value"][-1], history["cash"][-1], history["missing_rates"]) == (told["total"], told["cash"], [])
    assert near(history["cost_basis"][-1], sum(basis.values()))
    by_day: dict[str, Decimal] = {}
    for day, currency, worth in AccountDay.objects.values_list("day", "account__currency", "value"):
        by_day[str(day)] = by_day.get(str(day), D(0)) + worth * rate(currency, base, day)
    assert len(by_day) == 731
    assert [
        day for day, worth in zip(history["dates"], history["value"], strict=True) if not near(worth, by_day[day])
    ] == []


def test_a_day_is_converted_at_its_own_rate(abroad: dict[str, Account]) -> None:
    """Pounds in an account of euros, before and after the purchase: closes, rates and cash of each day."""
    rate, today = rates_kept(), market_today()
    bought = timezone.now().date() - timedelta(BOUGHT)
    figures = AccountDay.objects.filter(account=abroad["EUR"]).values_list("day", "value", "cost_basis")
    days, bases = {row[0]: row[1] for row in figures}, {row[0]: row[2] for row in figures}
    for back in (40, 150, 290, 310, 500, 700):
        day = today - timedelta(back)
        exact = D(310)
        for ticker, currency, units, _price, _basis in HELD["EUR"][:2]:
            held = units - 10 if ticker == "RIOGB" and day < bought else units
            close = Price.objects.filter(symbol__symbol=ticker, day__lte=day).latest("day").close
            exact += held * close * rate(currency, "EUR", day)
        exact += 0 if day >= bought else 485 * rate("GBP", "EUR", bought)
        assert days[day] == pytest.approx(exact, abs=D("0.001")), day
        if day >= bought:
            assert bases[day] == pytest.approx(1500 + D("1900.50") * rate("GBP", "EUR", day), abs=D("0.001"))

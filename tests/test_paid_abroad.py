"""Trades in another currency than the security's or the account's: lots, gains, cash, holdings and Form 8949.

All figures are worked out by hand from the rates of FEBRUARY and JUNE; each amount converts at its own day's rate.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from history.invalidation import rates_came
from history.market.rates import ensure_rates, paid_rates
from history.models import FxRate
from history.tests.test_rates import Quoted, chain
from investments import lots, manual, tax
from investments.entries import SecurityEntry
from investments.ledger import Refused, upsert_securities
from investments.models import Account, RealizedLot, Security, TaxLot
from tests.fixtures import WebClient

D = Decimal
FEBRUARY, JUNE = date(2026, 2, 2), date(2026, 6, 1)
RATES = {("GBP", FEBRUARY): "1.25", ("GBP", JUNE): "1.30", ("EUR", FEBRUARY): "1.10", ("EUR", JUNE): "1.20"}


@dataclass(frozen=True)
class Shelf:
    """A person's account of some currency, kept by hand, and two stocks."""

    account: Account
    apple: Security
    sap: Security

    def trade(self, day: date, units: object, amount: object, currency: str, security: Security | None = None) -> Any:
        kind = "buy" if D(str(units)) > 0 else "sell"
        told = manual.Told(
            self.account, kind, kind, day, security=security or self.apple, quantity=D(str(units)),
            amount=D(str(amount)), currency=currency,
        )  # fmt: skip
        return manual.add_transaction(told=told)

    def recompute(self) -> None:
        lots.recompute_lots(owner_id=self.account.owner_id)

    def now(self) -> Account:
        return Account.objects.get(pk=self.account.pk)

    def form(self, year: int = 2026) -> tax.Report:
        return tax.report(tax.closings(owner=self.account.owner, year=year), year=year)


@pytest.fixture
def rates(db: None) -> None:
    told = [FxRate(base=base, quote="USD", day=day, rate=D(rate), source="test") for (base, day), rate in RATES.items()]
    FxRate.objects.bulk_create(told)


@pytest.fixture
def shelf_in(owner: Any) -> Callable[[str], Shelf]:
    def made(currency: str) -> Shelf:
        account = manual.open_account(owner_id=owner.pk, name="By hand", subtype="brokerage", currency=currency)
        entries = [
            SecurityEntry("us-1", ticker_symbol="AAPL", type="equity", iso_currency_code="USD"),
            SecurityEntry("de-1", ticker_symbol="SAP", type="equity", iso_currency_code="EUR"),
        ]
        known = upsert_securities(source="plaid", entries=entries).by_external_id
        return Shelf(account, known["us-1"], known["de-1"])

    return made


def test_a_dollar_stock_that_is_booked_in_pounds(rates: None, shelf_in: Callable[[str], Shelf]) -> None:
    """1500 pounds are 1875 dollars in February, 800 pounds 1040 dollars in June: 1040 - 4/10 of 1875 = 290."""
    shelf = shelf_in("GBP")
    shelf.trade(FEBRUARY, 10, 1500, "GBP")
    shelf.trade(JUNE, -4, -800, "GBP")
    shelf.recompute()
    (closed,), (lot,) = RealizedLot.objects.all(), TaxLot.objects.all()
    assert (closed.currency, closed.proceeds, closed.basis, closed.gain) == ("USD", 1040, 750, 290)
    assert (lot.currency, lot.quantity, lot.cost) == ("USD", 6, 1125)
    held = shelf.account.holdings.get(security=shelf.apple)
    assert (held.quantity, held.cost_basis) == (6, 1125)
    # Cash is what the rows booked, in pounds, at no rate.
    assert shelf.now().uninvested_cash == -700
    (row,) = shelf.form().rows
    assert (row.proceeds, row.basis, row.gain) == (1040, 750, 290)


def test_a_euro_stock_in_a_dollar_account_is_on_the_form_in_dollars(
    rates: None, shelf_in: Callable[[str], Shelf]
) -> None:
    """1000 euro cost 1100 dollars, 1050 euro brought 1260: 50 euro are 160 dollars of gain, 110 of them by the rate."""
    shelf = shelf_in("USD")
    shelf.trade(FEBRUARY, 10, 1000, "EUR", shelf.sap)
    shelf.trade(JUNE, -10, -1050, "EUR", shelf.sap)
    shelf.recompute()
    (closed,) = RealizedLot.objects.all()
    assert (closed.currency, closed.gain) == ("EUR", 50)
    report = shelf.form()
    (row,) = report.rows
    assert report.is_converted
    assert (row.proceeds, row.basis, row.gain) == (1260, 1100, 160)
    assert report.short.gain == 160


def test_what_a_dollar_account_paid_in_dollars_for_a_euro_stock_is_paid_in_dollars(
    rates: None, shelf_in: Callable[[str], Shelf]
) -> None:
    """There and back at the rate of one day changes nothing: 1099.95 and 1300.05 dollars stay what they were."""
    shelf = shelf_in("USD")
    shelf.trade(FEBRUARY, 10, "1099.95", "USD", shelf.sap)
    shelf.trade(JUNE, -10, "-1300.05", "USD", shelf.sap)
    shelf.recompute()
    (row,) = shelf.form().rows
    assert (row.proceeds, row.basis, row.gain) == (D("1300.05"), D("1099.95"), D("200.10"))
    assert shelf.now().uninvested_cash == D("200.10")


def test_a_loss_put_off_is_put_off_in_dollars(rates: None, shelf_in: Callable[[str], Shelf]) -> None:
    """1000 euro for 1100 dollars, sold for 800 euro or 960 dollars: all of 140 dollars is put off, no cent is left."""
    shelf = shelf_in("USD")
    shelf.trade(FEBRUARY, 10, 1000, "EUR", shelf.sap)
    shelf.trade(JUNE, -10, -800, "EUR", shelf.sap)
    shelf.trade(JUNE + timedelta(5), 10, 810, "EUR", shelf.sap)
    shelf.recompute()
    (row,) = shelf.form().rows
    assert (row.proceeds, row.basis, row.code, row.adjustment, row.gain) == (960, 1100, "W", 140, 0)


def test_a_short_is_paid_for_when_it_is_closed(rates: None, shelf_in: Callable[[str], Shelf]) -> None:
    """1000 euro came in February for 1100 dollars, 900 went in June for 1080: 20 dollars of gain."""
    shelf = shelf_in("USD")
    shelf.trade(FEBRUARY, -10, -1000, "EUR", shelf.sap)
    shelf.trade(JUNE, 10, 900, "EUR", shelf.sap)
    shelf.recompute()
    (row,) = shelf.form().rows
    assert (row.proceeds, row.basis, row.gain) == (1100, 1080, 20)


def test_without_a_rate_the_cost_is_unknown_until_it_comes(shelf_in: Callable[[str], Shelf]) -> None:
    shelf = shelf_in("GBP")
    shelf.trade(FEBRUARY, 10, 1500, "GBP")
    shelf.recompute()
    assert TaxLot.objects.get().cost is None
    assert shelf.account.holdings.get(security=shelf.apple).cost_basis is None
    before = shelf.now().ledger_version

    provider = Quoted({"GBP": "1.25"})
    ensure_rates(currencies=["GBP"], start=FEBRUARY, end=FEBRUARY, chain=chain(provider), now=timezone.now())
    assert shelf.now().ledger_version > before
    shelf.recompute()
    assert TaxLot.objects.get().cost == 1875
    assert shelf.account.holdings.get(security=shelf.apple).cost_basis == 1875


def test_a_rate_that_concerns_no_row_leaves_the_ledger_alone(rates: None, shelf_in: Callable[[str], Shelf]) -> None:
    shelf = shelf_in("GBP")
    shelf.trade(FEBRUARY, 10, 1500, "GBP")
    shelf.trade(JUNE, 10, 1875, "USD")
    before = shelf.now().ledger_version
    rates_came([("GBP", "USD")], FEBRUARY + timedelta(1))
    rates_came([("EUR", "USD")], FEBRUARY)
    assert shelf.now().ledger_version == before
    rates_came([("GBP", "USD")], FEBRUARY)
    assert shelf.now().ledger_version == before + 1


def test_rates_are_asked_back_to_the_first_day_that_needs_one(
    shelf_in: Callable[[str], Shelf], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Histories reach back two years; a lot may be of any age. What is all in dollars asks for nothing."""
    shelf = shelf_in("USD")
    shelf.trade(date(2012, 5, 7), 10, 500, "USD")
    provider = Quoted({"GBP": "1.25"})
    monkeypatch.setattr("history.market.rates.configured_chain", lambda: chain(provider))
    paid_rates(account_ids=[shelf.account.pk])
    assert provider.asked == []
    shelf.trade(date(2011, 5, 9), 10, 500, "GBP")
    paid_rates(account_ids=[shelf.account.pk])
    ((pair, start, _),) = provider.asked
    assert pair == ("GBP", "USD")
    assert start <= date(2011, 5, 9)
    shelf.recompute()
    assert [lot.cost for lot in TaxLot.objects.order_by("opened")] == [625, 500]


def test_nobody_guesses_what_the_figures_are_in(shelf_in: Callable[[str], Shelf]) -> None:
    shelf = shelf_in("GBP")
    with pytest.raises(Refused, match="AAPL is in USD and the account in GBP") as refused:
        shelf.trade(FEBRUARY, 10, 1500, "")
    assert refused.value.field == "currency"
    assert shelf.now().uninvested_cash == 0


def test_the_api_and_the_page_ask_for_the_currency(
    rates: None, shelf_in: Callable[[str], Shelf], api: Callable[..., WebClient]
) -> None:
    """Through the web role, which reads rates and rows under row security."""
    shelf = shelf_in("GBP")
    client = api(shelf.account.owner)
    told = {
        "account_id": shelf.account.pk, "type": "buy", "ticker": "AAPL", "date": str(FEBRUARY), "quantity": "10",
        "price": "150",
    }  # fmt: skip
    refused = client.post("/api/v1/transactions", told, format="json")
    assert refused.status_code == 400
    assert list(refused.json()["errors"]) == ["currency"]
    assert client.post("/api/v1/transactions", told | {"currency": "GBP"}, format="json").status_code == 201
    assert shelf.account.holdings.get(security=shelf.apple).cost_basis == 1875

    client.force_login(shelf.account.owner)
    form = {"account": shelf.account.pk, "kind": "buy/buy", "date": str(FEBRUARY), "security": "AAPL", "quantity": "2",
            "price": "200", "currency": ""}  # fmt: skip
    page = {"path": "/transactions/add/", "format": "multipart", "headers": {"X-Fragment": "1"}}
    again = client.post(data=form, **page)
    assert "say which of them these figures are in" in again.content.decode()
    assert client.post(data=form | {"currency": "usd"}, **page).status_code == 204
    assert shelf.account.holdings.get(security=shelf.apple).cost_basis == 1875 + 400
    assert shelf.account.holdings.get(security__ticker_symbol="CUR:USD").quantity == -400

"""A small portfolio with known sums, and callers whose requests reach PostgreSQL as the web role.

Loaded as a plugin, so that every app's tests have it. `owner`, `other` and `staff` come from the root conftest.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import AccessToken

from investments import ledger
from investments.entries import AccountEntry, HoldingEntry, InstitutionEntry, SecurityEntry, TransactionEntry
from investments.models import Account, Security

TODAY = date(2026, 11, 20)
NOW = datetime(2026, 11, 20, 22, tzinfo=UTC)

SECURITIES = [
    SecurityEntry("sec-aapl", name="Apple Inc.", ticker_symbol="AAPL", type="equity", iso_currency_code="USD"),
    SecurityEntry("sec-tsla", name="Tesla Inc.", ticker_symbol="TSLA", type="equity", iso_currency_code="USD"),
    SecurityEntry("sec-vti", name="Vanguard Total Market", ticker_symbol="VTI", type="etf", iso_currency_code="USD"),
    SecurityEntry("sec-usd", name="U.S. dollars", ticker_symbol="CUR:USD", type="cash", iso_currency_code="USD"),
    SecurityEntry(
        "sec-call",
        name="AAPL call 250 Jan 2027",
        ticker_symbol="AAPL270115C00250000",
        type="derivative",
        subtype="option",
        iso_currency_code="USD",
        option_contract_type="call",
        option_strike_price=Decimal(250),
        option_expiration_date=date(2027, 1, 15),
        option_underlying_ticker="AAPL",
    ),
]
# account, security, quantity, price, value, basis. Brokerage: 2518.10 with its cash holding of 1043.10. IRA: 6960.25
# with 250.25 of cash that is in no holding. Together 9478.35, of which cash 1293.35.
HOLDINGS = [
    ("brokerage", "sec-aapl", "10", "227.50", "2275.00", "1800.00"),
    ("brokerage", "sec-call", "2", "3.50", "700.00", "500.00"),
    ("brokerage", "sec-tsla", "-5", "300.00", "-1500.00", "-1400.00"),
    ("brokerage", "sec-usd", "1043.10", "1", "1043.10", None),
    ("ira", "sec-aapl", "4", "227.50", "910.00", None),
    ("ira", "sec-vti", "20", "290.00", "5800.00", "5000.00"),
]
BROKERAGE_VALUE, IRA_VALUE, TOTAL_VALUE = Decimal("2518.10"), Decimal("6960.25"), Decimal("9478.35")
TOTAL_CASH = Decimal("1293.35")


@dataclass(frozen=True, slots=True)
class Portfolio:
    """Two accounts at two institutions, six holdings, five transactions."""

    owner: Any
    brokerage: Account
    ira: Account
    securities: dict[str, Security]


def make_portfolio(owner: Any) -> Portfolio:
    """The same accounts, holdings and transactions for any owner, written through the ledger."""
    accounts = {**_account(owner, "brokerage", "Fidelity"), **_account(owner, "ira", "Vanguard", cash="250.25")}
    securities = dict(ledger.upsert_securities(source="plaid", entries=SECURITIES).by_external_id)
    named: dict[str, Any] = {"accounts": accounts, "securities": securities, "source": "plaid"}
    ledger.replace_holdings(entries=[_holding(*row) for row in HOLDINGS], now=NOW, **named)
    ledger.record_transactions(entries=_transactions(), today=TODAY, **named)
    return Portfolio(owner, accounts["brokerage"], accounts["ira"], securities)


def _account(owner: Any, name: str, institution: str, cash: str = "0") -> dict[str, Account]:
    held_at = ledger.upsert_institution(entry=InstitutionEntry(f"ins-{institution.lower()}", institution))
    entry = AccountEntry(name, name.title(), mask="4821", subtype=name, uninvested_cash=Decimal(cash))
    written = ledger.upsert_accounts(owner_id=owner.pk, institution=held_at, source="plaid", entries=[entry])
    return dict(written.by_external_id)


def _holding(account: str, security: str, quantity: str, price: str, value: str, basis: str | None) -> HoldingEntry:
    return HoldingEntry(
        account_external_id=account,
        security_external_id=security,
        quantity=Decimal(quantity),
        institution_price=Decimal(price),
        institution_value=Decimal(value),
        institution_price_as_of=TODAY,
        cost_basis=None if basis is None else Decimal(basis),
    )


def _transactions() -> list[TransactionEntry]:
    trade: dict[str, Any] = {"account_external_id": "brokerage", "security_external_id": "sec-aapl"}
    return [
        TransactionEntry("t1", type="cash", subtype="deposit", date=date(2026, 1, 5), amount=Decimal("-3000"),
                         account_external_id="brokerage", name="Deposit"),
        TransactionEntry("t2", type="buy", subtype="buy", date=date(2026, 1, 6), amount=Decimal("1804.95"),
                         quantity=Decimal(10), price=Decimal(180), fees=Decimal("4.95"), name="Buy Apple", **trade),
        TransactionEntry("t3", type="cash", subtype="dividend", date=date(2026, 5, 14), amount=Decimal("-2.60"),
                         name="Apple dividend", **trade),
        TransactionEntry("t4", type="buy", subtype="contribution", date=date(2026, 5, 14), amount=Decimal("5000"),
                         quantity=Decimal(20), price=Decimal(250), name="Contribution",
                         account_external_id="ira", security_external_id="sec-vti"),
        TransactionEntry("t5", type="fee", subtype="account fee", date=date(2026, 9, 30), amount=Decimal("12.50"),
                         account_external_id="ira", name="Custody fee"),
    ]  # fmt: skip


class WebClient(APIClient):
    """A client whose every request runs as the web process would: under row security, with no tenant left over.

    A test is one transaction, in which the tenant of the request before would still be set; real requests never share
    one. The statements go around Django, so that counts of queries are those of the request.
    """

    def request(self, **kwargs: Any) -> Any:
        connection.ensure_connection()
        raw = connection.connection
        raw.execute(f"SET ROLE {settings.WEB_ROLE}")
        raw.execute("SELECT set_config('app.user_id', '', true), set_config('app.operator', '', true)")
        try:
            return super().request(**kwargs)
        finally:
            raw.execute("RESET ROLE")


@pytest.fixture
def portfolio(owner: Any) -> Portfolio:
    return make_portfolio(owner)


@pytest.fixture
def api(db: None) -> Callable[..., WebClient]:
    """`api(user)` calls with that user's bearer token, `api()` with none."""

    def client_of(user: Any = None) -> WebClient:
        client = WebClient(raise_request_exception=False)
        if user is not None:
            client.credentials(HTTP_AUTHORIZATION=f"Bearer {AccessToken.for_user(user)}")
        return client

    return client_of

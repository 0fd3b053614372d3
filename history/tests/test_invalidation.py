"""A correction marks the accounts it touches, and no others, and their histories follow."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from django.db import OperationalError, connection, transaction

from history import claims
from history.invalidation import (
    accounts_changed,
    currencies_changed,
    securities_changed,
    symbols_changed,
)
from history.market.price_files import load_prices
from history.models import AccountHistory, FxRate, MarketSymbol, SecurityMapping
from history.reconstruction.rebuild import rebuild_accounts
from history.tests.ledgers import CASH, book, checksum, evening, holding, row, state_of, stock, values_of
from investments.models import Account, Security

pytestmark = pytest.mark.django_db
TODAY = date(2026, 11, 20)
AAPL, GE = stock("AAPL"), stock("GE")
SIEMENS = stock("SIE", market_identifier_code="XETR", iso_currency_code="EUR")
YESTERDAY = TODAY - timedelta(days=1)


@pytest.fixture
def accounts(owner: Any, settings: Any) -> dict[str, Account]:
    """One each of what a correction may or may not touch, all rebuilt."""
    settings.MARKET_DATA_PROVIDERS = ["stored"]
    days = [TODAY - timedelta(days=number) for number in range(760)]
    rows = [f"AAPL,{day},100\nGE,{day},10\nSIE,{day},50" for day in days if day.weekday() < 5]
    load_prices("\n".join(["symbol,date,close", *rows]).splitlines(keepends=True))
    FxRate.objects.create(base="EUR", quote="USD", day=date(2024, 1, 1), rate=Decimal("1.1"), source="test")
    securities = [AAPL, GE, SIEMENS]
    sold = row("sell/sell", date(2026, 5, 4), -1000, AAPL, -10)
    made = {
        "apple": book(owner, "apple", securities=securities, holdings=[holding(AAPL, 10, 90)], on=TODAY),
        "sold": book(owner, "sold", securities=securities, holdings=[holding(CASH, 1)], transactions=[sold], on=TODAY),
        "general": book(owner, "general", securities=securities, holdings=[holding(GE, 10, 9)], on=TODAY),
        "siemens": book(owner, "siemens", securities=securities, holdings=[holding(SIEMENS, 1, 50)], on=TODAY),
    }
    rebuild_accounts(account_ids=[account.pk for account in made.values()], now=evening(TODAY))
    return made


def marked(accounts: dict[str, Account]) -> set[str]:
    stale = AccountHistory.objects.exclude(stale_from=None).values_list("pk", flat=True)
    return {name for name, account in accounts.items() if account.pk in stale}


def symbol_id(ticker: str) -> int:
    return MarketSymbol.objects.get(symbol=ticker).pk


def security_id(ticker: str) -> int:
    return Security.objects.get(external_id=ticker).pk


@pytest.mark.parametrize(
    ("correct", "touched"),
    [
        (lambda: symbols_changed([symbol_id("AAPL")], YESTERDAY), {"apple"}),
        (lambda: symbols_changed([symbol_id("AAPL")], date(2026, 5, 4)), {"apple", "sold"}),
        (lambda: symbols_changed([symbol_id("AAPL"), symbol_id("GE")], YESTERDAY), {"apple", "general"}),
        (lambda: symbols_changed([], YESTERDAY), set()),
        (lambda: securities_changed([security_id("AAPL")], YESTERDAY), {"apple", "sold"}),
        (lambda: currencies_changed([("EUR", "USD")], YESTERDAY), {"siemens"}),
        (lambda: currencies_changed([("CHF", "EUR")], YESTERDAY), {"siemens"}),
        (lambda: currencies_changed([("GBP", "CHF")], YESTERDAY), set()),
    ],
)  # fmt: skip
def test_exactly_the_accounts_concerned_are_marked(accounts: Any, correct: Any, touched: set[str]) -> None:
    assert (correct(), marked(accounts)) == (len(touched), touched)
    behind = {one.account_id for one in claims.behind(limit=9, now=evening(TODAY))}
    assert behind == {accounts[name].pk for name in touched}


def test_the_earliest_day_of_several_corrections_counts(accounts: dict[str, Account]) -> None:
    for back in (3, 9, 5):
        accounts_changed([accounts["apple"].pk], TODAY - timedelta(days=back))
    assert state_of(accounts["apple"]).stale_from == TODAY - timedelta(days=9)


def test_a_corrected_price_is_followed_and_nobody_else_is_rewritten(accounts: dict[str, Account]) -> None:
    others = [accounts[name].pk for name in ("sold", "general", "siemens")]
    before = (checksum(others), dict(AccountHistory.objects.filter(pk__in=others).values_list("pk", "finished_at")))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE history_price SET close = 120 WHERE symbol_id = %s AND day = %s",
                       [symbol_id("AAPL"), YESTERDAY])  # fmt: skip
        symbols_changed([symbol_id("AAPL")], YESTERDAY)
    everyone = [account.pk for account in accounts.values()]
    assert rebuild_accounts(account_ids=everyone, now=evening(TODAY)).done == (accounts["apple"].pk,)
    assert values_of(accounts["apple"])[YESTERDAY] == 1200
    assert state_of(accounts["apple"]).stale_from is None
    after = (checksum(others), dict(AccountHistory.objects.filter(pk__in=others).values_list("pk", "finished_at")))
    assert after == before


def test_another_mapping_is_followed(accounts: dict[str, Account]) -> None:
    SecurityMapping.objects.filter(security=security_id("AAPL")).update(symbol=symbol_id("GE"), method="operator")
    securities_changed([security_id("AAPL")], TODAY)
    rebuild_accounts(account_ids=[accounts["apple"].pk], now=evening(TODAY))
    assert values_of(accounts["apple"])[YESTERDAY] == 100


def test_what_had_failed_for_good_is_tried_again(accounts: dict[str, Account]) -> None:
    account = accounts["apple"]
    failed = {"state": "failed", "attempts": 3, "tried_version": account.ledger_version, "processed_version": 0}
    AccountHistory.objects.filter(pk=account.pk).update(**failed)
    assert claims.behind(limit=9, now=evening(TODAY)) == []
    accounts_changed([account.pk], YESTERDAY)
    assert rebuild_accounts(account_ids=[account.pk], now=evening(TODAY)).done == (account.pk,)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("committed")
def test_a_correction_that_meets_a_rebuild_under_way_is_not_lost(owner: Any) -> None:
    """The rebuild holds the rows it read for: the mark waits until it is done, and then stands."""
    account = book(owner, on=TODAY)
    rebuild_accounts(account_ids=[account.pk], now=evening(TODAY))
    options = connection.get_connection_params()
    names = {name: options[name] for name in ("host", "port", "dbname", "user", "password") if options.get(name)}
    with psycopg.connect(**names) as rebuilding:
        rebuilding.execute("SELECT 1 FROM history_accounthistory FOR UPDATE")
        connection.cursor().execute("SET lock_timeout = '50ms'")
        with pytest.raises(OperationalError, match="lock timeout"):
            accounts_changed([account.pk], YESTERDAY)
        connection.cursor().execute("RESET lock_timeout")
        rebuilding.execute("UPDATE history_accounthistory SET stale_from = NULL")
    accounts_changed([account.pk], YESTERDAY)
    assert state_of(account).stale_from == YESTERDAY

"""What only brokerages price keeps its past prices: one line for chart, snapshot, day change and rebuild."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from history import claims
from history.market.brokerage_prices import record_brokerage_prices
from history.market.symbols import map_securities
from history.models import AccountHistory, Anomaly, MarketSymbol, Price, SecurityMapping
from history.reconstruction.rebuild import rebuild_accounts
from history.snapshots import take_snapshot
from history.tests.ledgers import book, checksum, days_of, evening, holding, noon, row
from history.valuation import account_worths, value_holdings
from investments.entries import SecurityEntry
from investments.models import Account, Holding, Security

pytestmark = pytest.mark.django_db

THURSDAY, FRIDAY = date(2026, 11, 19), date(2026, 11, 20)
CALL = SecurityEntry(
    "call", ticker_symbol="AAPL270115C00250000", type="derivative", option_contract_type="call", iso_currency_code="USD"
)
BOUGHT = replace(row("buy/buy", THURSDAY - timedelta(days=7), 400, CALL, 2), price=Decimal(2))


@pytest.fixture(autouse=True)
def no_providers(settings: Any) -> None:
    settings.MARKET_DATA_PROVIDERS = ["stored"]
    settings.HISTORY_DAYS = 20


def synced(owner: Any, day: date, price: Any, name: str = "Brokerage", **told: Any) -> Account:
    """The account as the day's sync leaves it: two contracts at that price."""
    told = {"as_of": day, "value": Decimal(str(price)) * 200} | told
    return book(
        owner, name, securities=[CALL], holdings=[holding(CALL, 2, price, **told)], transactions=[BOUGHT], on=day
    )


def kept() -> dict[date, Decimal]:
    """The prices in the store of what no symbol prices."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT day, close FROM history_price WHERE symbol_id < 0 ORDER BY day")
        return dict(cursor.fetchall())


def values(account: Account) -> list[Decimal]:
    """Of the day before the first sync, Thursday and Friday."""
    told = days_of(account)
    return [told[THURSDAY - timedelta(days=1)][0], told[THURSDAY][0], told[FRIDAY][0]]


def test_a_day_keeps_the_price_it_had_whatever_comes_after(owner: Any) -> None:
    account = synced(owner, THURSDAY, 3)
    rebuild_accounts(account_ids=[account.pk], now=evening(THURSDAY))
    synced(owner, FRIDAY, "3.50")
    rebuild_accounts(account_ids=[account.pk], now=evening(FRIDAY))
    assert values(account) == [400, 600, 700]
    claims.restart(account_ids=[account.pk])
    rebuild_accounts(account_ids=[account.pk], now=evening(FRIDAY))
    assert values(account) == [400, 600, 700]
    assert kept() == {THURSDAY: 3, FRIDAY: Decimal("3.5")}


def test_the_change_of_the_day_is_that_of_the_chart(owner: Any) -> None:
    account = synced(owner, THURSDAY, 3)
    rebuild_accounts(account_ids=[account.pk], now=evening(THURSDAY))
    assert account_worths(account_ids=[account.pk], now=evening(THURSDAY))[0].day_change is None
    synced(owner, FRIDAY, "3.50")
    rebuild_accounts(account_ids=[account.pk], now=evening(FRIDAY))
    worth = account_worths(account_ids=[account.pk], now=evening(FRIDAY))[0]
    before, today = values(account)[1:]
    assert (worth.value, worth.day_change) == (today, today - before)


def test_snapshot_and_history_do_not_differ(owner: Any) -> None:
    account = synced(owner, THURSDAY, 3)
    rebuild_accounts(account_ids=[account.pk], now=evening(THURSDAY))
    take_snapshot(day=THURSDAY, trigger="nightly", now=noon(FRIDAY))
    synced(owner, FRIDAY, "3.50")
    rebuild_accounts(account_ids=[account.pk], now=evening(FRIDAY))
    assert not Anomaly.objects.filter(account=account, kind="seam").exists()
    late = take_snapshot(day=THURSDAY, trigger="operator", now=noon(FRIDAY))
    assert (late.changed, values(account)[1]) == (0, 600)


def test_a_snapshot_taken_before_its_days_price_was_told_gives_way(owner: Any) -> None:
    account = synced(owner, THURSDAY, 3, as_of=THURSDAY - timedelta(days=1))
    rebuild_accounts(account_ids=[account.pk], now=evening(THURSDAY))
    take_snapshot(day=THURSDAY, trigger="nightly", now=noon(FRIDAY))
    synced(owner, FRIDAY, "3.50", as_of=THURSDAY)
    rebuild_accounts(account_ids=[account.pk], now=evening(FRIDAY))
    assert values(account) == [600, 700, 700]
    assert not Anomaly.objects.filter(account=account, kind="seam").exists()


def test_what_one_brokerage_tells_late_is_there_for_others_too(owner: Any, other: Any) -> None:
    behind, ahead = synced(owner, THURSDAY, 3), synced(other, THURSDAY, 3)
    ids = [behind.pk, ahead.pk]
    rebuild_accounts(account_ids=ids, now=evening(THURSDAY))
    synced(other, FRIDAY, "3.50")
    rebuild_accounts(account_ids=ids, now=evening(FRIDAY + timedelta(days=1)))
    synced(other, FRIDAY, "3.60")  # corrected on Saturday
    rebuild_accounts(account_ids=[ahead.pk], now=evening(FRIDAY + timedelta(days=1)))
    assert AccountHistory.objects.get(pk=behind.pk).stale_from == FRIDAY
    rebuild_accounts(account_ids=ids, now=evening(FRIDAY + timedelta(days=1)))
    assert (values(behind)[2], values(ahead)[2]) == (720, 720)
    incremental = checksum(ids)
    claims.restart(account_ids=ids)
    rebuild_accounts(account_ids=ids, now=evening(FRIDAY + timedelta(days=1)))
    assert checksum(ids) == incremental


def test_brokerages_that_differ_about_a_day_do_not_take_turns(owner: Any, other: Any) -> None:
    first, second = synced(owner, FRIDAY, 3), synced(other, FRIDAY, "3.10")
    map_securities(security_ids=[Security.objects.get(external_id="call").pk])
    assert record_brokerage_prices(account_ids=[first.pk], now=evening(FRIDAY)) == 1
    for _time in range(2):
        assert record_brokerage_prices(account_ids=[second.pk], now=evening(FRIDAY)) == 0
        assert record_brokerage_prices(account_ids=[first.pk], now=evening(FRIDAY)) == 0
    value_holdings(account_ids=[first.pk, second.pk], now=evening(FRIDAY))
    told = [worth.value for worth in account_worths(account_ids=[first.pk, second.pk], now=evening(FRIDAY))]
    assert told == [600, 620]


def test_what_cannot_be_a_price_is_not_kept(owner: Any) -> None:
    account = synced(owner, FRIDAY, 3)
    for change in (
        {"institution_price_as_of": None}, {"institution_price": 0},
        {"institution_price_as_of": FRIDAY + timedelta(days=1)},
        {"institution_price_as_of": date(1990, 1, 2)}, {"removed_at": evening(FRIDAY)},
    ):  # fmt: skip
        before = Holding.objects.values(*change).get()
        Holding.objects.update(**change)
        assert record_brokerage_prices(account_ids=[account.pk], now=evening(FRIDAY)) == 0
        Holding.objects.update(**before)


def test_what_somebody_keeps_alone_is_not_told_to_all(owner: Any) -> None:
    account = synced(owner, FRIDAY, 3)
    Security.objects.filter(external_id="call").update(source="manual")
    assert record_brokerage_prices(account_ids=[account.pk], now=evening(FRIDAY)) == 0


def test_a_symbol_found_later_prices_it_instead(owner: Any) -> None:
    account = synced(owner, THURSDAY, 3)
    rebuild_accounts(account_ids=[account.pk], now=evening(THURSDAY))
    symbol = MarketSymbol.objects.create(symbol="OPT", kind="option")
    Price.objects.bulk_create([Price(symbol=symbol, day=day, close=4, source="test") for day in (THURSDAY, FRIDAY)])
    SecurityMapping.objects.update(symbol=symbol)
    value_holdings(account_ids=[account.pk], now=evening(FRIDAY))
    assert account_worths(account_ids=[account.pk], now=evening(FRIDAY))[0].value == 800

"""Money in another currency than its account's: worth on each day what that day's rate made of it."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from history.analytics.position_gains import read_positions
from history.invalidation import symbols_changed
from history.market.symbols import map_securities
from history.models import FxRate, MarketSymbol, Price
from history.reconstruction.rebuild import rebuild_accounts
from history.snapshots import take_snapshot
from history.tests.ledgers import CASH, book, days_of, evening, holding, noon, row, stock
from history.valuation import account_worths, value_holdings
from investments.entries import SecurityEntry
from investments.models import Account, Security

pytestmark = pytest.mark.django_db

TODAY = date(2026, 11, 20)
EUROS = SecurityEntry("cash-eur", name="Euro", ticker_symbol="CUR:EUR", type="cash", iso_currency_code="EUR")
SIEMENS = stock("SIE", iso_currency_code="EUR", market_identifier_code="XETR")
# Euros in dollars: 1.00 until three days ago, then a tenth more every day.
RATES = {5: Decimal("1.0"), 2: Decimal("1.1"), 1: Decimal("1.2"), 0: Decimal("1.3")}


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


@pytest.fixture(autouse=True)
def rates(settings: Any) -> None:
    settings.MARKET_DATA_PROVIDERS = ["stored"]
    settings.HISTORY_DAYS = 5
    FxRate.objects.bulk_create(
        [FxRate(base="EUR", quote="USD", day=ago(back), rate=rate, source="test") for back, rate in RATES.items()]
    )


def rebuilt(owner: Any, holdings: Any, transactions: Any, **account: Any) -> Account:
    made = book(owner, securities=[EUROS, SIEMENS], holdings=holdings, transactions=transactions, on=TODAY, **account)
    map_securities(security_ids=Security.objects.values_list("pk", flat=True))
    assert rebuild_accounts(account_ids=[made.pk], now=evening(TODAY)).done == (made.pk,)
    return made


def told(account: Account, name: int) -> list[Decimal]:
    """One figure of the last six days."""
    return [figures[name] for _, figures in sorted(days_of(account).items())]


def euros(entry: Any) -> Any:
    return replace(entry, currency="EUR")


def test_euros_that_lie_there_move_with_their_rate(owner: Any) -> None:
    account = rebuilt(owner, [holding(EUROS, 100), holding(CASH, 50)], [])
    assert told(account, 0) == told(account, 1) == [150, 150, 150, 160, 170, 180]
    assert set(told(account, 3)) == {0}


def test_what_is_paid_in_euros_leaves_the_euros(owner: Any) -> None:
    """100 euros came in, 40 were spent on a share, 2 came back as its dividend; dollars are not touched."""
    account = rebuilt(
        owner,
        [holding(EUROS, 62), holding(CASH, 50), holding(SIEMENS, 1, 40, as_of=TODAY)],
        [
            euros(row("cash/deposit", ago(4), -100, EUROS, -100)),
            euros(row("buy/buy", ago(3), 40, SIEMENS, 1)),
            euros(row("cash/dividend", ago(1), -2, SIEMENS)),
        ],
    )
    rate = [Decimal(text) for text in ("1", "1", "1", "1.1", "1.2", "1.3")]
    in_euros = [0, 100, 60, 60, 62, 62]
    assert told(account, 1) == [50 + held * each for held, each in zip(in_euros, rate, strict=True)]
    shares = [0, 0, 40, 40, 40, 40]
    assert told(account, 0) == [
        50 + (held + worth) * each for held, worth, each in zip(in_euros, shares, rate, strict=True)
    ]
    assert told(account, 3) == [0, 100, 0, 0, 0, 0]
    assert told(account, 4) == [0, 0, 0, 0, Decimal("2.4"), 0]


def test_euros_bought_with_dollars(owner: Any) -> None:
    account = rebuilt(owner, [holding(EUROS, 100), holding(CASH, 50)], [row("buy/buy", ago(2), 110, EUROS, 100)])
    assert told(account, 1) == [160, 160, 160, 160, 170, 180]


def test_an_account_without_euros_pays_in_its_own_money(owner: Any) -> None:
    account = rebuilt(
        owner,
        [holding(CASH, 50), holding(SIEMENS, 1, 40, as_of=TODAY)],
        [euros(row("buy/buy", ago(2), 40, SIEMENS, 1))],
    )
    assert told(account, 1) == [94, 94, 94, 50, 50, 50]


def test_accounts_of_one_batch_keep_their_own(owner: Any) -> None:
    """Two with euros, one of them in euros itself, one without."""
    first = rebuilt(owner, [holding(EUROS, 10)], [], name="A")
    rebuilt(owner, [holding(CASH, 7)], [], name="B")
    last = rebuilt(owner, [holding(EUROS, 100)], [], name="C")
    native = rebuilt(owner, [holding(EUROS, 100)], [], name="D", currency="EUR")
    rebuild_accounts(account_ids=Account.objects.values_list("pk", flat=True), now=evening(TODAY))
    assert told(first, 0) == [10, 10, 10, 11, 12, 13]
    assert told(last, 0) == [100, 100, 100, 110, 120, 130]
    assert set(told(native, 0)) == {100}


def test_the_snapshot_of_the_day_agrees(owner: Any) -> None:
    account = rebuilt(owner, [holding(EUROS, 100)], [euros(row("cash/deposit", TODAY, -30, EUROS, -30))])
    before = days_of(account)[TODAY]
    take_snapshot(day=TODAY, trigger="operator", now=noon(TODAY + timedelta(days=1)))
    assert days_of(account)[TODAY][:7] == before[:7]
    assert before[3] == 39


def test_what_positions_and_cash_gained_is_what_the_account_did(owner: Any) -> None:
    account = rebuilt(
        owner,
        [holding(EUROS, 62), holding(CASH, 50), holding(SIEMENS, 1, 40, as_of=TODAY)],
        [
            euros(row("cash/deposit", ago(4), -100, EUROS, -100)),
            euros(row("buy/buy", ago(3), 40, SIEMENS, 1)),
            row("buy/buy", ago(1), 12, EUROS, 10),
            euros(row("fee/account fee", ago(1), 10)),
        ],
    )
    worths = account_worths(account_ids=[account.pk], now=evening(TODAY))
    gains = read_positions(
        account_ids=[account.pk], worths=worths, first=ago(5), today=TODAY, base_currency="USD"
    ).gains
    values = np.array([float(value) for value in told(account, 0)])
    flows = np.array([float(flow) for flow in told(account, 3)])
    assert gains.gain.sum(axis=0)[1:] + gains.cash.sum(axis=0)[1:] == pytest.approx(np.diff(values) - flows[1:])


def test_the_change_of_the_day_has_what_rates_did_as_the_chart_has(owner: Any) -> None:
    account = rebuilt(owner, [holding(EUROS, 100), holding(CASH, 50), holding(SIEMENS, 1, 40, as_of=ago(1))], [])
    symbol = MarketSymbol.objects.get(symbol="SIE")
    assert (symbol.exchange, symbol.currency) == ("XETR", "EUR")
    for day, close in ((ago(1), 40), (TODAY, 42)):
        Price.objects.create(symbol=symbol, day=day, close=close, source="test")
    symbols_changed([symbol.pk], ago(1))
    rebuild_accounts(account_ids=[account.pk], now=evening(TODAY))
    value_holdings(account_ids=[account.pk], now=evening(TODAY))
    worth = account_worths(account_ids=[account.pk], now=evening(TODAY))[0]
    before, today = told(account, 0)[-2:]
    assert (worth.value, worth.day_change) == (today, today - before)
    assert today - before == 100 * Decimal("0.1") + 42 * Decimal("1.3") - 40 * Decimal("1.2")


def test_a_price_in_the_accounts_money_is_not_converted_twice(owner: Any) -> None:
    """A paper in euros that the brokerage books in dollars; nobody quotes it."""
    fund = SecurityEntry("fund", name="Fonds", type="mutual fund", iso_currency_code="EUR")
    held = replace(holding(fund, 10, 100, as_of=TODAY), institution_price_as_of=TODAY)
    made = book(
        owner, securities=[fund], holdings=[held], transactions=[row("buy/buy", ago(2), 1100, fund, 10)], on=TODAY
    )
    rebuild_accounts(account_ids=[made.pk], now=evening(TODAY))
    assert told(made, 0)[3:] == [1100, 1200, 1300]

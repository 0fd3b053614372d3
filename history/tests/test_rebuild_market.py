"""Real closes from file to chart: AAPL, GE, IBM, DELL and SPY through 2008, and AAPL's 7:1 split of 2014."""

import csv
import gzip
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as configured

from history.market.price_files import load_prices
from history.models import Anomaly, SymbolAction
from history.reconstruction.rebuild import rebuild_accounts
from history.series import Period, totals
from history.tests.ledgers import book, checksum, evening, holding, row, state_of, stock, values_of
from history.valuation import account_worths
from investments.entries import SecurityEntry

PRICES = Path(configured.REFERENCE_DATA) / "market" / "prices"
pytestmark = [
    pytest.mark.skipif(not PRICES.exists(), reason="reference data is not there: set LONGVIEW_REFERENCE_DATA"),
    pytest.mark.django_db,
]
FILES = {
    "AAPL": ["wiki/AAPL.csv.gz", "quandl2014/quandl-2014.csv"],
    "GE": ["wiki/GE.csv.gz"],
    "DELL": ["wiki/DELL.csv.gz"],
    "IBM": ["wiki/WIKI-IBM-2008-quandl.csv", "wiki/WIKI-IBM-2009-quandl.csv"],
    "SPY": [f"spy/SPY-{year}-yahoofinance.csv" for year in (2007, 2008, 2009, 2010)],
}
UNITS = {"AAPL": 40, "GE": 300, "DELL": 410, "IBM": 75, "SPY": 120}
ETF = {"SPY"}
CASH = Decimal("1234.56")
FIRST, LAST = date(2008, 1, 2), date(2009, 12, 31)  # of IBM's closes; the window begins the day before


def rows_of(symbol: str, since: date) -> Iterator[dict[str, str]]:
    for file in FILES[symbol]:
        path = PRICES / file
        with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as lines:
            for line in csv.DictReader(lines):
                fields = {name.lower().replace(" ", "_"): figure for name, figure in line.items()}
                if fields.get("ticker", symbol) == symbol and date.fromisoformat(fields["date"]) >= since:
                    yield fields


def as_file(symbol: str, since: date) -> Iterator[str]:
    """The vendor's rows in the columns of `load_prices`."""
    yield "symbol,date,close,split_ratio\n"
    for fields in rows_of(symbol, since):
        yield f"{symbol},{fields['date']},{fields['close']},{fields.get('split_ratio', '')}\n"


def carried(symbol: str, first: date, last: date) -> dict[date, Decimal]:
    """The raw close at or before each day, by a loop that shares nothing with the code."""
    closes = {date.fromisoformat(fields["date"]): Decimal(fields["close"]) for fields in rows_of(symbol, first)}
    course, close, day = {}, Decimal(0), first
    while day <= last:
        close = closes.get(day, close)
        course[day] = close
        day += timedelta(days=1)
    return course


@pytest.fixture(autouse=True)
def _files_only(settings: Any) -> None:
    settings.MARKET_DATA_PROVIDERS = ["stored"]


@pytest.fixture
def crisis() -> dict[str, SecurityEntry]:
    """Five securities whose prices from 2007 on are in the store."""
    for symbol in FILES:
        load_prices(as_file(symbol, date(2007, 1, 3)))
    return {symbol: stock(symbol, type="etf" if symbol in ETF else "equity") for symbol in FILES}


def test_a_portfolio_through_2008_is_units_times_raw_close_to_the_last_digit(owner: Any, crisis: Any) -> None:
    account = book(
        owner,
        securities=list(crisis.values()),
        holdings=[holding(crisis[symbol], units, 50) for symbol, units in UNITS.items()],
        uninvested_cash=CASH,
        on=LAST,
    )
    assert rebuild_accounts(account_ids=[account.pk], now=evening(LAST)).failed == ()
    closes = {symbol: carried(symbol, FIRST, LAST) for symbol in FILES}
    values = values_of(account)
    assert len(values) == 731
    for day in closes["SPY"]:
        assert values[day] == sum(UNITS[symbol] * closes[symbol][day] for symbol in FILES) + CASH, day
    assert state_of(account).quality == pytest.approx(1, abs=0.001)  # IBM has no close on New Year's Day 2008
    assert not Anomaly.objects.exists()


def test_each_of_several_accounts_holds_its_own(owner: Any, other: Any, crisis: Any) -> None:
    """The same security in two accounts of one owner and in one of another, rebuilt together and alone."""
    spy, ibm = crisis["SPY"], crisis["IBM"]
    named: dict[str, Any] = {"securities": [spy, ibm], "on": LAST}
    buy = row("buy/buy", date(2008, 10, 10), 100 * 88, spy, 100)
    first = book(owner, "Brokerage", holdings=[holding(spy, 150, 111)], transactions=[buy], **named)
    second = book(owner, "IRA", holdings=[holding(spy, 7, 111), holding(ibm, 3, 130)], **named)
    third = book(other, "Brokerage", holdings=[holding(spy, 1, 111)], uninvested_cash=Decimal("0.01"), **named)
    ids = [first.pk, second.pk, third.pk]
    assert rebuild_accounts(account_ids=ids, now=evening(LAST)).done == tuple(ids)
    closes, ibm_closes = carried("SPY", FIRST, LAST), carried("IBM", FIRST, LAST)
    values = [values_of(account) for account in ids]
    for day, close in closes.items():
        bought = day >= date(2008, 10, 10)
        assert values[0][day] == (150 * close if bought else 50 * close + 8800), day
        assert values[1][day] == 7 * close + 3 * ibm_closes[day], day
        assert values[2][day] == close + Decimal("0.01"), day
    together = checksum(ids)
    for account in (third, first, second):
        type(account).objects.filter(pk=account.pk).update(ledger_version=account.ledger_version + 100)
        assert rebuild_accounts(account_ids=[account.pk], now=evening(LAST)).done == (account.pk,)
    assert checksum(ids) == together


def test_chart_and_overview_meet_on_the_last_day(owner: Any, crisis: Any) -> None:
    ids = [
        book(
            owner, name, securities=[crisis["GE"]], holdings=[holding(crisis["GE"], units, 15)], on=LAST,
            uninvested_cash=Decimal("0.3333"),
        ).pk
        for name, units in (("A", "10.123456789"), ("B", "0.000001"), ("C", "-3.3333"))
    ]  # fmt: skip
    rebuild_accounts(account_ids=ids, now=evening(LAST))
    chart = totals(account_ids=ids, period=Period(FIRST, LAST))
    worths = account_worths(account_ids=ids, now=evening(LAST))
    assert [values_of(account)[LAST] for account in ids] == [worth.value for worth in worths]
    assert chart["value"][-1] == f"{sum(worth.value for worth in worths):.2f}"


def test_a_seven_for_one_split_leaves_no_jump(owner: Any) -> None:
    load_prices(as_file("AAPL", date(2012, 12, 1)))
    ex_date, last = date(2014, 6, 9), date(2014, 12, 31)
    assert SymbolAction.objects.get(kind="split").ratio == 7
    apple = stock("AAPL")
    account = book(owner, securities=[apple], holdings=[holding(apple, 700, 110)], on=last)
    assert rebuild_accounts(account_ids=[account.pk], now=evening(last)).failed == ()
    values = values_of(account)
    for day, close in carried("AAPL", date(2013, 1, 2), last).items():
        assert values[day] == (700 if day >= ex_date else 100) * close, day
    days = sorted(values)
    assert max(abs(values[day] / values[before] - 1) for before, day in pairwise(days)) < 0.13


def test_a_split_that_the_brokerage_also_booked_is_applied_once(owner: Any) -> None:
    load_prices(as_file("AAPL", date(2012, 12, 1)))
    last, apple = date(2014, 12, 31), stock("AAPL")
    booked = row("transfer/split", date(2014, 6, 11), 0, apple, 600)
    account = book(owner, securities=[apple], holdings=[holding(apple, 700, 110)], transactions=[booked], on=last)
    rebuild_accounts(account_ids=[account.pk], now=evening(last))
    values = values_of(account)
    assert values[date(2014, 6, 6)] == 100 * Decimal("645.57")
    assert values[date(2014, 6, 9)] == 700 * Decimal("93.7")

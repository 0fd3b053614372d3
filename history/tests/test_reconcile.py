"""Our closes and actions against providers' own adjusted closes: what parts is named, what agrees is left alone."""

import csv
import gzip
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as configured

from history.core.doubts import doubts, is_continuous
from history.market.price_files import load_prices
from history.market.reconcile import reconcile_prices
from history.models import AccountHistory, MarketSymbol, Price, PriceDoubt, SymbolAction
from history.providers import DataProviderChain
from history.providers.base import Actions, DailyPrice, Split
from history.reconstruction.rebuild import rebuild_accounts
from history.tests.ledgers import book, evening, holding, stock
from history.tests.providers import Listed

TODAY = date(2014, 12, 30)
EX_DATE = date(2014, 6, 9)
AAPL = stock("AAPL")
DAYS = [date(2026, 1, 1) + timedelta(days=number) for number in range(5)]
FLAT = [100.0] * 5


@pytest.mark.parametrize(
    ("ours", "known", "expected"),
    [
        (FLAT, set(), []),
        ([50.0] * 5, set(), []),  # another scale is no other return
        ([100.1, 100, 100, 100, 100], set(), []),  # a cent or so
        ([700, 700, 100, 100, 100], set(), [(2, "missing_split", 7)]),
        ([12.5, 12.5, 100, 100, 100], set(), [(2, "missing_split", 0.125)]),
        ([102, 102, 102, 100, 100], set(), [(3, "missing_dividend", 1.02)]),
        ([100, 100, 130, 100, 100], set(), [(2, "bad_price", 1.3)]),
        ([14, 14, 100, 100, 100], {2}, [(2, "wrong_action", 0.14)]),
    ],
)
def test_the_likely_cause(ours: list[float], known: set[int], expected: list[tuple[int, str, float]]) -> None:
    found = doubts(DAYS, ours, FLAT, {DAYS[place] for place in known})
    assert [(one.day, one.cause) for one in found] == [(DAYS[place], cause) for place, cause, _ in expected]
    assert [one.factor for one in found] == pytest.approx([factor for _, _, factor in expected])


@pytest.mark.parametrize(
    ("before", "after", "ratio", "adjusted"),
    [(645.57, 93.70, 7, False), (92.22, 93.70, 7, True), (12.95, 104.02, 0.125, False), (103.6, 104.02, 0.125, True)],
)
def test_whether_a_series_is_adjusted_already(before: float, after: float, ratio: float, adjusted: bool) -> None:
    """AAPL around 2014-06-09 and GE around 2021-08-02."""
    assert is_continuous(before, after, ratio) is adjusted


def vendor() -> list[dict[str, str]]:
    file = Path(configured.REFERENCE_DATA) / "market/prices/quandl2014/quandl-2014.csv"
    if not file.exists():
        pytest.skip("reference data is not there: set LONGVIEW_REFERENCE_DATA")
    with file.open() as lines:
        return sorted((row for row in csv.DictReader(lines) if row["ticker"] == "AAPL"), key=lambda row: row["date"])


def ge() -> list[dict[str, str]]:
    file = Path(configured.REFERENCE_DATA) / "market/prices/wiki/GE.csv.gz"
    if not file.exists():
        pytest.skip("reference data is not there: set LONGVIEW_REFERENCE_DATA")
    with gzip.open(file, "rt") as lines:
        return sorted((row for row in csv.DictReader(lines) if "1999" <= row["Date"] < "2001"), key=lambda r: r["Date"])


def told(rows: list[dict[str, str]]) -> list[DailyPrice]:
    return [
        DailyPrice(date.fromisoformat(row["date"]), Decimal(row["close"]), adj_close=Decimal(row["adj_close"]))
        for row in rows
    ]


@pytest.fixture
def chain(owner: Any, settings: Any) -> DataProviderChain:
    """Apple in 2014 as the vendor tells it, all of it known to us, and somebody who holds it."""
    settings.MARKET_DATA_PROVIDERS = ["stored"]
    rows = vendor()
    lines = [f"AAPL,{r['date']},{r['close']},{r['split_ratio']},{r['ex-dividend']}" for r in rows]
    load_prices("\n".join(["symbol,date,close,split_ratio,dividend", *lines]).splitlines(keepends=True))
    account = book(owner, securities=[AAPL], holdings=[holding(AAPL, 70, 110)], on=TODAY)
    rebuild_accounts(account_ids=[account.pk], now=evening(TODAY))
    actions = Actions((Split(EX_DATE, Decimal(7)),))
    return DataProviderChain([Listed({"AAPL": told(rows)}, actions={"AAPL": actions})])


def open_doubts() -> list[tuple[date, str]]:
    return list(PriceDoubt.objects.filter(settled_at=None).order_by("day").values_list("day", "cause"))


@pytest.mark.django_db
class TestReconcile:
    def test_what_agrees_is_not_doubted(self, chain: DataProviderChain) -> None:
        done = reconcile_prices(chain=chain, now=evening(TODAY))
        assert (done.symbols, done.doubts, done.refetched) == (1, 0, 0)

    @pytest.mark.parametrize(
        ("kind", "day", "cause"),
        [
            ("split", EX_DATE, "missing_split"),
            ("cash_dividend", date(2014, 8, 7), "missing_dividend"),
            ("cash_dividend", date(2014, 2, 6), "missing_dividend"),
        ],
    )
    def test_a_missing_action_is_named_with_its_day_and_settled(
        self, chain: DataProviderChain, kind: str, day: date, cause: str
    ) -> None:
        SymbolAction.objects.filter(kind=kind, ex_date=day).update(voided=True)
        for _ in range(2):
            assert reconcile_prices(chain=chain, now=evening(TODAY)).doubts == 1
        assert open_doubts() == [(day, cause)]
        SymbolAction.objects.update(voided=False)
        reconcile_prices(chain=chain, now=evening(TODAY))
        assert open_doubts() == []
        assert PriceDoubt.objects.get().settled_at is not None

    def test_a_wrong_close_is_named(self, chain: DataProviderChain) -> None:
        day = date(2014, 10, 1)
        Price.objects.filter(day=day).update(close=Decimal("109.18"))  # 99.18 mistyped
        reconcile_prices(chain=chain, now=evening(TODAY))
        assert open_doubts() == [(day, "bad_price")]

    def test_closes_stored_before_a_split_was_told_are_replaced(self, chain: DataProviderChain) -> None:
        right = dict(Price.objects.values_list("day", "close"))
        for price in Price.objects.filter(day__lt=EX_DATE):
            Price.objects.filter(symbol=price.symbol_id, day=price.day).update(close=price.close / 7)
        kept = date(2014, 3, 3)
        Price.objects.filter(day=kept).update(source="operator", close=Decimal("527.76"))
        done = reconcile_prices(chain=chain, now=evening(TODAY))
        assert done.refetched == sum(day < EX_DATE for day in right) - 1
        assert dict(Price.objects.exclude(day=kept).values_list("day", "close")) == {
            day: close for day, close in right.items() if day != kept
        }
        assert AccountHistory.objects.get().stale_from is not None
        assert reconcile_prices(chain=chain, now=evening(TODAY)).refetched == 0


@pytest.mark.django_db
def test_two_years_of_a_vendors_figures_agree_but_for_a_split_left_out(owner: Any, settings: Any) -> None:
    """GE, 3-for-1 on 2000-05-08, as WIKI adjusts it."""
    settings.MARKET_DATA_PROVIDERS = ["stored"]
    rows = ge()
    symbol = MarketSymbol.objects.create(symbol="GE", priced_from=date(1999, 1, 1), priced_to=date(2000, 12, 31))
    Price.objects.bulk_create(Price(symbol=symbol, day=row["Date"], close=row["Close"], source="file") for row in rows)
    for row in rows:
        if Decimal(row["Ex-Dividend"]):
            SymbolAction.objects.create(
                symbol=symbol,
                kind="cash_dividend",
                ex_date=row["Date"],
                cash_per_unit=row["Ex-Dividend"],
                source="file",
            )
    day = date(2000, 12, 29)
    account = book(owner, securities=[stock("GE")], holdings=[holding(stock("GE"), 1)], on=day)
    rebuild_accounts(account_ids=[account.pk], now=evening(day))
    prices = [
        DailyPrice(date.fromisoformat(row["Date"]), Decimal(row["Close"]), adj_close=Decimal(row["Adj. Close"]))
        for row in rows
    ]
    chain = DataProviderChain([Listed({"GE": prices})])
    reconcile_prices(chain=chain, now=evening(day))
    assert open_doubts() == [(date(2000, 5, 8), "missing_split")]
    assert PriceDoubt.objects.get().factor == pytest.approx(3, rel=1e-3)

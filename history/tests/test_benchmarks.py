"""Benchmarks: total return over the portfolio's own days."""

import csv
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from django.conf import settings

from history.core.benchmark import total_return_index
from history.market.benchmarks import UnknownBenchmark, benchmark_index, update_benchmarks
from history.models import AccountDay, FxRate, MarketSymbol, Price, SymbolAction
from history.providers import DataProviderChain
from history.tests.providers import Listed
from tests.fixtures import Portfolio

MONDAY = date(2026, 11, 9)
NAN = np.nan


def test_a_day_without_a_close_repeats_the_day_before() -> None:
    assert total_return_index(np.array([NAN, 100, NAN, 110])).tolist()[1:] == [1, 1, 1.1]


def test_a_split_is_no_loss() -> None:
    index = total_return_index(np.array([100.0, NAN, 51]), splits={1: 2.0})
    assert index.tolist() == [1, 1, 1.02]


def test_a_dividend_is_put_back_at_its_ex_date() -> None:
    index = total_return_index(np.array([100.0, 98, 99]), dividends={1: 2.0})
    assert index.tolist() == pytest.approx([1, 1.0, 99 / 98])


def test_what_happened_before_the_first_price_changes_nothing() -> None:
    index = total_return_index(np.array([NAN, 100.0, 101]), splits={0: 2.0, 1: 3.0}, dividends={1: 5.0})
    assert index.tolist()[1:] == [1, 1.01]
    assert np.isnan(total_return_index(np.full(3, NAN))).all()


def test_spy_through_2008_as_its_adjusted_close_has_it() -> None:
    """Yahoo's Adj Close of SPY, 2008: a loss of 36.8 % with dividends. Its dividends are worked out from the file."""
    path = settings.REFERENCE_DATA / "market" / "prices" / "spy" / "SPY-2008-yahoofinance.csv"
    if not path.exists():
        pytest.skip("reference data is not there: set LONGVIEW_REFERENCE_DATA")
    with path.open() as lines:
        rows = sorted(csv.DictReader(lines), key=lambda row: row["Date"])
    closes = np.array([float(row["Close"]) for row in rows])
    adjusted = np.array([float(row["Adj Close"]) for row in rows])
    kept = (adjusted[:-1] / closes[:-1]) / (adjusted[1:] / closes[1:])  # 1 - D / C_before where a dividend was paid
    paid = {day + 1: (1 - kept[day]) * closes[day] for day in np.flatnonzero(kept < 0.998).tolist()}
    assert len(paid) == 4
    ours = total_return_index(closes, dividends=paid)[-1]
    assert ours == pytest.approx(adjusted[-1] / adjusted[0], abs=5e-4)


@pytest.fixture
def spy(db: Any) -> MarketSymbol:
    symbol = MarketSymbol.objects.create(symbol="SPY", kind="etf")
    for number, close in enumerate(("100", "102", "104", "103", "105")):
        Price.objects.create(symbol=symbol, day=MONDAY + timedelta(number), close=Decimal(close), source="test")
    SymbolAction.objects.create(
        symbol=symbol, kind="cash_dividend", ex_date=MONDAY + timedelta(2), cash_per_unit=Decimal(1), source="test"
    )
    return symbol


def test_the_index_begins_with_the_first_day(spy: MarketSymbol) -> None:
    weekend = MONDAY + timedelta(6)
    index = benchmark_index(symbol="spy", start=MONDAY + timedelta(1), end=weekend, base_currency="USD")
    with_dividend = 105 / 104
    expected = [1, 105 / 102, 103 * with_dividend / 102, 105 * with_dividend / 102]
    assert index[:4] == pytest.approx(expected, abs=1e-8)
    assert index[4:] == [index[3]] * 2


def test_what_never_happened_is_left_out_and_what_one_day_brings_is_multiplied(spy: MarketSymbol) -> None:
    """Two for one and a stock dividend of 10 % on one day; an operator has voided the cash dividend."""
    SymbolAction.objects.update(voided=True)
    for kind, ratio in (("split", "2"), ("stock_dividend", "1.1")):
        told = {"symbol": spy, "ex_date": MONDAY + timedelta(1), "source": "test"}
        SymbolAction.objects.create(kind=kind, ratio=Decimal(ratio), **told)
    index = benchmark_index(symbol="SPY", start=MONDAY, end=MONDAY + timedelta(2), base_currency="USD")
    assert index == pytest.approx([1, 1.02 * 2.2, 1.04 * 2.2], abs=1e-8)


def test_it_is_told_in_the_base_currency(spy: MarketSymbol) -> None:
    FxRate.objects.create(base="EUR", quote="USD", day=MONDAY - timedelta(30), rate=Decimal("1.00"), source="test")
    FxRate.objects.create(base="EUR", quote="USD", day=MONDAY + timedelta(1), rate=Decimal("1.25"), source="test")
    index = benchmark_index(symbol="SPY", start=MONDAY, end=MONDAY + timedelta(1), base_currency="EUR")
    assert index == pytest.approx([1, 1.02 / 1.25], abs=1e-8)


def test_without_prices_it_is_unknown(spy: MarketSymbol) -> None:
    MarketSymbol.objects.create(symbol="NEW")
    for symbol in ("NEW", "NOSUCH"):
        with pytest.raises(UnknownBenchmark):
            benchmark_index(symbol=symbol, start=MONDAY, end=MONDAY, base_currency="USD")


@pytest.mark.django_db(transaction=True)
def test_prices_of_what_users_chose_are_kept(owner: Any) -> None:
    type(owner).objects.filter(pk=owner.pk).update(benchmark="VTI")
    provider = Listed(dict.fromkeys(("SPY", "QQQ", "VTI"), "100"))
    assert update_benchmarks(chain=DataProviderChain([provider])).asked == 3
    assert update_benchmarks(chain=DataProviderChain([provider])).asked == 0


@pytest.mark.django_db
def test_it_stands_beside_the_history(api: Any, portfolio: Portfolio, spy: MarketSymbol) -> None:
    figures = dict.fromkeys(("value", "cash", "cost_basis", "net_flow", "income", "fees"), Decimal(1))
    for number in range(3):
        AccountDay.objects.create(
            owner=portfolio.owner, account=portfolio.brokerage, day=MONDAY + timedelta(number), securities_count=1,
            quality=1, snapshot_type=1, **figures,
        )  # fmt: skip
    caller, query = api(portfolio.owner), {"from": MONDAY.isoformat(), "to": "2026-11-11"}
    body = caller.get("/api/portfolio/history", {**query, "benchmark": "SPY"}).json()
    assert body["benchmark"] == {"symbol": "SPY", "index": [1.0, 1.02, pytest.approx(1.05)]}
    assert len(body["dates"]) == 3
    assert "benchmark" not in caller.get("/api/portfolio/history", query).json()
    refused = caller.get("/api/portfolio/history", {**query, "benchmark": "NOSUCH"})
    assert refused.status_code == 400
    assert refused.json()["errors"] == {"benchmark": ["No price of NOSUCH is known."]}

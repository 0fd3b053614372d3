"""Real closes, as traded: AAPL, GE, IBM, DELL and SPY through 2008, and AAPL's 7:1 split of 2014."""

import csv
import gzip
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from django.conf import settings

from history.core.book import Floats, History
from history.tests.books import NAN, Case, Held, Move

PRICES = Path(settings.REFERENCE_DATA) / "market" / "prices"
pytestmark = pytest.mark.skipif(not PRICES.exists(), reason="reference data is not there: set LONGVIEW_REFERENCE_DATA")

Closes = dict[date, float]


def read(*files: str, ticker: str | None = None) -> Closes:
    """Raw closes by day, of files whose columns are named in either case."""
    closes = {}
    for file in files:
        path = PRICES / file
        with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as lines:
            for row in csv.DictReader(lines):
                fields = {name.lower(): figure for name, figure in row.items()}
                if ticker in (None, fields.get("ticker")):
                    closes[date.fromisoformat(fields["date"])] = float(fields["close"])
    return closes


def series(closes: Closes, first: date, last: date) -> list[float]:
    """One close per calendar day, NaN where the exchange was closed."""
    return [closes.get(first + timedelta(days=day), NAN) for day in range((last - first).days + 1)]


def carried(closes: list[float]) -> Floats:
    """The last close at or before each day."""
    last, course = NAN, []
    for close in closes:
        last = last if np.isnan(close) else close
        course.append(last)
    return np.array(course)


def largest_daily_loss(history: History) -> float:
    value = history.value[:, 0]
    return float((value[1:] / value[:-1] - 1).min())


FIRST, LAST = date(2008, 1, 2), date(2009, 12, 31)


def crisis() -> dict[str, list[float]]:
    spy = [f"spy/SPY-{year}-yahoofinance.csv" for year in (2007, 2008, 2009, 2010)]
    ibm = [f"wiki/WIKI-IBM-{year}-quandl.csv" for year in (2008, 2009)]
    files = {"SPY": spy, "IBM": ibm, **{name: [f"wiki/{name}.csv.gz"] for name in ("AAPL", "GE", "DELL")}}
    return {name: series(read(*paths), FIRST, LAST) for name, paths in files.items()}


def test_a_portfolio_through_2008_is_units_times_raw_close_every_day() -> None:
    closes = crisis()
    units = dict(zip(closes, (120, 75, 40, 300, 410), strict=True))
    held = [Held(count, column=column) for column, count in enumerate(units.values())]
    history = Case(closes=list(closes.values()), held=held, cash=(1234.56,)).history()
    expected = sum(units[name] * carried(closes[name]) for name in closes) + 1234.56
    np.testing.assert_allclose(history.value[:, 0], expected, rtol=1e-15)
    assert history.quality.min() == 1
    assert history.anomalies == ()


def test_a_single_security_is_exactly_units_times_raw_close() -> None:
    for name, closes in crisis().items():
        history = Case(closes=[closes], held=[Held(137)]).history()
        assert history.value[:, 0].tolist() == (137 * carried(closes)).tolist(), name


def test_spy_over_four_years_with_a_trade_on_a_day_of_the_crash() -> None:
    first, last, bought = date(2007, 1, 3), date(2010, 12, 31), date(2008, 10, 10)
    files = [f"spy/SPY-{year}-yahoofinance.csv" for year in (2007, 2008, 2009, 2010)]
    closes = series(read(*files), first, last)
    day = (bought - first).days
    amount = 50 * 88.50
    moves = [Move(day=day, position=0, units=50, cash=-amount, cost=amount, price=88.50)]
    history = Case(closes=[closes], held=[Held(150)], moves=moves, cash=(10.0,)).history()
    owned = np.where(np.arange(len(closes)) < day, 100, 150)
    cash = np.where(np.arange(len(closes)) < day, 10 + amount, 10)
    np.testing.assert_allclose(history.value[:, 0], owned * carried(closes) + cash, rtol=1e-15)
    assert closes[day] == pytest.approx(88.50)


@pytest.mark.parametrize("booked", [None, date(2014, 6, 9), date(2014, 6, 12)])
def test_apples_seven_for_one_split_of_2014_gives_no_jump(booked: date | None) -> None:
    first, last, ex_date = date(2014, 1, 2), date(2014, 12, 31), date(2014, 6, 9)
    closes = series(read("quandl2014/quandl-2014.csv", ticker="AAPL"), first, last)
    day = (ex_date - first).days
    moves = [Move(day=(booked - first).days, position=0, units=600, split=True)] if booked else []
    history = Case(closes=[closes], held=[Held(700)], moves=moves, splits=[(0, day, 7.0)]).history()
    owned = np.where(np.arange(len(closes)) < day, 100, 700)
    assert history.value[:, 0].tolist() == (owned * carried(closes)).tolist()
    assert largest_daily_loss(history) > -0.09  # the worst real day of that year was -8 %, not -85 %


def test_without_the_split_there_would_be_a_jump() -> None:
    """The test above can fail: the raw closes do fall by six sevenths."""
    closes = series(read("quandl2014/quandl-2014.csv", ticker="AAPL"), date(2014, 1, 2), date(2014, 12, 31))
    assert largest_daily_loss(Case(closes=[closes], held=[Held(700)]).history()) < -0.8

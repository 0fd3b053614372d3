"""Raw and adjusted closes: equal to the vendors' own, both ways."""

import csv
import gzip
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st

from history.core.adjust import Event, Formula, back_adjusted, split_adjusted, unadjusted
from history.providers.base import DailyPrice, Split
from history.providers.scale import as_traded

D = Decimal
PRICES = Path(settings.REFERENCE_DATA) / "market" / "prices"
needs_prices = pytest.mark.skipif(
    not PRICES.exists(), reason="reference data is not there: set LONGVIEW_REFERENCE_DATA"
)


WIKI = {"day": "Date", "close": "Close", "adjusted": "Adj. Close", "dividend": "Ex-Dividend", "split": "Split Ratio"}
QUANDL = {"day": "date", "close": "close", "adjusted": "adj_close", "dividend": "ex-dividend", "split": "split_ratio"}


def table(path: Path) -> Iterator[dict[str, str]]:
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as lines:
        yield from csv.DictReader(lines)


def wiki_series() -> dict[str, list[dict[str, str]]]:
    """Every series of Quandl WIKI that there is, under one set of names."""
    series = {
        path.name: [{name: row[theirs] for name, theirs in WIKI.items()} for row in table(path)]
        for path in sorted(PRICES.glob("wiki/*.csv*"))
    }
    for row in table(PRICES / "quandl2014" / "quandl-2014.csv"):
        series.setdefault(row["ticker"], []).append({name: row[theirs] for name, theirs in QUANDL.items()})
    return series


@needs_prices
def test_wiki_adjusts_as_we_do() -> None:
    """Within 1e-12 of Quandl WIKI's Adj. Close, after rebasing: its anchor lies past the last row."""
    for name, unsorted in wiki_series().items():
        rows = sorted(unsorted, key=lambda row: row["day"])
        days = [date.fromisoformat(row["day"]) for row in rows]
        closes, theirs = [D(row["close"]) for row in rows], [D(row["adjusted"]) for row in rows]
        events = [
            Event(day, ratio=D(row["split"]), amount=D(row["dividend"]))
            for day, row in zip(days, rows, strict=True)
            if D(row["split"]) != 1 or D(row["dividend"])
        ]
        ours = back_adjusted(days, closes, events, Formula.WIKI)
        base = theirs[-1] / closes[-1]
        errors = [abs(mine * base / yours - 1) for mine, yours in zip(ours, theirs, strict=True)]
        assert max(errors) < D("1e-12"), (name, days[errors.index(max(errors))], max(errors))


@needs_prices
@pytest.mark.parametrize("path", sorted(PRICES.glob("yahoo/*.csv")), ids=lambda path: path.name)
def test_yahoo_adjusts_as_we_do(path: Path) -> None:
    """Within 1e-6 of Yahoo's Adj Close, from its own split-adjusted closes put back to what was traded."""
    rows = sorted(table(path), key=lambda row: row["Datetime"])
    days = [date.fromisoformat(row["Datetime"][:10]) for row in rows]
    splits = [
        Event(day, ratio=D(row["Stock Splits"])) for day, row in zip(days, rows, strict=True) if D(row["Stock Splits"])
    ]
    closes = unadjusted(days, [D(row["Close"]) for row in rows], splits)
    paid = [D(row["Dividends"]) for row in rows]
    as_paid = unadjusted(days, paid, splits)
    events = {split.ex_date: split for split in splits}
    for day, amount in zip(days, as_paid, strict=True):
        if amount:
            events[day] = Event(day, ratio=events[day].ratio if day in events else D(1), amount=amount)
    theirs = [D(row["Adj Close"]) for row in rows]
    ours = back_adjusted(days, closes, list(events.values()), Formula.YAHOO)
    base = theirs[-1] / ours[-1]
    assert max(abs(mine * base / yours - 1) for mine, yours in zip(ours, theirs, strict=True)) < D("1e-6")


def test_a_split_and_a_dividend_by_hand() -> None:
    days = [date(2024, 1, day) for day in (2, 3, 4, 5)]
    closes = [D(100), D(102), D(50), D(51)]
    split, paid = Event(days[2], ratio=D(2)), Event(days[3], amount=D(1))
    assert split_adjusted(days, closes, [split]) == [50, 51, 50, 51]
    assert back_adjusted(days, closes, [split, paid], Formula.YAHOO) == [
        D(50) * D("0.98"),
        D(51) * D("0.98"),
        D(50) * D("0.98"),
        51,
    ]
    by_wiki = back_adjusted(days, closes, [paid], Formula.WIKI)
    assert abs(by_wiki[2] - D(50) * 51 / 52) < D("1e-20")


def test_events_outside_of_the_series_change_nothing() -> None:
    days, closes = [date(2024, 1, 2), date(2024, 1, 3)], [D(10), D(11)]
    events = [Event(date(2023, 1, 2), ratio=D(3)), Event(date(2025, 1, 2), ratio=D(3))]
    assert back_adjusted(days, closes, events, Formula.YAHOO) == closes
    assert unadjusted(days, closes, events) == [30, 33]
    assert back_adjusted([], [], events, Formula.WIKI) == []


def test_a_dividend_above_the_price_is_an_error() -> None:
    days = [date(2024, 1, 2), date(2024, 1, 3)]
    with pytest.raises(ValueError, match="more than the price"):
        back_adjusted(days, [D(10), D(1)], [Event(days[1], amount=D(10))], Formula.YAHOO)


days_of = st.lists(st.dates(date(2000, 1, 1), date(2026, 1, 1)), min_size=1, max_size=12, unique=True).map(sorted)


@given(days=days_of, data=st.data())
def test_both_directions_undo_each_other(days: list[date], data: st.DataObject) -> None:
    closes = [data.draw(st.decimals(D("0.01"), D(9999), places=4)) for _ in days]
    ratios = st.sampled_from([D(2), D(4), D("0.125"), D("1.5"), D(20)])
    splits = [Event(data.draw(st.dates(date(1999, 1, 1), date(2026, 6, 1))), ratio=data.draw(ratios)) for _ in range(3)]
    there_and_back = unadjusted(days, split_adjusted(days, closes, splits), splits)
    assert all(abs(one / other - 1) < D("1e-30") for one, other in zip(there_and_back, closes, strict=True))


@pytest.mark.parametrize("volume", ["1E+60", "1E-60", "0", "-5"])
def test_a_volume_that_cannot_be_is_no_obstacle(volume: str) -> None:
    bars = [DailyPrice(date(2020, 8, 28), Decimal("124.8075"), volume=Decimal(volume))]
    (bar,) = as_traded(bars, [Split(date(2020, 8, 31), Decimal(4))])
    assert bar.close == Decimal("499.23")

"""Prices into their table: the same rows by either way in, whatever is there, and two at once."""

import threading
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext
from psycopg import DataError
from psycopg.errors import CheckViolation

from history.market.price_rows import store_prices
from history.models import MarketSymbol, Price
from history.providers.base import DailyPrice

MONDAY = date(2026, 11, 9)
D = Decimal


def bars(*closes: object, start: date = MONDAY) -> list[DailyPrice]:
    return [DailyPrice(start + timedelta(number), D(str(close))) for number, close in enumerate(closes)]


def store(symbol: MarketSymbol, prices: list[DailyPrice], *, source: str = "test", overwrite: bool = False) -> int:
    with transaction.atomic():
        return store_prices(((symbol.pk, source, price) for price in prices), overwrite=overwrite)


def stored(symbol: MarketSymbol) -> list[tuple[int, Decimal, str]]:
    rows = Price.objects.filter(symbol=symbol).order_by("day")
    return [(row.day.day, row.close, row.source) for row in rows]


@pytest.fixture
def symbol(db: None) -> MarketSymbol:
    return MarketSymbol.objects.create(symbol="AAPL")


def test_every_figure_arrives_as_it_was_told(symbol: MarketSymbol) -> None:
    figures = [D("123456.123456789012"), D("1E+2"), D("0.000000000001"), D(7), None]
    told = DailyPrice(MONDAY, D("0.5"), *figures[:4], volume=D("12345678901234567890.1234"))
    assert store(symbol, [told, DailyPrice(MONDAY + timedelta(1), D("1E-12"))], source="a\tb\\c") == 2
    first, second = Price.objects.filter(symbol=symbol).order_by("day")
    assert (first.open, first.high, first.low, first.adj_close, first.volume) == (*figures[:4], told.volume)
    assert (second.close, second.open, second.volume, second.source) == (D("1E-12"), None, None, "a\tb\\c")


def test_what_is_new_is_copied_straight_and_only_the_rest_by_another_table(symbol: MarketSymbol) -> None:
    with CaptureQueriesContext(connection) as asked:
        assert store(symbol, bars(10, 11)) == 2
    assert not any("TEMP TABLE" in query["sql"] for query in asked)
    with CaptureQueriesContext(connection) as asked:
        assert store(symbol, bars(99, 12, start=MONDAY + timedelta(1))) == 1, "one is there already and stays"
    assert any("TEMP TABLE" in query["sql"] for query in asked)
    assert stored(symbol) == [(9, 10, "test"), (10, 11, "test"), (11, 12, "test")]
    assert store(symbol, bars(10, 11, 12)) == 0
    assert store(symbol, []) == 0


def test_overwriting_changes_what_differs_and_no_operators_word(symbol: MarketSymbol) -> None:
    store(symbol, bars(10, 11))
    store(symbol, bars(50, start=MONDAY + timedelta(2)), source="operator")
    assert store(symbol, bars(10, 12, 51, 53), source="file", overwrite=True) == 2
    assert stored(symbol) == [(9, 10, "test"), (10, 12, "file"), (11, 50, "operator"), (12, 53, "file")]


def test_a_day_told_twice_counts_once(symbol: MarketSymbol) -> None:
    assert store(symbol, [*bars(10, 11), *bars(99)]) == 2
    assert [close for _, close, _ in stored(symbol)] == [10, 11]


def test_between_what_is_there_is_nothing_to_merge_with(symbol: MarketSymbol) -> None:
    """The range told spans a day that is there for another symbol only."""
    other = MarketSymbol.objects.create(symbol="GE")
    store(other, bars(1, 2, 3))
    assert store(symbol, bars(10, 11, 12)) == 3


@pytest.mark.parametrize(("close", "error"), [("NaN", CheckViolation), ("-1", CheckViolation), ("1e18", DataError)])
def test_what_the_table_refuses_stores_nothing(symbol: MarketSymbol, close: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        store(symbol, bars(10, close))
    assert not stored(symbol)


@pytest.mark.django_db(transaction=True)
def test_two_that_store_the_same_at_once_store_it_once() -> None:
    """The second finds nothing there, copies, meets the first's rows once they are committed, and merges."""
    symbol = MarketSymbol.objects.create(symbol="AAPL")
    first_is_in, counts = threading.Event(), []

    def second() -> None:
        first_is_in.wait(10)
        try:
            counts.append(store(symbol, bars(20, 21, 22), source="second"))
        finally:
            connections.close_all()

    other = threading.Thread(target=second)
    other.start()
    with transaction.atomic():
        store_prices((symbol.pk, "first", price) for price in bars(10, 11))
        first_is_in.set()
        _wait_for_a_lock()
    other.join(10)
    assert counts == [1]
    assert stored(symbol) == [(9, 10, "first"), (10, 11, "first"), (11, 22, "second")]


def _wait_for_a_lock() -> None:
    """Until somebody waits for what this transaction has written."""
    with connection.cursor() as cursor:
        for _ in range(2000):
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'COPY%'"
            )
            if cursor.fetchone()[0]:
                return
            cursor.execute("SELECT pg_stat_clear_snapshot(), pg_sleep(0.005)")
    raise AssertionError("nobody waits")

"""Prices from a CSV file: all of it, or nothing and a sentence that says where it is wrong."""

import csv
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Final

from django.db import connection, transaction

from history.claims import restart
from history.market.corporate_actions import record_actions
from history.market.price_rows import store_prices
from history.market.prices import symbol_actions
from history.market.told_actions import store_actions
from history.models import MarketSymbol
from history.providers.base import Actions, DailyPrice, Dividend, Split
from history.providers.chain import Answer
from history.providers.garbage import LARGEST_PRICE, believable

REQUIRED: Final = ("symbol", "date", "close")
FIGURES: Final = ("open", "high", "low", "adj_close", "volume", "split_ratio", "dividend")
POSITIVE: Final = frozenset({"open", "high", "low", "close", "adj_close", "split_ratio"})
SOURCE: Final = "file"

CONCERNED: Final = """
SELECT account_id FROM investments_holding h JOIN history_securitymapping m USING (security_id)
WHERE m.symbol_id = ANY(%(symbols)s)
UNION SELECT account_id FROM investments_transaction t JOIN history_securitymapping m USING (security_id)
WHERE m.symbol_id = ANY(%(symbols)s)
"""


class BadPriceFile(ValueError):
    """The file cannot be loaded; the message names row and column. Rows count from 1, the header."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a file did: rows read, prices that are new or changed, symbols, accounts to be rebuilt."""

    rows: int
    stored: int
    symbols: int
    accounts: int


@dataclass(slots=True)
class _Series:
    """One symbol's rows by day, and the row numbers for messages."""

    prices: dict[date, DailyPrice] = field(default_factory=dict)
    rows: dict[date, int] = field(default_factory=dict)
    splits: list[Split] = field(default_factory=list)
    dividends: list[Dividend] = field(default_factory=list)


def load_prices(lines: Iterable[str]) -> Loaded:
    """Store a file's prices, splits and dividends, overwriting what is there; loading it again changes nothing.

    Columns: symbol, date, close, and optionally open, high, low, adj_close, volume, split_ratio (new shares per old
    one) and dividend (per share), both on the ex-date. Closes as traded. Raises BadPriceFile, having stored nothing.
    """
    series = _read(lines)
    with transaction.atomic():
        symbols = _symbols(series)
        stored = store_prices(
            ((symbols[name], SOURCE, price) for name, one in series.items() for price in one.prices.values()),
            overwrite=True,
        )
        answers = {name: _answer(one) for name, one in series.items()}
        store_actions([row for name, answer in answers.items() for row in symbol_actions(symbols[name], answer)])
        _remember_ranges({symbols[name]: one for name, one in series.items()})
        changed = record_actions(symbol_ids=symbols.values())
        accounts = _concerned(symbols.values()) if stored or changed else []
        restart(account_ids=accounts)
    return Loaded(sum(len(one.prices) for one in series.values()), stored, len(series), len(accounts))


def _read(lines: Iterable[str]) -> Mapping[str, _Series]:
    reader = csv.DictReader(lines)
    missing = [name for name in REQUIRED if name not in (reader.fieldnames or ())]
    if missing:
        raise BadPriceFile(f"Row 1: there is no column {', '.join(missing)}")
    series: dict[str, _Series] = defaultdict(_Series)
    for number, row in enumerate(reader, start=2):
        symbol = (row["symbol"] or "").strip().upper()
        if not symbol or len(symbol) > 40:
            raise BadPriceFile(f"Row {number}, column symbol: {row['symbol']!r} is not a symbol")
        _add(series[symbol], number, row)
    if not series:
        raise BadPriceFile("The file has no rows")
    for symbol, one in series.items():
        _check_jumps(symbol, one)
    return series


def _add(series: _Series, number: int, row: Mapping[str, str | None]) -> None:
    day = _day(number, row["date"])
    if day in series.prices:
        raise BadPriceFile(f"Row {number}, column date: {day} is there already, in row {series.rows[day]}")
    figures = {name: _figure(number, name, row.get(name)) for name in ("close", *FIGURES)}
    split, dividend = figures.pop("split_ratio"), figures.pop("dividend")
    close = figures.pop("close")
    if close is None:
        raise BadPriceFile(f"Row {number}, column close: it is empty")
    series.prices[day], series.rows[day] = DailyPrice(day, close, **figures), number
    if split is not None and split != 1:
        series.splits.append(Split(day, split))
    if dividend:
        series.dividends.append(Dividend(day, dividend))


def _day(number: int, text: str | None) -> date:
    try:
        return date.fromisoformat((text or "").strip())
    except ValueError:
        raise BadPriceFile(f"Row {number}, column date: {text!r} is not a date like 2024-01-31") from None


def _figure(number: int, column: str, text: str | None) -> Decimal | None:
    if text is None or not text.strip():
        return None
    try:
        value = Decimal(text.strip())
    except InvalidOperation:
        raise BadPriceFile(f"Row {number}, column {column}: {text!r} is not a number") from None
    if not value.is_finite() or abs(value) >= LARGEST_PRICE or value < 0 or (value == 0 and column in POSITIVE):
        raise BadPriceFile(f"Row {number}, column {column}: {text!r} cannot be")
    return value


def _check_jumps(symbol: str, series: _Series) -> None:
    prices = [series.prices[day] for day in sorted(series.prices)]
    refused = {price.day for price in prices} - {price.day for price in believable(prices, series.splits)}
    if refused:
        first = min(refused)
        raise BadPriceFile(
            f"Row {series.rows[first]}, column close: {symbol} at {series.prices[first].close} is more than ten times "
            "off its neighbours, and no split_ratio says why"
        )


def _symbols(names: Iterable[str]) -> dict[str, int]:
    wanted = sorted(names)
    MarketSymbol.objects.bulk_create([MarketSymbol(symbol=name) for name in wanted], ignore_conflicts=True)
    return dict(MarketSymbol.objects.filter(symbol__in=wanted, exchange="").values_list("symbol", "pk"))


def _answer(series: _Series) -> Answer:
    return Answer(SOURCE, (), Actions(tuple(series.splits), tuple(series.dividends)))


def _remember_ranges(series: Mapping[int, _Series]) -> None:
    """What a file told need not be asked of a provider."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "UPDATE history_marketsymbol SET priced_from = LEAST(priced_from, %s), "
            "priced_to = GREATEST(priced_to, %s) WHERE id = %s",
            [(min(one.prices), max(one.prices), symbol_id) for symbol_id, one in series.items()],
        )


def _concerned(symbol_ids: Iterable[int]) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(CONCERNED, {"symbols": list(symbol_ids)})
        return [row[0] for row in cursor.fetchall()]


def lines_of(path: str) -> Iterator[str]:
    """The lines of a UTF-8 file, with or without a byte order mark. Raises OSError, BadPriceFile."""
    with open(path, encoding="utf-8-sig", newline="") as file:
        try:
            yield from file
        except UnicodeDecodeError as error:
            raise BadPriceFile(f"The file is not UTF-8 text: {error.reason}") from None

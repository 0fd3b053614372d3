"""The one way into the table of prices: COPY, straight where nothing is there yet, else by way of what is new.

Straight is twice as fast, and is what nearly all rows take: providers are asked for what was never asked for. A COPY
stops at the first row that is there; then all of them go into a table of their own, and from it only the new ones.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Final

from django.db import connection, transaction
from psycopg.errors import UniqueViolation

from history.invalidation import prices_came
from history.providers.base import DailyPrice

BLOCK: Final = 2000  # rows handed to the database at once
COLUMNS: Final = "symbol_id, source, day, close, open, high, low, adj_close, volume"

IS_THERE: Final = """
SELECT EXISTS (SELECT FROM unnest(%s::int[], %s::date[], %s::date[]) AS told(symbol_id, first_day, last_day)
    CROSS JOIN LATERAL (SELECT FROM history_price p WHERE p.symbol_id = told.symbol_id
        AND p.day BETWEEN told.first_day AND told.last_day LIMIT 1) known)
"""
INSERT: Final = """
INSERT INTO history_price (symbol_id, day, open, high, low, close, adj_close, volume, source)
SELECT symbol_id, day, open, high, low, close, adj_close, volume, source FROM new_prices
ON CONFLICT (symbol_id, day) """
OVERWRITE: Final = """DO UPDATE SET open = excluded.open, high = excluded.high, low = excluded.low,
    close = excluded.close, adj_close = excluded.adj_close, volume = excluded.volume, source = excluded.source
WHERE history_price.source <> 'operator'
AND (history_price.open, history_price.high, history_price.low, history_price.close, history_price.adj_close,
    history_price.volume) IS DISTINCT FROM (excluded.open, excluded.high, excluded.low, excluded.close,
    excluded.adj_close, excluded.volume)"""
STORED: Final = """
WITH stored AS ({insert} RETURNING symbol_id, day)
SELECT symbol_id, min(day), count(*) FROM stored GROUP BY symbol_id
"""


@dataclass(frozen=True, slots=True)
class _Told:
    """Rows as COPY reads them, in blocks, and of each symbol the first and last day."""

    blocks: Sequence[bytes]
    days: Mapping[int, tuple[date, date]]
    count: int


def store_prices(rows: Iterable[tuple[int, str, DailyPrice]], *, overwrite: bool = False) -> int:
    """COPY (symbol id, source, price) rows into the store; returns how many are new or changed.

    A price that is there stays unless `overwrite`; what an operator corrected stays anyway. Histories that have gone on
    without them are marked to follow. Runs in the caller's transaction.
    """
    told = _told(rows)
    if not told.count:
        return 0
    if _is_any_there(told) or not _copied(told):
        firsts, count = _merged(told, OVERWRITE if overwrite else "DO NOTHING")
    else:
        firsts, count = {symbol: first for symbol, (first, _) in told.days.items()}, told.count
    by_day: dict[date, list[int]] = defaultdict(list)
    for symbol, first in firsts.items():
        by_day[first].append(symbol)
    for first, symbols in sorted(by_day.items()):
        prices_came(sorted(symbols), first)
    return count


def _told(rows: Iterable[tuple[int, str, DailyPrice]]) -> _Told:
    blocks, lines, count = [], [], 0
    days: dict[int, tuple[date, date]] = {}
    for symbol, source, price in rows:
        day = price.day
        first, last = days.get(symbol, (day, day))
        if not first < day <= last:
            days[symbol] = min(first, day), max(last, day)
        lines.append(_line(symbol, source, price))
        if len(lines) == BLOCK:
            blocks.append("".join(lines).encode())
            count, lines = count + BLOCK, []
    blocks.append("".join(lines).encode())
    return _Told(blocks, days, count + len(lines))


def _line(symbol: int, source: str, price: DailyPrice) -> str:
    """The row in COPY's text format; figures and dates need no escape."""
    opened = r"\N" if price.open is None else price.open
    high = r"\N" if price.high is None else price.high
    low = r"\N" if price.low is None else price.low
    adjusted = r"\N" if price.adj_close is None else price.adj_close
    volume = r"\N" if price.volume is None else price.volume
    figures = f"{price.close}\t{opened}\t{high}\t{low}\t{adjusted}\t{volume}"
    return f"{symbol}\t{_escaped(source)}\t{price.day}\t{figures}\n"


@lru_cache(maxsize=64)
def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


def _is_any_there(told: _Told) -> bool:
    firsts, lasts = zip(*told.days.values(), strict=True)
    with connection.cursor() as cursor:
        cursor.execute(IS_THERE, [list(told.days), list(firsts), list(lasts)])
        return bool(cursor.fetchone()[0])


def _copied(told: _Told) -> bool:
    """Whether all rows were new; where another has stored one meanwhile, or one is told twice, none is stored."""
    try:
        with transaction.atomic():
            _copy(told, "history_price")
    except UniqueViolation:
        return False
    return True


def _merged(told: _Told, conflict: str) -> tuple[dict[int, date], int]:
    """First day by symbol and the number of the rows that are new or changed."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE new_prices (LIKE history_price INCLUDING DEFAULTS) ON COMMIT DROP")
        _copy(told, "new_prices")
        cursor.execute(STORED.format(insert=INSERT + conflict))
        stored = cursor.fetchall()
        cursor.execute("DROP TABLE new_prices")
    return {symbol: first for symbol, first, _ in stored}, sum(count for *_, count in stored)


def _copy(told: _Told, table: str) -> None:
    with connection.cursor() as cursor, cursor.copy(f"COPY {table} ({COLUMNS}) FROM STDIN") as copy:
        for block in told.blocks:
            copy.write(block)

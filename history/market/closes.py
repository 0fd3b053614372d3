"""Closes out of the price store: as arrays over days, and the latest ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from history.arrays import read_columns
from history.core.places import places

LOOK_BACK: Final = 31  # days before the first: older closes say nothing of it, and would be searched in every partition


@dataclass(frozen=True, slots=True)
class Closes:
    """`close` (D, S): raw closes over consecutive calendar days, NaN where there is none.

    `prior_close`, `prior_day` (S,): the last close in the LOOK_BACK days before, and its (negative) day; NaN, 0 none.
    """

    close: NDArray[np.float64]
    prior_close: NDArray[np.float64]
    prior_day: NDArray[np.int64]


def close_matrix(*, symbol_ids: Sequence[int], start: date, end: date) -> Closes:
    """The raw closes of the symbols, columns in the order given, for every calendar day from `start` to `end`."""
    days = (end - start).days + 1
    close = np.full((len(symbol_ids), days), np.nan)
    parameters = {"symbols": list(symbol_ids), "start": start, "end": end, "back": LOOK_BACK}
    found = read_columns(
        "SELECT symbol_id, day, close::float8 FROM history_price "
        "WHERE symbol_id = ANY(%(symbols)s) AND day BETWEEN %(start)s AND %(end)s",
        parameters,
        {"symbol": "int4", "day": "date", "close": "float8"},
    )
    prior = read_columns(
        "SELECT DISTINCT ON (symbol_id) symbol_id, day, close::float8 FROM history_price "
        "WHERE symbol_id = ANY(%(symbols)s) AND day < %(start)s AND day >= %(start)s::date - %(back)s "
        "ORDER BY symbol_id, day DESC",
        parameters,
        {"symbol": "int4", "day": "date", "close": "float8"},
    )
    first, column = np.datetime64(start), np.array(symbol_ids, np.int64)
    close[_columns(column, found["symbol"]), (found["day"] - first).astype(int)] = found["close"]
    prior_close, prior_day = np.full(column.size, np.nan), np.zeros(column.size, np.int64)
    before = _columns(column, prior["symbol"])
    prior_close[before], prior_day[before] = prior["close"], (prior["day"] - first).astype(int)
    return Closes(close.T, prior_close, prior_day)


def _columns(symbols: NDArray[np.int64], ids: NDArray[np.int32]) -> NDArray[np.int64]:
    order = np.argsort(symbols)
    return order[places(symbols[order], ids.astype(np.int64))[0]]


def latest_closes(*, symbol_ids: Sequence[int], on: date) -> dict[int, tuple[date, Decimal]]:
    """The last close of each symbol on or before a day, by symbol id; symbols without one are left out."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT s.id, p.day, p.close FROM unnest(%s::int[]) s(id) CROSS JOIN LATERAL ("
            "SELECT day, close FROM history_price WHERE symbol_id = s.id AND day <= %s ORDER BY day DESC LIMIT 1) p",
            [list(symbol_ids), on],
        )
        return {symbol_id: (day, close) for symbol_id, day, close in cursor.fetchall()}

"""Currencies. A rate nobody knows is NULL in SQL and MissingRate in Python, never 1."""

from collections.abc import Sequence
from datetime import date

import numpy as np
from django.db import connection
from numpy.typing import NDArray


class MissingRate(Exception):
    """No rate from `source` to `target` is known as early as `day`."""

    def __init__(self, source: str, target: str, day: date) -> None:
        super().__init__(f"No exchange rate {source} to {target} is known on {day}")
        self.source, self.target, self.day = source, target, day


def rate_sql(*, source: str, target: str, day: str) -> str:
    """An SQL expression: units of `target` per unit of `source` at the end of `day`, NULL when no rate is known.

    The arguments are SQL expressions. The newest rate up to the day counts, in whichever direction it is kept.
    """
    return f"""
    CASE WHEN {source} = {target} THEN 1::numeric ELSE (
        SELECT CASE WHEN fx.base = {source} THEN fx.rate ELSE 1 / fx.rate END
        FROM history_fxrate fx
        WHERE fx.day <= {day} AND (fx.base, fx.quote) IN (({source}, {target}), ({target}, {source}))
        ORDER BY fx.day DESC LIMIT 1
    ) END"""


RATES = f"""
SELECT c.currency, d.day::date, {rate_sql(source="c.currency", target="%(target)s::text", day="d.day")}::float8
FROM unnest(%(currencies)s::text[]) c(currency)
CROSS JOIN generate_series(%(start)s::date, %(end)s::date, interval '1 day') d(day)
ORDER BY 1, 2
"""


def rate_matrix(currencies: Sequence[str], target: str, start: date, end: date) -> NDArray[np.float64]:
    """(D, S) units of `target` per unit of each currency at the end of every day; raises MissingRate."""
    distinct = sorted(set(currencies))
    with connection.cursor() as cursor:
        cursor.execute(RATES, {"currencies": distinct, "target": target, "start": start, "end": end})
        rows = cursor.fetchall()
    for currency, day, rate in rows:
        if rate is None:
            raise MissingRate(currency, target, day)
    by_currency = np.array([row[2] for row in rows]).reshape(len(distinct), -1)
    return by_currency[[distinct.index(currency) for currency in currencies]].T

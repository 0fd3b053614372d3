"""Currencies. A rate nobody knows is NULL in SQL and NaN in arrays, never 1."""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from investments.rates import Conversion

HUB = "USD"


def rate_sql(*, source: str, target: str, day: str) -> str:
    """An SQL expression: units of `target` per unit of `source` at the end of `day`, NULL when no rate is known.

    The arguments are SQL expressions. The newest rate up to the day counts, in whichever direction it is kept; where
    the two were never quoted against each other, the way leads over the dollar.
    """
    direct = _quoted(source, target, day)
    crossed = f"{_leg(source, day)} / {_leg(target, day)}"
    return f"CASE WHEN {source} = {target} THEN 1::numeric ELSE COALESCE({direct}, {crossed}) END"


def _quoted(source: str, target: str, day: str) -> str:
    return f"""(
        SELECT CASE WHEN fx.base = {source} THEN fx.rate ELSE 1 / fx.rate END
        FROM history_fxrate fx
        WHERE fx.day <= {day} AND (fx.base, fx.quote) IN (({source}, {target}), ({target}, {source}))
        ORDER BY fx.day DESC LIMIT 1
    )"""


def _leg(currency: str, day: str) -> str:
    hub = f"'{HUB}'::text"
    return f"CASE WHEN {currency} = {hub} THEN 1::numeric ELSE {_quoted(currency, hub, day)} END"


PAID_RATE = "COALESCE(paid.rate, 1)"
JOIN_PAID = "LEFT JOIN paid ON paid.source = t.currency AND paid.target = a.currency AND paid.day = t.date"


def paid_sql(rows: str) -> str:
    """A query's WITH: `paid`, the rates of transactions `t` in another currency than their account `a`, 0 if unknown.

    `rows` is the condition that chooses them. A rate is looked up once a pair and day, not for every transaction.
    """
    rate = rate_sql(source="told.source", target="told.target", day="told.day")
    return f"""WITH paid AS MATERIALIZED (
        SELECT told.*, COALESCE({rate}, 0)::float8 AS rate FROM (
            SELECT DISTINCT t.currency AS source, a.currency AS target, t.date AS day
            FROM investments_transaction t JOIN investments_account a ON a.id = t.account_id
            WHERE {rows} AND t.currency <> a.currency
        ) told
    )"""


RATES = f"""
SELECT c.currency, d.day::date, {rate_sql(source="c.currency", target="%(target)s::text", day="d.day")}::float8
FROM unnest(%(currencies)s::text[]) c(currency)
CROSS JOIN generate_series(%(start)s::date, %(end)s::date, interval '1 day') d(day)
ORDER BY 1, 2
"""


def rate_matrix(currencies: Sequence[str], target: str, start: date, end: date) -> NDArray[np.float64]:
    """(D, S) units of `target` per unit of each currency at the end of every day, NaN where no rate is known yet.

    Carried forward, never backward: a currency that nobody can convert is NaN throughout.
    """
    distinct = sorted(set(currencies))
    with connection.cursor() as cursor:
        cursor.execute(RATES, {"currencies": distinct, "target": target, "start": start, "end": end})
        told = np.array([row[2] for row in cursor.fetchall()], float).reshape(len(distinct), -1)
    return told[[distinct.index(currency) for currency in currencies]].T


RATES_ON_DAYS = f"""
SELECT c.source, c.target, c.day, {rate_sql(source="c.source", target="c.target", day="c.day")}
FROM unnest(%s::text[], %s::text[], %s::date[]) c(source, target, day)
"""


def rates_on(wanted: Iterable[tuple[str, date]], target: str) -> dict[tuple[str, date], Decimal | None]:
    """Units of `target` per unit of each currency at the end of its day, None where no rate is known.

    One query, and none where all is in `target` already.
    """
    rates = conversion_rates((currency, target, day) for currency, day in wanted)
    return {(currency, day): rate for (currency, _, day), rate in rates.items()}


def conversion_rates(wanted: Iterable[Conversion]) -> dict[Conversion, Decimal | None]:
    """Units of the second currency per unit of the first at the end of the day, None where no rate is known.

    One query, and none where nothing is to be converted.
    """
    asked = sorted(set(wanted))
    found: dict[Conversion, Decimal | None] = {one: Decimal(1) for one in asked if one[0] == one[1]}
    foreign = [one for one in asked if one[0] != one[1]]
    if foreign:
        with connection.cursor() as cursor:
            cursor.execute(RATES_ON_DAYS, [list(column) for column in zip(*foreign, strict=True)])
            found |= {(source, target, day): rate for source, target, day, rate in cursor.fetchall()}
    return found

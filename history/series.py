"""History as it is read: columns over days, totalled over accounts by one SQL statement.

Nothing here makes model instances: the statement returns JSON, which the API hands on as it is. Money is text with the
currency's minor units, in the user's base currency; ratios are numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import orjson
from django.conf import settings
from django.db import connection

from history.fx import rate_sql
from history.models import AccountDay
from portfolio_site.lib.money import minor_unit
from portfolio_site.lib.sessions import previous_session

PERIODS = ("1D", "1W", "1M", "3M", "6M", "YTD", "1Y", "2Y", "ALL")
PERIOD_DAYS = {"1W": 7, "1M": 30, "3M": 91, "6M": 182, "1Y": 365, "2Y": settings.HISTORY_DAYS}
EARLIEST = date(1900, 1, 1)

SNAPSHOT_NAMES = "CASE min(snapshot_type) " + " ".join(
    f"WHEN {kind.value} THEN '{kind.label}'" for kind in AccountDay.SnapshotType
)

KEPT = """
WITH kept AS MATERIALIZED (
    SELECT d.account_id, d.day, d.value, d.cash, d.cost_basis, d.net_flow, d.income, d.fees, d.quality, d.snapshot_type,
        a.currency, a.closed_at IS NULL AS is_open
    FROM history_accountday d JOIN investments_account a ON a.id = d.account_id
    WHERE d.account_id = ANY(%(accounts)s) AND d.day BETWEEN %(start)s AND %(end)s
)
"""

# An account whose history is a little behind counts with its last known value, a closed one leaves as a flow; one that
# starts inside the period enters as a flow. So neither linking nor closing an account looks like a gain or a loss.
DAYS = f"""
{KEPT}, edges AS (
    SELECT account_id, min(day) AS first, max(day) AS last FROM kept GROUP BY account_id
), whole AS (
    SELECT min(first) AS first, max(last) AS last FROM edges
), starts AS (
    SELECT kept.* FROM kept JOIN edges USING (account_id) CROSS JOIN whole
    WHERE kept.day = edges.first AND edges.first > whole.first
), ends AS (
    SELECT kept.*, whole.last FROM kept JOIN edges USING (account_id) CROSS JOIN whole
    WHERE kept.day = edges.last AND edges.last < whole.last
), account_days AS (
    SELECT day, currency, value, cash, cost_basis, net_flow, income, fees, quality, snapshot_type FROM kept
    UNION ALL
    SELECT day, currency, 0, 0, 0, value - net_flow, 0, 0, quality, snapshot_type FROM starts
    UNION ALL
    SELECT carried.day::date, currency, value, cash, cost_basis, 0, 0, 0, quality, snapshot_type
    FROM ends CROSS JOIN LATERAL generate_series(ends.day + 1, ends.last, interval '1 day') carried(day) WHERE is_open
    UNION ALL
    SELECT day + 1, currency, 0, 0, 0, -value, 0, 0, quality, snapshot_type FROM ends WHERE NOT is_open
)
"""

# Summed by currency first: then a rate is looked up and multiplied per day, not per account and day.
TOTALS = f"""
{DAYS}, sums AS (
    SELECT day, currency, sum(value) AS value, sum(cash) AS cash,
        CASE WHEN bool_and(cost_basis IS NOT NULL OR value = 0) THEN sum(cost_basis) END AS cost_basis,
        sum(net_flow) AS net_flow, sum(income) AS income, sum(fees) AS fees,
        sum(quality * abs(value)::float8) AS trusted, sum(abs(value))::float8 AS gross, avg(quality) AS quality,
        min(snapshot_type) AS snapshot_type
    FROM account_days GROUP BY day, currency
), converted AS (
    SELECT *, {rate_sql(source="sums.currency", target="%(base)s", day="sums.day")} AS rate FROM sums
), totals AS (
    SELECT day,
        CASE WHEN bool_and(rate IS NOT NULL) THEN sum(value * rate) END AS value,
        sum(cash * rate) AS cash,
        CASE WHEN bool_and(cost_basis IS NOT NULL AND rate IS NOT NULL) THEN sum(cost_basis * rate) END AS cost_basis,
        sum(net_flow * rate) AS net_flow, sum(income * rate) AS income, sum(fees * rate) AS fees,
        COALESCE(sum(trusted * rate::float8) / NULLIF(sum(gross * rate::float8), 0), avg(quality)) AS quality,
        {SNAPSHOT_NAMES} END AS snapshot_type
    FROM converted GROUP BY day
), chained AS (
    SELECT *, first_value(value) OVER days AS opening, lag(value) OVER days AS before,
        lag(day) OVER days IS NULL AS is_first
    FROM totals WINDOW days AS (ORDER BY day)
), figures AS (
    SELECT *,
        value - opening - sum(CASE WHEN is_first THEN 0 ELSE net_flow END) OVER days AS gain,
        exp(sum(CASE WHEN before + net_flow > 0 AND value > 0
            THEN ln((value / (before + net_flow))::float8) ELSE 0 END) OVER days) AS twrr
    FROM chained WINDOW days AS (ORDER BY day)
)
SELECT json_build_object(
    'currency', %(base)s::text,
    'dates', COALESCE(json_agg(day), '[]'),
    'value', COALESCE(json_agg(round(value, %(places)s)::text), '[]'),
    'cash', COALESCE(json_agg(round(cash, %(places)s)::text), '[]'),
    'cost_basis', COALESCE(json_agg(round(cost_basis, %(places)s)::text), '[]'),
    'net_flow', COALESCE(json_agg(round(net_flow, %(places)s)::text), '[]'),
    'income', COALESCE(json_agg(round(income, %(places)s)::text), '[]'),
    'fees', COALESCE(json_agg(round(fees, %(places)s)::text), '[]'),
    'gain', COALESCE(json_agg(round(gain, %(places)s)::text), '[]'),
    'twrr', COALESCE(json_agg(round(twrr::numeric, 8)), '[]'),
    'quality', COALESCE(json_agg(round(quality::numeric, 4)), '[]'),
    'snapshot_type', COALESCE(json_agg(snapshot_type), '[]'),
    'missing_rates', (SELECT COALESCE(json_agg(DISTINCT currency), '[]') FROM converted WHERE rate IS NULL)
)::text FROM (SELECT * FROM figures ORDER BY day) figures
"""

ACCOUNT_VALUES = f"""
{KEPT}, columns AS (
    SELECT account_id, json_build_object(
        'dates', json_agg(day ORDER BY day),
        'value', json_agg(round(
            value * {rate_sql(source="kept.currency", target="%(base)s", day="kept.day")}, %(places)s
        )::text ORDER BY day)
    ) AS series
    FROM kept GROUP BY account_id
)
SELECT COALESCE(json_object_agg(account_id, series), '{{}}')::text FROM columns
"""


class UnknownPeriod(ValueError):
    """A period that does not exist, or a range that ends before it starts."""


@dataclass(frozen=True, slots=True)
class Period:
    """Calendar days from `start` to `end`, both included."""

    start: date
    end: date

    def __post_init__(self) -> None:
        if self.start > self.end:
            raise UnknownPeriod(f"The period ends ({self.end}) before it starts ({self.start})")


def period_of(name: str, *, today: date) -> Period:
    """The Period behind a range button: its first day is the one whose close the change is measured from.

    A day's change on a weekend is still that of the last session.
    """
    if name == "ALL":
        return Period(EARLIEST, today)
    if name == "YTD":
        return Period(date(today.year - 1, 12, 31), today)
    if name == "1D":
        return Period(previous_session(previous_session(today, inclusive=True)), today)
    if name not in PERIOD_DAYS:
        raise UnknownPeriod(f"period must be one of {', '.join(PERIODS)}")
    return Period(today - timedelta(days=PERIOD_DAYS[name]), today)


def totals_json(*, account_ids: Sequence[int], period: Period, base_currency: str = "USD") -> str:
    """The accounts' total per day as one JSON object of equally long columns, ready to send.

    `dates`; `value`, `cash`, `cost_basis` (null where any part is unknown), `net_flow`, `income`, `fees`, `gain` (value
    less the first value less flows since) as text; `twrr` (index, 1 on the first day), `quality` (0..1) as numbers;
    `snapshot_type`; `currency`; `missing_rates`: currencies without a rate, whose days have a null value.
    """
    return _one_value(TOTALS, account_ids, period, base_currency)


def totals(*, account_ids: Sequence[int], period: Period, base_currency: str = "USD") -> dict[str, Any]:
    """`totals_json` as Python lists; money stays text."""
    parsed: dict[str, Any] = orjson.loads(
        totals_json(account_ids=account_ids, period=period, base_currency=base_currency)
    )
    return parsed


def account_values(*, account_ids: Sequence[int], period: Period, base_currency: str = "USD") -> dict[int, Any]:
    """Per account id `{"dates": [...], "value": [...]}`, value as text in the base currency."""
    found: dict[str, Any] = orjson.loads(_one_value(ACCOUNT_VALUES, account_ids, period, base_currency))
    return {int(account_id): series for account_id, series in found.items()}


def _one_value(sql: str, account_ids: Sequence[int], period: Period, base_currency: str) -> str:
    places = -int(minor_unit(base_currency).as_tuple().exponent)
    parameters = {
        "accounts": list(account_ids),
        "start": period.start,
        "end": period.end,
        "base": base_currency,
        "places": places,
    }
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return str(cursor.fetchone()[0])

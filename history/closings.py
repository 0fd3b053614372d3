"""What accounts are worth at the end of a day, many at once: a price table of the day, then one statement.

A snapshot writes what is kept; a day that only follows on another (`history.appends`) writes what may still change.

The rule of `history.valuation` for a whole range of accounts: price, multiplier and rate are multiplied out once per
security and currency, so a holding costs one product. A row that is right already is not written, not even to the log.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from django.db import connection

from history.core.market import FRESH_DAYS
from history.core.quality import PENALTY
from history.day_movements import day_movements
from history.fx import rate_sql
from history.models import AccountDay
from history.valuation import COUNTS_AS_CASH, CURRENCY, IS_CASH, MULTIPLIER, PRICE_KEY, RECENT_DAYS

END_OF_DAY: Final = AccountDay.SnapshotType.END_OF_DAY.value
RECONSTRUCTED: Final = AccountDay.SnapshotType.RECONSTRUCTED.value
RANGE: Final = "a.id BETWEEN %(first)s AND %(last)s AND a.closed_at IS NULL"
LISTED: Final = "a.id = ANY(%(accounts)s) AND a.closed_at IS NULL"
# The same of holdings, which PostgreSQL does not infer: they are read as one stretch of the index.
HELD: Final = {
    RANGE: "h.account_id BETWEEN %(first)s AND %(last)s",
    LISTED: "h.account_id = ANY(%(accounts)s)",
}

OURS: Final = f"COALESCE(y.currency, {CURRENCY})"

# What is gone from an account may still have left it in kind that day.
UNIT_PRICES: Final = f"""
CREATE TEMP TABLE unit_prices ON COMMIT DROP AS
WITH wanted AS MATERIALIZED (
    SELECT DISTINCT h.security_id, a.currency
    FROM investments_account a JOIN investments_holding h ON h.account_id = a.id
    WHERE {{accounts}} AND {{held}}
    UNION
    SELECT kind.security_id, a.currency FROM unnest(%(kind_accounts)s::bigint[], %(kind_securities)s::bigint[])
        kind(account_id, security_id) JOIN investments_account a ON a.id = kind.account_id
), symbols AS MATERIALIZED (
    SELECT DISTINCT {PRICE_KEY} AS symbol_id FROM wanted JOIN investments_security s ON s.id = wanted.security_id
    LEFT JOIN history_securitymapping m USING (security_id) WHERE NOT {IS_CASH}
), recent AS MATERIALIZED (
    SELECT DISTINCT ON (symbol_id) symbol_id, p.day, p.close FROM symbols JOIN history_price p USING (symbol_id)
    WHERE p.day <= %(day)s AND p.day > %(day)s::date - {RECENT_DAYS} ORDER BY symbol_id, p.day DESC
), closes AS MATERIALIZED (
    SELECT symbol_id, day, close FROM recent
    UNION ALL
    SELECT symbol_id, last.day, last.close FROM symbols CROSS JOIN LATERAL (
        SELECT p.day, p.close FROM history_price p
        WHERE p.symbol_id = symbols.symbol_id AND p.day <= %(day)s ORDER BY p.day DESC LIMIT 1
    ) last
    WHERE symbol_id NOT IN (SELECT symbol_id FROM recent)
)
SELECT w.security_id, w.currency, {IS_CASH} AS is_cash, {COUNTS_AS_CASH} AS counts_as_cash, closes.day,
    ({MULTIPLIER}) * closes.close * {rate_sql(source=OURS, target="w.currency", day="%(day)s")} AS price,
    {rate_sql(source=CURRENCY, target="w.currency", day="%(day)s")} AS broker_rate,
    ({MULTIPLIER}) AS multiplier
FROM wanted w
JOIN investments_security s ON s.id = w.security_id
LEFT JOIN history_securitymapping m ON m.security_id = s.id
LEFT JOIN history_marketsymbol y ON y.id = m.symbol_id
LEFT JOIN closes ON closes.symbol_id = {PRICE_KEY}
"""

SPLIT_SINCE: Final = """
SELECT DISTINCT a.id FROM investments_account a JOIN investments_holding h ON h.account_id = a.id
WHERE {accounts} AND h.removed_at IS NULL AND h.security_id IN (
    SELECT security_id FROM investments_corporateaction
    WHERE kind IN ('split', 'stock_dividend') AND voided_at IS NULL AND ex_date > %(day)s AND ex_date <= %(today)s)
"""

# The brokerage's price counts where it is as fresh as our close, or where we have none; never one of a later day.
BROKER_WINS: Final = "(u.day IS NULL OR COALESCE(h.institution_price_as_of BETWEEN u.day AND %(day)s, false))"
PRICED_ON: Final = f"CASE WHEN {BROKER_WINS} THEN h.institution_price_as_of ELSE u.day END"

CLOSE: Final = f"""
WITH shard AS (
    SELECT a.id, a.owner_id, a.currency, round(a.uninvested_cash, 4) AS cash,
        COALESCE(a.margin_loan_amount, 0) <> 0 AS margin
    FROM investments_account a WHERE {{accounts}} AND a.id <> ALL(%(left)s::bigint[])
), held AS (
    SELECT h.account_id, u.is_cash, u.counts_as_cash, h.quantity <> 0 AS is_held,
        CASE WHEN u.broker_rate = 1 AND h.quantity > 0 AND h.cost_basis >= 0 THEN h.cost_basis
            ELSE sign(h.quantity) * abs(h.cost_basis) * u.broker_rate END AS basis,
        round(CASE WHEN {BROKER_WINS} THEN h.institution_value * u.broker_rate ELSE h.quantity * u.price END, 4)
            AS value,
        COALESCE(%(day)s - ({PRICED_ON}) NOT BETWEEN 0 AND {FRESH_DAYS}, true) AS doubtful,
        u.day IS NULL AND h.institution_price = 0 AS unpriced
    FROM shard JOIN investments_holding h ON h.account_id = shard.id
    JOIN unit_prices u ON u.security_id = h.security_id AND u.currency = shard.currency
    WHERE h.removed_at IS NULL AND {{held}}
    OFFSET 0  -- else every sum below multiplies anew
), sums AS (
    SELECT account_id,
        sum(value) AS value,
        COALESCE(sum(value) FILTER (WHERE counts_as_cash), 0) AS cash,
        COALESCE(sum(value) FILTER (WHERE NOT counts_as_cash AND value < 0), 0) AS short,
        COALESCE(sum(abs(value)) FILTER (WHERE NOT counts_as_cash AND doubtful), 0) AS doubtful,
        count(*) FILTER (WHERE NOT is_cash AND is_held) AS positions,
        count(*) FILTER (WHERE NOT is_cash AND is_held AND unpriced) AS unpriced,
        COALESCE(sum(basis) FILTER (WHERE NOT is_cash), 0) AS basis,
        bool_or(NOT is_cash AND basis IS NULL AND is_held AND value <> 0) AS basis_unknown,
        bool_or(value IS NULL) AS unconverted
    FROM held GROUP BY account_id
), in_kind AS (
    SELECT k.account_id, sum(k.units * COALESCE(
        CASE WHEN u.day IS NOT NULL AND NOT {BROKER_WINS} THEN u.price END,
        CASE WHEN h.institution_price_as_of BETWEEN COALESCE(u.day, '-infinity') AND %(day)s
            THEN NULLIF(h.institution_price, 0) * u.multiplier * u.broker_rate END,
        u.price,
        NULLIF(k.price, 'NaN') * u.multiplier * u.broker_rate,
        NULLIF(h.institution_price, 0) * u.multiplier * u.broker_rate, 0)) AS flow
    FROM unnest(%(kind_accounts)s::bigint[], %(kind_securities)s::bigint[], %(kind_units)s::numeric[],
        %(kind_prices)s::numeric[]) k(account_id, security_id, units, price)
    JOIN shard ON shard.id = k.account_id
    JOIN unit_prices u ON u.security_id = k.security_id AND u.currency = shard.currency
    LEFT JOIN investments_holding h ON h.account_id = k.account_id AND h.security_id = k.security_id
    GROUP BY k.account_id
), closing AS MATERIALIZED (
    SELECT shard.id AS account_id, shard.owner_id,
        shard.cash + COALESCE(sums.value, 0) AS value,
        shard.cash + COALESCE(sums.cash, 0) AS cash,
        CASE WHEN NOT COALESCE(basis_unknown, false) THEN round(COALESCE(sums.basis, 0), 4) ELSE (
            SELECT known.cost_basis FROM history_accountday known
            WHERE known.account_id = shard.id
                AND known.day = CASE WHEN moved.dealt THEN %(day)s ELSE %(day)s::date - 1 END
        ) END AS cost_basis,
        round(COALESCE(moved.net_flow, 0) + COALESCE(in_kind.flow, 0), 4) AS net_flow,
        round(COALESCE(moved.income, 0), 4) AS income,
        round(COALESCE(moved.fees, 0), 4) AS fees,
        COALESCE(sums.positions, 0)::smallint AS securities_count,
        round(GREATEST(0, LEAST(1, 1
            - COALESCE((sums.doubtful + {PENALTY} * CASE WHEN margin THEN 0 ELSE GREATEST(-shard.cash - sums.cash, 0)
                END) / NULLIF(sums.value - sums.cash - 2 * sums.short
                    + abs(shard.cash + sums.cash), 0), 0)
            - COALESCE(sums.unpriced::numeric / NULLIF(sums.positions, 0), 0))), 9)::float8 AS quality
    FROM shard
    LEFT JOIN sums ON sums.account_id = shard.id
    LEFT JOIN in_kind ON in_kind.account_id = shard.id
    LEFT JOIN unnest(%(moved)s::bigint[], %(net_flows)s::numeric[], %(incomes)s::numeric[], %(fees)s::numeric[],
        %(dealt)s::bool[]) moved(account_id, net_flow, income, fees, dealt) ON moved.account_id = shard.id
    WHERE NOT COALESCE(sums.unconverted, false)
), written AS (
    MERGE INTO history_accountday d USING closing c ON d.account_id = c.account_id AND d.day = %(day)s
    WHEN MATCHED AND (%(kind)s = {END_OF_DAY} OR d.snapshot_type <> {END_OF_DAY})
        AND (d.value, d.cash, d.cost_basis, d.net_flow, d.income, d.fees, d.securities_count, d.quality,
            d.snapshot_type)
        IS DISTINCT FROM (c.value, c.cash, c.cost_basis, c.net_flow, c.income, c.fees, c.securities_count, c.quality,
            %(kind)s)
    THEN UPDATE SET value = c.value, cash = c.cash, cost_basis = c.cost_basis, net_flow = c.net_flow,
        income = c.income, fees = c.fees, securities_count = c.securities_count, quality = c.quality,
        snapshot_type = %(kind)s
    WHEN NOT MATCHED THEN INSERT (owner_id, account_id, day, value, cash, cost_basis, net_flow, income, fees,
        securities_count, quality, snapshot_type)
    VALUES (c.owner_id, c.account_id, %(day)s, c.value, c.cash, c.cost_basis, c.net_flow, c.income, c.fees,
        c.securities_count, c.quality, %(kind)s)
    RETURNING 1
)
SELECT (SELECT count(*) FROM closing), (SELECT count(*) FROM written),
    ARRAY(SELECT id FROM shard EXCEPT SELECT account_id FROM closing ORDER BY 1)
"""


@dataclass(frozen=True, slots=True)
class Closed:
    """`rows` accounts are as they should be, `changed` of them were written.

    `left` have moved on since the day; `unconverted` lack an exchange rate, and no value is better than a wrong one.
    """

    rows: int
    changed: int
    left: tuple[int, ...]
    unconverted: tuple[int, ...]


def close_range(*, first_account: int, last_account: int, day: date, today: date) -> Closed:
    """Take the snapshot of a day that is over for the open accounts of a range of ids."""
    return _close(RANGE, {"first": first_account, "last": last_account}, day, today, END_OF_DAY)


def close_accounts(*, account_ids: Sequence[int], day: date, today: date) -> Closed:
    """Write a day of these accounts as a reconstruction would; where a snapshot was taken it stays."""
    return _close(LISTED, {"accounts": list(account_ids)}, day, today, RECONSTRUCTED)


def moved_since(*, account_ids: Sequence[int], day: date, today: date) -> set[int]:
    """Those of the accounts whose holdings now are not what they held at the end of the day."""
    parameters = {"accounts": list(account_ids)}
    moved = day_movements(accounts=LISTED, parameters=parameters, day=day).moved_on
    return {*moved.tolist(), *_split_since(LISTED, {**parameters, "day": day, "today": today})}


def _split_since(accounts: str, named: dict[str, Any]) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(SPLIT_SINCE.format(accounts=accounts), named)
        return [row[0] for row in cursor.fetchall()]


def _close(accounts: str, parameters: dict[str, Any], day: date, today: date, kind: int) -> Closed:
    """Write the end of a day for accounts given by an SQL condition.

    Six statements whatever the number of accounts, in the caller's transaction. What the accounts hold now counts, so
    accounts whose ledger has rows after the day, or that hold what was split since, are left out: reconstruction knows
    what they held then.
    """
    moved = day_movements(accounts=accounts, parameters=parameters, day=day)
    named = {**parameters, "day": day, "today": today, "kind": kind}
    left = sorted({*moved.moved_on.tolist(), *_split_since(accounts, named)})
    named |= {
        "left": left,
        "moved": moved.account.tolist(),
        "net_flows": moved.net_flow.tolist(),
        "incomes": moved.income.tolist(),
        "fees": moved.fees.tolist(),
        "dealt": moved.dealt.tolist(),
        "kind_accounts": moved.kind_account.tolist(),
        "kind_securities": moved.kind_security.tolist(),
        "kind_units": moved.kind_units.tolist(),
        "kind_prices": moved.kind_price.tolist(),
    }
    with connection.cursor() as cursor:
        cursor.execute(UNIT_PRICES.format(accounts=accounts, held=HELD[accounts]), named)
        cursor.execute("ANALYZE unit_prices")
        cursor.execute(CLOSE.format(accounts=accounts, held=HELD[accounts]), named)
        rows, changed, unconverted = cursor.fetchone()
        cursor.execute("DROP TABLE unit_prices")
    return Closed(rows, changed, tuple(left), tuple(unconverted))

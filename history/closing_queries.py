"""What `closings` asks PostgreSQL, of many accounts at once, and the types that its columns come back as.

`{accounts}` is a condition on `a`, `{held}` the same of holdings `h`, which PostgreSQL does not infer: they are read as
one stretch of the index. `never` is a day long ago that stands for none.
"""

from typing import Final

from history.market.fx import rate_sql
from history.models import AccountDay
from history.valuation import COUNTS_AS_CASH, CURRENCY, IS_CASH, MULTIPLIER, PRICE_KEY, RECENT_DAYS

RANGE: Final = "a.id BETWEEN %(first)s AND %(last)s AND a.closed_at IS NULL"
LISTED: Final = "a.id = ANY(%(accounts)s) AND a.closed_at IS NULL"
HELD: Final = {
    RANGE: "h.account_id BETWEEN %(first)s AND %(last)s",
    LISTED: "h.account_id = ANY(%(accounts)s)",
}

CURRENCIES: Final = "SELECT DISTINCT a.currency FROM investments_account a WHERE {accounts}"
ACCOUNTS: Final = """
SELECT a.id, a.owner_id, array_position(%(currencies)s::text[], a.currency::text) - 1,
    round(a.uninvested_cash, 4)::float8, COALESCE(a.margin_loan_amount, 0) <> 0
FROM investments_account a WHERE {accounts} ORDER BY a.id
"""
ACCOUNT_COLUMNS: Final = {"id": "int8", "owner": "int8", "currency": "int4", "uninvested": "float8", "margin": "bool"}

HOLDINGS: Final = """
SELECT h.account_id, h.security_id, h.quantity::float8, COALESCE(h.cost_basis::float8, 'NaN'),
    h.institution_value::float8, COALESCE(h.institution_price_as_of, %(never)s), h.institution_price = 0
FROM investments_holding h WHERE {held} AND h.removed_at IS NULL
"""
HOLDING_COLUMNS: Final = {
    "account": "int8", "security": "int8", "quantity": "float8", "basis": "float8", "broker_value": "float8",
    "broker_day": "date", "unpriced": "bool",
}  # fmt: skip

# What is gone from an account may still have left it in kind that day.
IN_KIND: Final = """
SELECT COALESCE(NULLIF(h.institution_price, 0)::float8, 'NaN'), COALESCE(h.institution_price_as_of, %(ahead)s)
FROM unnest(%(kind_accounts)s::bigint[], %(kind_securities)s::bigint[])
    WITH ORDINALITY kind(account_id, security_id, place)
LEFT JOIN investments_holding h ON h.account_id = kind.account_id AND h.security_id = kind.security_id
ORDER BY kind.place
"""
IN_KIND_COLUMNS: Final = {"broker": "float8", "broker_day": "date"}

# Price, multiplier and rate are multiplied out once per security and currency; a rate is looked up once per pair.
UNIT_PRICES: Final = f"""
WITH wanted AS MATERIALIZED (
    SELECT w.place, (%(currencies)s::text[])[w.currency + 1] AS target, {MULTIPLIER} AS multiplier,
        {IS_CASH} AS is_cash, {COUNTS_AS_CASH} AS counts_as_cash, {PRICE_KEY} AS symbol_id,
        COALESCE(y.currency, {CURRENCY})::text AS ours, {CURRENCY}::text AS theirs
    FROM unnest(%(securities)s::bigint[], %(targets)s::int[]) WITH ORDINALITY w(security_id, currency, place)
    JOIN investments_security s ON s.id = w.security_id
    LEFT JOIN history_securitymapping m ON m.security_id = s.id
    LEFT JOIN history_marketsymbol y ON y.id = m.symbol_id
), symbols AS MATERIALIZED (
    SELECT DISTINCT symbol_id FROM wanted WHERE NOT is_cash
), recent AS MATERIALIZED (
    SELECT symbol_id, last.day, last.close FROM symbols CROSS JOIN LATERAL (
        SELECT p.day, p.close FROM history_price p WHERE p.symbol_id = symbols.symbol_id
            AND p.day <= %(day)s AND p.day > %(day)s::date - {RECENT_DAYS} ORDER BY p.day DESC LIMIT 1
    ) last
), closes AS MATERIALIZED (
    SELECT symbol_id, day, close FROM recent
    UNION ALL
    SELECT symbol_id, last.day, last.close FROM symbols CROSS JOIN LATERAL (
        SELECT p.day, p.close FROM history_price p
        WHERE p.symbol_id = symbols.symbol_id AND p.day <= %(day)s ORDER BY p.day DESC LIMIT 1
    ) last
    WHERE symbol_id NOT IN (SELECT symbol_id FROM recent)
), rates AS MATERIALIZED (
    SELECT pair.*, {rate_sql(source="pair.source", target="pair.target", day="%(day)s")} AS rate
    FROM (SELECT ours AS source, target FROM wanted UNION SELECT theirs, target FROM wanted) pair
)
SELECT COALESCE((w.multiplier * c.close * ours.rate * 10000)::float8, 'NaN'), COALESCE(c.day, %(never)s),
    c.day IS NOT NULL, COALESCE(theirs.rate::float8, 'NaN'), w.multiplier::float8, w.is_cash, w.counts_as_cash
FROM wanted w
JOIN rates ours ON ours.source = w.ours AND ours.target = w.target
JOIN rates theirs ON theirs.source = w.theirs AND theirs.target = w.target
LEFT JOIN closes c USING (symbol_id)
ORDER BY w.place
"""
UNIT_PRICE_COLUMNS: Final = {
    "price": "float8", "day": "date", "has_close": "bool", "rate": "float8", "multiplier": "float8", "is_cash": "bool",
    "counts_as_cash": "bool",
}  # fmt: skip

SPLIT_SINCE: Final = """
SELECT DISTINCT a.id FROM investments_account a JOIN investments_holding h ON h.account_id = a.id
WHERE {accounts} AND h.removed_at IS NULL AND h.security_id IN (
    SELECT security_id FROM investments_corporateaction
    WHERE kind IN ('split', 'stock_dividend') AND voided_at IS NULL AND ex_date > %(day)s AND ex_date <= %(today)s)
"""

STORED: Final = f"""
SELECT d.account_id, d.snapshot_type = {AccountDay.SnapshotType.END_OF_DAY.value}, d.snapshot_type, d.value::float8,
    d.cash::float8, COALESCE(d.cost_basis::float8, 'NaN'), d.net_flow::float8, d.income::float8, d.fees::float8,
    d.securities_count, d.quality
FROM investments_account a JOIN history_accountday d ON d.account_id = a.id AND d.day = %(day)s
WHERE {{accounts}}
"""
STORED_COLUMNS: Final = {
    "account": "int8", "taken": "bool", "snapshot_type": "int2", "value": "float8", "cash": "float8",
    "cost_basis": "float8", "net_flow": "float8", "income": "float8", "fees": "float8", "securities_count": "int2",
    "quality": "float8",
}  # fmt: skip
KNOWN_BASIS: Final = """
SELECT d.account_id, d.cost_basis::float8
FROM unnest(%(unknown)s::bigint[], %(days)s::date[]) u(account_id, day)
JOIN history_accountday d ON d.account_id = u.account_id AND d.day = u.day
WHERE d.cost_basis IS NOT NULL
"""
KNOWN_BASIS_COLUMNS: Final = {"account": "int8", "basis": "float8"}
DELETE_DAY: Final = "DELETE FROM history_accountday WHERE account_id = ANY(%s) AND day = %s"

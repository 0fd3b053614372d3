"""What `books` asks PostgreSQL, of many accounts at once, and the types that its columns come back as."""

from typing import Final

from history.market.fx import JOIN_PAID, PAID_RATE, paid_sql
from history.valuation import CURRENCY, IS_CASH, MULTIPLIER, PRICE_KEY

# All versions of all rows: a later version may lie on another day than the one it supersedes. What few rows are is told
# of those alone (ODD): each column that is read of all costs a tenth of the query.
# Of a row's type and subtype a hash is read: a join costs more, and text has no width.
KIND_HASH: Final = "hashtextextended(subtype, hashtextextended(type, 0))"
TRANSACTIONS: Final = f"""
SELECT t.id, t.is_void OR t.supersedes_id IS NOT NULL OR t.type = 'cancel' OR t.currency <> %(currency)s, t.account_id,
    COALESCE(t.security_id, 0), t.date, {KIND_HASH},
    t.quantity, t.price, t.amount, t.fees
FROM investments_transaction t
WHERE t.account_id = ANY(%(accounts)s)
"""
TRANSACTION_COLUMNS: Final = {
    "id": "int8", "odd": "bool", "account": "int8", "security": "int8", "day": "date", "kind": "int8",
    "quantity": "numeric", "price": "numeric", "amount": "numeric", "fees": "numeric",
}  # fmt: skip
KINDS: Final = f"""
SELECT {KIND_HASH}, code FROM unnest(%(types)s::text[], %(subtypes)s::text[], %(codes)s::int[]) k(type, subtype, code)
ORDER BY 1
"""
KIND_COLUMNS: Final = {"kind": "int8", "code": "int4"}

ODD: Final = f"""
{paid_sql("t.id = ANY(%(odd)s)")}
SELECT t.id, COALESCE(t.supersedes_id, 0), t.is_void, t.type = 'cancel', {PAID_RATE}, hashtext(t.currency),
    t.currency = a.currency
FROM investments_transaction t
JOIN investments_account a ON a.id = t.account_id
{JOIN_PAID}
WHERE t.id = ANY(%(odd)s)
"""
ODD_COLUMNS: Final = {
    "id": "int8",
    "supersedes": "int8",
    "void": "bool",
    "cancel": "bool",
    "rate": "float8",
    "currency": "int4",
    "own": "bool",
}

CANCELLED: Final = """
SELECT t.id FROM investments_transaction c
JOIN investments_transaction t ON t.account_id = c.account_id AND t.external_id = c.cancels_external_id
WHERE c.id = ANY(%s)
"""

# What is gone still tells what it was last worth.
HOLDINGS: Final = """
SELECT h.account_id, h.security_id, CASE WHEN h.removed_at IS NULL THEN h.quantity ELSE 0 END,
    COALESCE(h.cost_basis, 'NaN'), NULLIF(h.institution_price, 0) IS NOT NULL, h.institution_price,
    COALESCE(h.institution_price_as_of, %(long_ago)s::date), h.quantity,
    COALESCE((h.removed_at AT TIME ZONE 'America/New_York')::date, %(long_ago)s::date)
FROM investments_holding h WHERE h.account_id = ANY(%(accounts)s)
"""
HOLDING_COLUMNS: Final = {
    "account": "int8", "security": "int8", "units": "numeric", "basis": "numeric", "has_price": "bool",
    "price": "numeric", "as_of": "date", "last_units": "numeric", "removed": "date",
}  # fmt: skip

SECURITIES: Final = f"""
SELECT s.id, {IS_CASH}, ({MULTIPLIER})::float8, s.type = 'derivative', s.is_cash_equivalent,
    {PRICE_KEY},
    COALESCE(y.currency, {CURRENCY}), hashtext({CURRENCY})
FROM investments_security s
LEFT JOIN history_securitymapping m ON m.security_id = s.id
LEFT JOIN history_marketsymbol y ON y.id = m.symbol_id
WHERE s.id = ANY(%(securities)s) ORDER BY s.id
"""

SPLITS: Final = """
SELECT security_id, ex_date, ratio::float8, kind = 'stock_dividend' FROM investments_corporateaction
WHERE kind IN ('split', 'stock_dividend') AND voided_at IS NULL AND security_id = ANY(%(securities)s)
"""
SPLIT_COLUMNS: Final = {"security": "int8", "day": "date", "ratio": "float8", "dividend": "bool"}

# Of any security that the same symbol prices: an operator enters an action once, whoever lists the paper later. Rows of
# one day and kind are one action.
EXCHANGES: Final = """
SELECT DISTINCT ON (s.id, c.kind, c.ex_date) s.id, c.ex_date, COALESCE(c.successor_id, 0), COALESCE(heir.symbol_id, 0),
    COALESCE(c.ratio, CASE WHEN c.kind = 'symbol_change' THEN 1 WHEN c.successor_id IS NOT NULL THEN 1 ELSE 0 END)
        ::float8,
    CASE WHEN c.kind IN ('merger', 'delisting') THEN COALESCE(c.cash_per_unit, 0) ELSE 0 END::float8,
    c.kind <> 'spin_off', COALESCE((1 - c.basis_fraction)::float8, 'NaN')
FROM investments_security s
LEFT JOIN history_securitymapping m ON m.security_id = s.id
LEFT JOIN history_securitymapping same ON same.symbol_id = m.symbol_id
JOIN investments_corporateaction c ON c.security_id = COALESCE(same.security_id, s.id) AND c.voided_at IS NULL
    AND (c.kind IN ('merger', 'delisting') OR (c.kind IN ('spin_off', 'symbol_change') AND c.successor_id IS NOT NULL))
LEFT JOIN history_securitymapping heir ON heir.security_id = c.successor_id
WHERE s.id = ANY(%(securities)s) AND c.ex_date BETWEEN %(first)s AND %(last)s
ORDER BY s.id, c.kind, c.ex_date, c.id
"""
EXCHANGE_COLUMNS: Final = {
    "security": "int8", "day": "date", "successor": "int8", "symbol": "int4", "ratio": "float8", "cash": "float8",
    "ends": "bool", "kept": "float8",
}  # fmt: skip

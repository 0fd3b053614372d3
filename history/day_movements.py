"""What the ledger says of one day, account by account: flows, income, fees, and what came or went in kind.

The table of effects is the one of the reconstruction, applied by the same function.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np

from history.arrays import Column, read_columns
from history.core.book import Bools, Floats, Ints
from history.core.movements import effect_code, movements_from_rows
from history.market.fx import JOIN_PAID, PAID_RATE, paid_sql
from history.valuation import IS_CASH
from investments.core.effects import TABLE

# Rows from the day on, one index range per account. A later version may lie on another day than the one it supersedes.
ROWS: Final = f"""
{paid_sql("{accounts} AND t.date >= %(day)s")}
SELECT t.id, t.account_id, CASE WHEN {IS_CASH} THEN 0 ELSE COALESCE(t.security_id, 0) END, t.date,
    COALESCE(kind.code, {effect_code("", "")})::int4,
    t.quantity::float8, t.price::float8, t.amount::float8 * {PAID_RATE}, t.fees::float8 * {PAID_RATE}
FROM investments_account a
JOIN investments_transaction t ON t.account_id = a.id AND t.date >= %(day)s
{JOIN_PAID}
LEFT JOIN investments_security s ON s.id = t.security_id
LEFT JOIN unnest(%(types)s::text[], %(subtypes)s::text[], %(codes)s::int[]) kind(type, subtype, code)
    ON kind.type = t.type AND kind.subtype = t.subtype
WHERE {{accounts}} AND NOT t.is_void AND t.type <> 'cancel'
    AND NOT EXISTS (SELECT FROM investments_transaction later WHERE later.supersedes_id = t.id)
    AND NOT EXISTS (
        SELECT FROM investments_transaction c
        WHERE c.account_id = t.account_id AND c.cancels_external_id = t.external_id AND c.cancels_external_id <> ''
            AND c.type = 'cancel' AND NOT c.is_void
            AND NOT EXISTS (SELECT FROM investments_transaction later WHERE later.supersedes_id = c.id))
"""
COLUMNS: Final = {
    "id": "int8", "account": "int8", "security": "int8", "day": "date", "effect": "int4",
    "quantity": "float8", "price": "float8", "amount": "float8", "fees": "float8",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class DayMovements:
    """`account` (A,) ids with sums of their day beside; `dealt`: units moved. In kind (K,): units at market value.

    `moved_on` are the accounts with rows after the day: what they hold now is not what they held then.
    """

    account: Ints
    net_flow: Floats
    income: Floats
    fees: Floats
    dealt: Bools
    kind_account: Ints
    kind_security: Ints
    kind_units: Floats
    kind_price: Floats
    moved_on: Ints


def day_movements(*, accounts: str, parameters: dict[str, object], day: date) -> DayMovements:
    """The movements on `day` of the accounts, an SQL condition on `a` with its parameters."""
    named = {
        "day": day,
        "types": [kind for kind, _ in TABLE],
        "subtypes": [subtype for _, subtype in TABLE],
        "codes": [effect_code(*kind) for kind in TABLE],
    }
    rows = read_columns(ROWS.format(accounts=accounts), {**parameters, **named}, COLUMNS)
    later = rows["day"] > np.datetime64(day)
    moved_on = np.unique(rows["account"][later])
    return _summed({name: column[~later] for name, column in rows.items()}, moved_on)


def _summed(rows: dict[str, Column], moved_on: Ints) -> DayMovements:
    account, place = np.unique(rows["account"], return_inverse=True)
    moved = movements_from_rows(
        account=place,
        position=np.where(rows["security"] > 0, rows["security"], -1),
        day=np.zeros(place.size, np.int64),
        effect=rows["effect"].astype(np.int64),
        quantity=rows["quantity"],
        price=rows["price"],
        amount=rows["amount"],
        fees=rows["fees"],
    )

    def total(amounts: Floats) -> Floats:
        return np.bincount(place, weights=amounts, minlength=account.size)

    kind = np.flatnonzero(moved.in_kind)
    return DayMovements(
        account=account,
        net_flow=total(moved.flow),
        income=total(moved.income),
        fees=total(moved.fee),
        dealt=total((moved.units != 0).astype(np.float64)) > 0,
        kind_account=rows["account"][kind],
        kind_security=rows["security"][kind],
        kind_units=moved.units[kind],
        kind_price=moved.price[kind],
        moved_on=moved_on,
    )

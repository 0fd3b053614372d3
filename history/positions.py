"""Positions: one row per symbol over all accounts that hold it, in the user's base currency."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

import orjson
from django.db import connection

from history.models.symbol import RETIRED
from history.valuation import CURRENCY, HOLDING_VALUE, IS_CASH, MULTIPLIER, AccountWorth

ZERO = Decimal(0)
# As Holding.current_price, value and basis, and as MarketSymbol.venue, where there is no other.
HELD = f"""
SELECT h.id, h.account_id, a.name, i.name, h.security_id, s.ticker_symbol, s.name, s.type, s.market_identifier_code,
    {MULTIPLIER}, m.symbol_id, y.symbol, CASE WHEN y.exchange LIKE '{RETIRED}%%' THEN '' ELSE y.exchange END,
    h.quantity, COALESCE(h.market_price, h.institution_price), {HOLDING_VALUE},
    CASE WHEN h.cost_basis IS NOT NULL
        THEN COALESCE(h.market_basis, CASE WHEN {CURRENCY} = a.currency THEN h.cost_basis END) END,
    h.day_change, h.priced_on, h.data_source, h.source_metadata::text
FROM investments_holding h
JOIN investments_account a ON a.id = h.account_id
JOIN investments_institution i ON i.id = a.institution_id
JOIN investments_security s ON s.id = h.security_id
LEFT JOIN history_securitymapping m ON m.security_id = s.id
LEFT JOIN history_marketsymbol y ON y.id = m.symbol_id
WHERE h.account_id = ANY(%(accounts)s) AND (%(securities)s::bigint[] IS NULL OR s.id = ANY(%(securities)s))
    AND h.removed_at IS NULL AND a.closed_at IS NULL AND h.quantity <> 0 AND NOT {IS_CASH}
ORDER BY h.security_id, h.account_id
"""


class Held(NamedTuple):
    """A holding as `HELD` reads it: money in the account's currency, `symbol` and `venue` None where nothing prices it.

    A tuple, because there are many and a page waits.
    """

    holding_id: int
    account_id: int
    account_name: str
    institution_name: str
    security_id: int
    ticker: str
    name: str
    type: str
    market_code: str
    multiplier: Decimal
    symbol_id: int | None
    symbol: str | None
    venue: str | None
    quantity: Decimal
    price: Decimal
    value: Decimal | None
    basis: Decimal | None
    day_change: Decimal | None
    priced_on: date | None
    data_source: str
    source_metadata: str

    @property
    def identity(self) -> tuple[str, Any]:
        """What makes two holdings the same position."""
        if self.symbol_id is not None:
            return "symbol", self.symbol_id
        return (f"ticker {self.type}", self.ticker.upper()) if self.ticker else ("security", self.security_id)


@dataclass(frozen=True, slots=True)
class AccountPart:
    """What one account holds of a symbol. Money in the base currency, unrounded; None where unknown."""

    account_id: int
    account_name: str
    institution_name: str
    quantity: Decimal
    market_value: Decimal | None
    cost_basis: Decimal | None
    day_change: Decimal | None
    data_source: str
    source_metadata: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Position:
    """A symbol over all accounts. Money in the base currency, unrounded.

    `quantity` is signed; `weight` is the share of value with cash, 0..1; `change_today` and `gain_fraction` are
    fractions; None stands for unknown: a missing basis or rate of any account makes the sum unknown.
    """

    security_id: int
    symbol: str
    exchange: str
    asset_class: str
    name: str
    quantity: Decimal
    current_price: Decimal
    priced_on: date | None
    market_value: Decimal | None
    cost_basis: Decimal | None
    average_price: Decimal | None
    gain: Decimal | None
    gain_fraction: float | None
    change_today: float | None
    weight: float | None
    accounts: tuple[AccountPart, ...]

    @property
    def side(self) -> str:
        return "short" if self.quantity < 0 else "long"

    @property
    def data_source(self) -> str:
        """The source of all its accounts, or `mixed`."""
        sources = {part.data_source for part in self.accounts}
        return sources.pop() if len(sources) == 1 else "mixed"

    @property
    def source_metadata(self) -> dict[str, Mapping[str, Any]]:
        """What the sources had to say, by account id."""
        return {str(part.account_id): part.source_metadata for part in self.accounts if part.source_metadata}


def positions(
    *, worths: Sequence[AccountWorth], total_value: Decimal, security_ids: Collection[int] | None = None
) -> list[Position]:
    """The positions of the accounts, greatest first. Cash is no position; it counts in `total_value` and so in weights.

    Securities that one market symbol prices, or that share a ticker and type, are one position. One query. Of these
    securities only, where they are named.
    """
    rates = {worth.account_id: worth.rate for worth in worths}
    named = None if security_ids is None else list(security_ids)
    grouped: dict[tuple[str, Any], list[Held]] = {}
    for row in _held(list(rates), named):
        grouped.setdefault(row.identity, []).append(row)
    found = [_position(rows, rates, total_value) for rows in grouped.values()]
    return sorted(found, key=lambda position: (-(position.market_value or ZERO), position.symbol, position.security_id))


def _held(account_ids: list[int], security_ids: list[int] | None) -> list[Held]:
    with connection.cursor() as cursor:
        cursor.execute(HELD, {"accounts": account_ids, "securities": security_ids})
        return [Held._make(row) for row in cursor.fetchall()]


def _part(row: Held, rate: Decimal | None) -> AccountPart:
    def converted(amount: Decimal | None) -> Decimal | None:
        return None if amount is None or rate is None else amount * rate

    return AccountPart(
        account_id=row.account_id,
        account_name=row.account_name,
        institution_name=row.institution_name,
        quantity=row.quantity,
        market_value=converted(row.value),
        cost_basis=converted(row.basis),
        day_change=converted(row.day_change),
        data_source=row.data_source,
        source_metadata=orjson.loads(row.source_metadata),
    )


def _position(rows: Sequence[Held], rates: Mapping[int, Decimal | None], total_value: Decimal) -> Position:
    parts = tuple(_part(row, rates[row.account_id]) for row in rows)
    newest = max(rows, key=lambda row: (row.priced_on or date.min, -row.holding_id))
    first = rows[0]
    quantity = sum((part.quantity for part in parts), ZERO)
    value, basis = _sum([part.market_value for part in parts]), _sum([part.cost_basis for part in parts])
    gain = None if value is None or basis is None else value - basis
    return Position(
        security_id=first.security_id,
        symbol=first.symbol or first.ticker,
        exchange=first.venue or first.market_code,
        asset_class=first.type,
        name=first.name,
        quantity=quantity,
        current_price=newest.price,
        priced_on=newest.priced_on,
        market_value=value,
        cost_basis=basis,
        average_price=basis / quantity / first.multiplier if basis is not None and quantity else None,
        gain=gain,
        gain_fraction=_fraction(gain, basis),
        change_today=_change(value, _sum([part.day_change for part in parts])),
        weight=_fraction(value, total_value),
        accounts=parts,
    )


def _sum(amounts: Sequence[Decimal | None]) -> Decimal | None:
    return None if None in amounts else sum(amounts, ZERO)  # type: ignore[arg-type]


def _fraction(amount: Decimal | None, of: Decimal | None) -> float | None:
    return float(amount / abs(of)) if amount is not None and of else None


def _change(value: Decimal | None, change: Decimal | None) -> float | None:
    return None if value is None or change is None else _fraction(change, value - change)

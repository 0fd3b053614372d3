"""Positions: one row per symbol over all accounts that hold it, in the user's base currency."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import groupby
from typing import Any

from history.valuation import AccountWorth
from investments.models import Holding

ZERO = Decimal(0)


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
    held = Holding.objects.filter(account__in=rates).held().select_related(
        "account__institution", "security__mapping__symbol"
    )  # fmt: skip
    if security_ids is not None:
        held = held.filter(security__in=security_ids)
    rows = sorted((row for row in held if not row.security.is_cash and row.quantity), key=_order)
    grouped = [_position(list(rows_of), rates, total_value) for _, rows_of in groupby(rows, key=_identity)]
    return sorted(
        grouped, key=lambda position: (-(position.market_value or ZERO), position.symbol, position.security_id)
    )


def _identity(holding: Holding) -> tuple[str, str]:
    """What makes two holdings the same position."""
    security, symbol = holding.security, _symbol(holding)
    if symbol is not None:
        return "symbol", str(symbol.pk)
    if security.ticker_symbol:
        return f"ticker {security.type}", security.ticker_symbol.upper()
    return "security", str(security.pk)


def _order(holding: Holding) -> tuple[tuple[str, str], int, int]:
    return _identity(holding), holding.security_id, holding.account_id


def _symbol(holding: Holding) -> Any:
    mapping = getattr(holding.security, "mapping", None)
    return mapping.symbol if mapping else None


def _part(holding: Holding, rate: Decimal | None) -> AccountPart:
    def converted(amount: Decimal | None) -> Decimal | None:
        return None if amount is None or rate is None else amount * rate

    return AccountPart(
        account_id=holding.account_id,
        account_name=holding.account.name,
        institution_name=holding.account.institution.name,
        quantity=holding.quantity,
        market_value=converted(holding.value),
        cost_basis=converted(holding.basis),
        day_change=converted(holding.day_change),
        data_source=holding.data_source,
        source_metadata=holding.source_metadata,
    )


def _position(rows: list[Holding], rates: Mapping[int, Decimal | None], total_value: Decimal) -> Position:
    parts = tuple(_part(row, rates[row.account_id]) for row in rows)
    newest = max(rows, key=lambda row: (row.priced_on or date.min, -row.pk))
    security, symbol = rows[0].security, _symbol(rows[0])
    quantity = sum((part.quantity for part in parts), ZERO)
    value, basis = _sum(part.market_value for part in parts), _sum(part.cost_basis for part in parts)
    gain = None if value is None or basis is None else value - basis
    return Position(
        security_id=security.pk,
        symbol=symbol.symbol if symbol else security.ticker_symbol,
        exchange=(symbol.venue if symbol else "") or security.market_identifier_code,
        asset_class=security.type,
        name=security.name,
        quantity=quantity,
        current_price=newest.current_price,
        priced_on=newest.priced_on,
        market_value=value,
        cost_basis=basis,
        average_price=basis / quantity / security.multiplier if basis is not None and quantity else None,
        gain=gain,
        gain_fraction=_fraction(gain, basis),
        change_today=_change(value, _sum(part.day_change for part in parts)),
        weight=_fraction(value, total_value),
        accounts=parts,
    )


def _sum(amounts: Iterable[Decimal | None]) -> Decimal | None:
    known = list(amounts)
    return None if None in known else sum((amount or ZERO for amount in known), ZERO)


def _fraction(amount: Decimal | None, of: Decimal | None) -> float | None:
    return float(amount / abs(of)) if amount is not None and of else None


def _change(value: Decimal | None, change: Decimal | None) -> float | None:
    return None if value is None or change is None else _fraction(change, value - change)

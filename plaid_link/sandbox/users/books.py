"""From a life to what the institution shows of it."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from . import instruments
from .life import Life, cents
from .records import CASH, ZERO, AccountBooks, Position

BEFORE_LINK: Final = timedelta(days=900)  # journals begin earlier than the 24 months that Plaid shows


@dataclass(frozen=True, slots=True)
class Span:
    """The time a user's accounts live through: from well before the link to the last closed session."""

    linked_on: date
    last_session: date
    yesterday: date

    @property
    def begins_on(self) -> date:
        return self.linked_on - BEFORE_LINK


def account(
    life: Life,
    end: date,
    *,
    key: str,
    name: str,
    subtype: str,
    mask: str,
    official_name: str | None = None,
    margin: bool = False,
    basis_per_share: bool = False,
) -> AccountBooks:
    """The account as shown at the close of `end`."""
    positions = tuple(_positions(life, end, basis_per_share=basis_per_share))
    return AccountBooks(
        key=key,
        name=name,
        official_name=official_name,
        type="investment",
        subtype=subtype,
        mask=mask,
        current=sum((position.value for position in positions), ZERO),
        available=max(life.cash, ZERO) if life.customs.swept else None,
        margin_loan=max(-life.cash, ZERO) if margin else None,
        positions=positions,
        entries=tuple(life.entries),
        opening=dict(life.opening),
    )


def _positions(life: Life, end: date, *, basis_per_share: bool) -> list[Position]:
    found = [_position(life, symbol, end) for symbol in sorted(life.units)]
    if basis_per_share:
        found = [_with_basis_per_share(position) for position in found]
    if life.customs.swept and life.cash:
        found.append(cash_position(life.cash, end))
    return found


def _position(life: Life, symbol: str, end: date) -> Position:
    units = life.units[symbol]
    as_of, price = instruments.price_on(symbol, end)
    return Position(
        symbol=symbol,
        quantity=units,
        price=price,
        price_as_of=as_of,
        value=cents(units * price * instruments.multiplier(symbol)),
        cost_basis=life.cost[symbol],
    )


def _with_basis_per_share(position: Position) -> Position:
    if position.cost_basis is None:
        return position
    return replace(position, cost_basis=(position.cost_basis / position.quantity).quantize(Decimal("0.0001")))


def cash_position(amount: Decimal, day: date) -> Position:
    """Cash as Plaid shows it: a holding of `CUR:USD` at a price of one."""
    return Position(symbol=CASH, quantity=amount, price=Decimal(1), price_as_of=day, value=amount, cost_basis=amount)


def bank_account(*, key: str, name: str, subtype: str, mask: str, balance: str) -> AccountBooks:
    """An account at the same login that holds no investments."""
    money = Decimal(balance)
    return AccountBooks(
        key=key,
        name=name,
        official_name=None,
        type="depository",
        subtype=subtype,
        mask=mask,
        current=money,
        available=money,
    )

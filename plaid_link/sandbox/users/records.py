"""What an institution knows about a user: accounts, positions and everything that happened in them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Final

ZERO: Final = Decimal(0)
CASH: Final = "CUR:USD"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One row of an account's journal, in Plaid's signs: `amount` > 0 is cash out of the account, fees included.

    `quantity` counts units (contracts for options). `ordinal` numbers the journal; `cancels` is the ordinal of the
    row that this one takes back. `extra` replaces fields of the answer as they are.
    """

    ordinal: int
    day: date
    type: str
    subtype: str
    name: str
    symbol: str | None = None
    quantity: Decimal = ZERO
    price: Decimal = ZERO
    amount: Decimal = ZERO
    fees: Decimal = ZERO
    currency: str = "USD"
    cancels: int | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """What is held of one security. `value` is in cents; `cost_basis` None when the institution does not know it."""

    symbol: str
    quantity: Decimal
    price: Decimal
    price_as_of: date | None
    value: Decimal
    cost_basis: Decimal | None
    currency: str = "USD"
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountBooks:
    """One account. `opening` is what was held before the first entry (units by symbol, cash under CUR:USD)."""

    key: str
    name: str
    official_name: str | None
    type: str
    subtype: str
    mask: str
    current: Decimal | None
    available: Decimal | None
    limit: Decimal | None = None
    currency: str = "USD"
    margin_loan: Decimal | None = None
    positions: tuple[Position, ...] = ()
    entries: tuple[Entry, ...] = ()
    opening: Mapping[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class UserBooks:
    """All accounts of one login. `securities` holds Plaid's fields of those that the market here does not list."""

    accounts: tuple[AccountBooks, ...]
    securities: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

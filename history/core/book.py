"""What reconstruction reads and writes: many accounts at once, as flat arrays.

Days are consecutive calendar days numbered 0..D-1; day D-1 is the anchor, the day the holdings were read. Units are
signed and as traded on their day (raw), options in contracts. Money is in the account's currency.
"""

from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

NO_DAY: Final = -(10**6)  # "never": before every window
HALF_CENT: Final = 0.005


@dataclass(frozen=True, slots=True)
class Accounts:
    """A accounts at the end of the anchor day."""

    cash: Floats
    margin: Bools  # cash may be negative


@dataclass(frozen=True, slots=True)
class Positions:
    """P positions, sorted by account: every security held at the anchor or moved in the window.

    `basis` is the whole position's, NaN unknown. `broker_price` is per share, NaN none, as of `broker_day` (may lie
    before the window; NO_DAY unknown). `may_short`: negative units are no anomaly (options are written).
    `is_cash`: counts as cash, a money-market fund.
    `last_units` (NaN none) were held when the brokerage last listed what it no longer does, up to `removed_day`.
    """

    account: Ints
    column: Ints  # column of the Market
    units: Floats  # at the anchor; 0 for what is no longer held
    multiplier: Floats
    basis: Floats
    broker_price: Floats
    broker_day: Ints
    may_short: Bools
    is_cash: Bools
    last_units: Floats | None = None
    removed_day: Ints | None = None


@dataclass(frozen=True, slots=True)
class Movements:
    """T transactions, in order of record within a day, as `investments.core.effects.Deltas` in floats.

    `position` is -1 where no security is moved. `cost` NaN: units came in with an unknown basis. `price` is the row's
    own, per share, NaN none. `split`: booked by the brokerage for what a company did, `dividend` for a stock dividend.
    `exchange`: booked for a spin-off or a merger. `keep`: the share of the position's basis that stays, else 1.
    Rows outside 0..D-1 are ignored.
    """

    account: Ints
    position: Ints
    day: Ints
    units: Floats
    cash: Floats
    flow: Floats
    income: Floats
    fee: Floats
    cost: Floats
    price: Floats
    in_kind: Bools
    split: Bools
    dividend: Bools
    short: Bools
    exchange: Bools
    keep: Floats


@dataclass(frozen=True, slots=True)
class Purses:
    """K currencies that accounts keep cash in beside their own, sorted by account, and M movements of that cash.

    `held` (K,) is what is in them at the anchor, in their currency; `rate` (K, D) converts it into the account's, NaN
    unknown. `amount` (M,) went in, in the purse's currency; `converted` (M,) is that at its day's rate.
    """

    account: Ints
    held: Floats
    rate: Floats
    purse: Ints
    day: Ints
    amount: Floats
    converted: Floats


_NO_ROWS: Final = np.empty(0, np.int64)
_NO_FIGURES: Final = np.empty(0)
NO_PURSES: Final = Purses(_NO_ROWS, _NO_FIGURES, np.empty((0, 0)), _NO_ROWS, _NO_ROWS, _NO_FIGURES, _NO_FIGURES)


@dataclass(frozen=True, slots=True)
class Book:
    """Holdings now and how they came to be. The cash of `accounts` is without that of `purses`."""

    accounts: Accounts
    positions: Positions
    movements: Movements
    purses: Purses = NO_PURSES


Rows = TypeVar("Rows", Accounts, Positions, Movements)


def take(rows: Rows, which: slice | Ints) -> Rows:
    """The same value type with every array cut or reordered alike."""
    columns = ((field.name, getattr(rows, field.name)) for field in fields(rows))
    chosen: dict[str, Any] = {name: column[which] for name, column in columns if column is not None}
    return type(rows)(**chosen)


def of_positions(book: Book, which: Ints) -> tuple[Positions, Movements, Ints]:
    """These positions, their movements counting from the first of them, and which rows of the book those are."""
    place = np.full(book.positions.account.size + 1, -1)
    place[which] = np.arange(which.size)
    rows = np.flatnonzero(place[book.movements.position] >= 0)
    movements = take(book.movements, rows)
    return take(book.positions, which), replace(movements, position=place[movements.position]), rows


class AnomalyKind(StrEnum):
    """What does not add up; `size` is in units, for cash and basis in money."""

    NEGATIVE_UNITS = "negative_units"
    NEGATIVE_CASH = "negative_cash"
    UNPRICED = "unpriced"
    UNCONVERTED = "unconverted"  # held while no exchange rate was known
    BASIS = "basis"  # the brokerage's basis is less than the window's purchases alone


@dataclass(frozen=True, slots=True)
class Anomaly:
    """First day and worst size of one trouble; `position` is -1 for cash."""

    account: int
    day: int
    position: int
    kind: AnomalyKind
    size: float


@dataclass(frozen=True, slots=True)
class History:
    """One figure per day and account, all (D, A).

    `cost_basis` covers securities whose basis is known, `basis_coverage` says which share of gross value that is (NaN
    basis: none known). `quality` and `imputed` are shares of gross value, see `quality.py`.
    """

    value: Floats
    cash: Floats
    cost_basis: Floats
    basis_coverage: Floats
    net_flow: Floats
    income: Floats
    fees: Floats
    securities_count: Ints
    quality: Floats
    imputed: Floats
    anomalies: tuple[Anomaly, ...] = ()

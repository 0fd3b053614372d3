"""A seeded population of accounts: holdings now, two years of transactions, and a market of closes.

Everything is rounded to what a brokerage and an exchange report (3, 4 and 2 places), so Decimal(str(x)) is exact.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
from numpy.typing import NDArray

LAST_DAY: Final = date(2026, 11, 20)
DAYS: Final = 731  # 730 days back to today
KINDS: Final = (("buy", "buy"), ("sell", "sell"), ("cash", "dividend"), ("cash", "deposit"))
BUY, SELL, DIVIDEND, DEPOSIT = range(len(KINDS))


@dataclass(frozen=True, slots=True)
class Population:
    """`closes` (D, S), NaN at weekends. Positions are (P,), sorted by account; rows are (T,), by account, then day."""

    closes: NDArray[np.float64]
    cash: NDArray[np.float64]
    position_account: NDArray[np.int64]
    position_column: NDArray[np.int64]
    units: NDArray[np.float64]
    basis: NDArray[np.float64]
    account: NDArray[np.int64]
    position: NDArray[np.int64]  # -1 for a deposit
    day: NDArray[np.int64]
    kind: NDArray[np.int64]  # index into KINDS
    quantity: NDArray[np.float64]
    price: NDArray[np.float64]
    amount: NDArray[np.float64]
    fees: NDArray[np.float64]


def populate(
    *, accounts: int, positions: int = 50, transactions: int = 1000, symbols: int = 500, days: int = DAYS, seed: int = 1
) -> Population:
    """`accounts` accounts of `positions` of `symbols` securities each, with `transactions` rows each in `days` days."""
    random = np.random.default_rng(seed)
    closes = _closes(random, days, max(symbols, positions))
    owner = np.repeat(np.arange(accounts), positions)
    columns = np.concatenate(
        [np.sort(random.choice(closes.shape[1], positions, replace=False)) for _ in range(accounts)]
    )
    account = np.repeat(np.arange(accounts), transactions)
    day = np.sort(random.integers(0, days, (accounts, transactions)), axis=1).ravel()
    kind = random.choice(len(KINDS), account.size, p=(0.5, 0.35, 0.12, 0.03))
    position = account * positions + random.integers(0, positions, account.size)
    price = closes[day // 7 * 7 % days, columns[position]]  # day 0 of a week is a session
    size = np.round(random.uniform(0.5, 40, account.size), 3)
    quantity = np.select([kind == BUY, kind == SELL], [size, -size], 0.0)
    fees = np.where(quantity != 0, random.choice((0.0, 0.65, 7.99), account.size), 0.0)
    amount = np.round(quantity * price, 2) + fees
    amount = np.where(quantity != 0, amount, -np.round(random.uniform(1, 3000, account.size), 2))
    units = _never_short(owner.size, position, quantity, random)
    basis = np.round(units * closes[0, columns] * random.uniform(0.5, 1.1, units.size), 2)
    return Population(
        closes=closes,
        cash=_never_overdrawn(accounts, account, amount, random),
        position_account=owner,
        position_column=columns,
        units=units,
        basis=basis,
        account=account,
        position=np.where(kind == DEPOSIT, -1, position),
        day=day,
        kind=kind,
        quantity=quantity,
        price=np.where(quantity != 0, price, 0.0),
        amount=np.round(amount, 2),
        fees=fees,
    )


def _closes(random: np.random.Generator, days: int, symbols: int) -> NDArray[np.float64]:
    walk = np.cumprod(1 + random.normal(0.0003, 0.015, (days, symbols)), axis=0)
    closes = np.round(random.uniform(5, 900, symbols) * walk, 4)
    closes[np.arange(days) % 7 >= 5] = np.nan
    return closes


def _never_short(
    positions: int, position: NDArray[np.int64], quantity: NDArray[np.float64], random: np.random.Generator
) -> NDArray[np.float64]:
    """Units now that leave every position long on every day before."""
    bought = np.bincount(position, np.maximum(quantity, 0), positions)
    return np.round(bought + random.uniform(0, 300, positions), 3)


def _never_overdrawn(
    accounts: int, account: NDArray[np.int64], amount: NDArray[np.float64], random: np.random.Generator
) -> NDArray[np.float64]:
    received = np.bincount(account, np.maximum(-amount, 0), accounts)
    return np.round(received + random.uniform(100, 50_000, accounts), 2)

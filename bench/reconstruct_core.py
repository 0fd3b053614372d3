"""The arithmetic of reconstruction beside two Decimal loops, in one run: 731 days x 50 securities x 1,000 transactions.

The per-day loop answers every day from scratch, as one query per day would; the rolling loop walks back day by day and
keeps units and cash as it goes. Both read prepared dicts, no database: their best case. Differences are in cents.
"""

from collections import defaultdict
from decimal import Decimal

import numpy as np
from _figures import Figure, arguments, seconds, show
from _population import KINDS, Population, populate

from history.core.book import NO_DAY, Accounts, Book, Floats, History, Positions
from history.core.market import Market, build_market
from history.core.movements import effect_code, movements_from_rows
from history.core.reconstruct import reconstruct

CODES = np.array([effect_code(*kind) for kind in KINDS])
Rows = list[tuple[int, int, Decimal, Decimal]]  # day, position, quantity, amount


def rebuild(population: Population, market: Market) -> History:
    """From columns of rows to the history: all the arithmetic there is."""
    size = population.units.size
    positions = Positions(
        account=population.position_account,
        column=population.position_column,
        units=population.units,
        multiplier=np.ones(size),
        basis=population.basis,
        broker_price=np.full(size, np.nan),
        broker_day=np.full(size, NO_DAY),
        may_short=np.zeros(size, np.bool_),
        is_cash=np.zeros(size, np.bool_),
    )
    movements = movements_from_rows(
        account=population.account,
        position=population.position,
        day=population.day,
        effect=CODES[population.kind],
        quantity=population.quantity,
        price=population.price,
        amount=population.amount,
        fees=population.fees,
    )
    accounts = Accounts(population.cash, np.zeros(population.cash.size, np.bool_))
    return reconstruct(book=Book(accounts, positions, movements), market=market)


class Exact:
    """The first account of a population in Decimals and dicts."""

    def __init__(self, population: Population) -> None:
        own = population.account == 0
        self.days, self.cash = population.closes.shape[0], _decimal(population.cash[0])
        self.units = [_decimal(units) for units in population.units[population.position_account == 0]]
        self.columns = population.position_column[: len(self.units)].tolist()
        self.rows: Rows = [
            (day, position, _decimal(quantity), _decimal(amount))
            for day, position, quantity, amount in zip(
                *(column[own].tolist() for column in _traded(population)), strict=True
            )
        ]
        self.prices = {
            (day, column): _decimal(population.closes[day, column])
            for day in range(self.days)
            for column in self.columns
            if not np.isnan(population.closes[day, column])
        }

    def price(self, day: int, column: int) -> Decimal:
        """The close of the day, or the last before it."""
        while (day, column) not in self.prices:
            day -= 1
        return self.prices[day, column]

    def per_day(self, days: range) -> list[Decimal]:
        """Value of each day, each from all the transactions after it."""
        values = []
        for day in days:
            units, cash = list(self.units), self.cash
            for moved, position, quantity, amount in self.rows:
                if moved > day:
                    cash += amount
                    if position >= 0:
                        units[position] -= quantity
            worth = (count * self.price(day, column) for count, column in zip(units, self.columns, strict=True))
            values.append(cash + sum(worth))
        return values

    def rolling(self) -> list[Decimal]:
        """Value of each day, walking back once."""
        by_day = defaultdict(list)
        for day, position, quantity, amount in self.rows:
            by_day[day].append((position, quantity, amount))
        units, cash, values = list(self.units), self.cash, []
        for day in reversed(range(self.days)):
            worth = (count * self.price(day, column) for count, column in zip(units, self.columns, strict=True))
            values.append(cash + sum(worth))
            for position, quantity, amount in by_day[day]:
                cash += amount
                if position >= 0:
                    units[position] -= quantity
        return values[::-1]


def _decimal(figure: float) -> Decimal:
    return Decimal(str(figure))


def _traded(population: Population) -> tuple[np.ndarray, ...]:
    return population.day, population.position, population.quantity, population.amount


def cents_apart(found: Floats, exact: list[Decimal]) -> float:
    """The largest difference, in cents."""
    return float(max(abs(Decimal(ours) - true) for ours, true in zip(found.tolist(), exact, strict=True)) * 100)


def main() -> None:
    options = arguments(__doc__ or "")
    accounts = 50 if options.scale == "quick" else 500
    one, many = populate(accounts=1, symbols=50), populate(accounts=accounts)
    market, shared = build_market(closes=one.closes), build_market(closes=many.closes)
    exact, history = Exact(one), rebuild(one, market)
    days = range(exact.days)
    alone = seconds(lambda: rebuild(one, market), repeats=50) * 1000
    bulk = seconds(lambda: rebuild(many, shared)) / accounts * 1000
    per_day = seconds(lambda: exact.per_day(days), repeats=1 if options.scale == "quick" else 5) * 1000
    rolling = seconds(exact.rolling) * 1000
    off = max(cents_apart(history.value[:, 0], exact.rolling()), cents_apart(history.value[:, 0], exact.per_day(days)))
    figures = [
        Figure("one account", alone, per_day, "per-day Decimal loop", per_day / alone, "ms"),
        Figure("one account", alone, rolling, "rolling Decimal loop", rolling / alone, "ms"),
        Figure(f"each of {accounts} accounts", bulk, rolling, "rolling Decimal loop", rolling / bulk, "ms"),
        Figure("difference from exact decimals", off, None, "", None, "cents"),
    ]
    title = f"Reconstruction, arithmetic: {exact.days} days x {len(exact.units)} securities x {len(exact.rows)} rows"
    show(title, figures, as_json=options.json)


if __name__ == "__main__":
    main()

"""A brokerage that lives day by day in Decimal: the independent truth that reconstruction is held against.

It knows nothing of how history is rebuilt. It trades, keeps units and cash as they really are at the end of each day,
and hands out what a brokerage would: rows in Plaid's words (with the sign mistakes institutions make), holdings at the
end, and the market's closes.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from random import Random

from history.tests.exchange import ONE_DAY, Security, list_securities

CENT = Decimal("0.01")
LAST = date(2026, 11, 20)


@dataclass
class Row:
    """A transaction as the brokerage reports it."""

    account: int
    security: str | None
    day: date
    type: str
    subtype: str
    quantity: Decimal
    price: Decimal
    amount: Decimal
    fees: Decimal
    is_cash: bool = False


@dataclass
class Day:
    """The truth at the end of one day of one account."""

    cash: Decimal
    units: dict[str, Decimal]
    value: Decimal
    flow: Decimal = Decimal(0)
    income: Decimal = Decimal(0)
    fees: Decimal = Decimal(0)


@dataclass
class Account:
    number: int
    kind: str  # brokerage, 401k
    books_splits: bool
    cash: Decimal
    units: dict[str, Decimal] = field(default_factory=dict)
    flow: Decimal = Decimal(0)
    income: Decimal = Decimal(0)
    fees: Decimal = Decimal(0)
    truth: list[Day] = field(default_factory=list)


class Life:
    """`Life(seed).live()`: accounts with their daily truth from `start` to `end`, and the rows of those days."""

    def __init__(self, seed: int, *, days: int = 150, accounts: int = 2, before: int = 40, end: date = LAST) -> None:
        self.random = Random(seed)
        self.end = end - timedelta(days=self.random.randrange(7))
        self.start = self.end - timedelta(days=days - 1)
        self.birth = self.start - timedelta(days=before)
        self.rows: list[Row] = []
        self.today = self.birth
        self.cancelled: list[Row] = []
        self.securities = self._list_securities()
        self.last_price = {name: self._opening_price(security) for name, security in self.securities.items()}
        self.accounts = [self._open_account(number) for number in range(accounts)]

    def _list_securities(self) -> dict[str, Security]:
        return list_securities(self.random, self.birth, self.end)

    def _price_paid(self, name: str) -> Decimal:
        return self.last_price[name]

    def _opening_price(self, security: Security) -> Decimal:
        return max(((day, close) for day, close in security.closes.items() if day < self.birth), default=(0, CENT))[1]

    def is_session(self) -> bool:
        return self.today in self.securities["FUND"].closes

    def _open_account(self, number: int) -> Account:
        kind = self.random.choice(("brokerage", "brokerage", "brokerage", "401k"))
        cash = Decimal(self.random.randrange(0, 200_000_00)) / 100
        return Account(number, kind, books_splits=self.random.random() < 0.5, cash=cash)

    def live(self) -> "Life":
        while self.today <= self.end:
            self._open_market()
            for account in self.accounts:
                for _ in range(self.random.choice((0, 0, 1, 1, 2, 4))):
                    self._act(account)
            for account in self.accounts:
                self._expire_options(account)
                self._close_day(account)
            self.today += ONE_DAY
        self.rows = [row for row in self.rows if row.day >= self.start]
        self.rows.sort(key=lambda row: row.day)
        return self

    def _open_market(self) -> None:
        for name, security in self.securities.items():
            if self.today in security.splits:
                for account in self.accounts:
                    self._split(account, name, security.splits[self.today])
            if self.today in security.closes:
                self.last_price[name] = security.closes[self.today]

    def _split(self, account: Account, name: str, ratio: Decimal) -> None:
        before = account.units.get(name, Decimal(0))
        if not before:
            return
        account.units[name] = before * ratio
        if account.books_splits:
            late = self.today + timedelta(days=self.random.randrange(5))
            last = self.start - ONE_DAY if self.today < self.start else self.end
            self._report(account, name, "transfer", "split", before * (ratio - 1), day=min(late, last))

    def _expire_options(self, account: Account) -> None:
        for name, security in self.securities.items():
            units = account.units.get(name, Decimal(0))
            if units and security.expires == self.today:
                self._move(account, name, -units)
                self._report(account, name, "transfer", "expire", -units)

    def _close_day(self, account: Account) -> None:
        if self.today >= self.start:
            held = {name: units for name, units in account.units.items() if units}
            worth = sum((self._worth(name, units) for name, units in held.items()), Decimal(0))
            total = account.cash + worth
            account.truth.append(Day(account.cash, held, total, account.flow, account.income, account.fees))
        account.flow = account.income = account.fees = Decimal(0)

    def _worth(self, name: str, units: Decimal) -> Decimal:
        return units * self.last_price[name] * self.securities[name].multiplier

    def _act(self, account: Account) -> None:
        wire: tuple[Callable[[Account], None], ...] = (self._deposit, self._withdraw, self._fee, self._interest)
        trades: tuple[Callable[[Account], None], ...] = (
            self._buy,
            self._buy,
            self._sell,
            self._sell_short,
            self._cover,
            self._dividend,
            self._transfer_in,
            self._transfer_out,
            self._write_option,
            self._exercise,
            self._stock_distribution,
        )
        plan = (self._contribute, self._contribute, self._distribute, self._fee, self._dividend)
        if account.kind == "401k":
            self.random.choice(plan)(account)
        elif self.is_session():
            self.random.choice(trades + wire)(account)
        else:
            self.random.choice(wire)(account)

    def _buy(self, account: Account) -> None:
        name = self._pick(lambda name: account.units.get(name, 0) >= 0)
        if name:
            self._trade(account, name, self._some_units(name), "buy", "buy")

    def _sell(self, account: Account) -> None:
        name = self._pick(lambda name: account.units.get(name, 0) > 0 and name != "NEVERSOLD")
        if name:
            self._trade(account, name, -self._part_of(account.units[name]), "sell", "sell")

    def _sell_short(self, account: Account) -> None:
        name = self._pick(lambda name: name.startswith("STOCK") and account.units.get(name, 0) <= 0)
        if name:
            self._trade(account, name, -self._some_units(name), "sell", "sell short")

    def _cover(self, account: Account) -> None:
        name = self._pick(lambda name: account.units.get(name, 0) < 0)
        if name:
            self._trade(account, name, -self._part_of(account.units[name]), "buy", "buy to cover")

    def _write_option(self, account: Account) -> None:
        name = self._pick(lambda name: self.securities[name].kind == "option" and account.units.get(name, 0) <= 0)
        if name:
            self._trade(account, name, Decimal(-self.random.randrange(1, 4)), "sell", "sell")

    def _exercise(self, account: Account) -> None:
        """The option leaves by a transfer; the shares come by a purchase at the strike."""
        name = self._pick(lambda name: self.securities[name].kind == "option" and account.units.get(name, 0) > 0)
        stock = self._pick(lambda name: name.startswith("STOCK") and account.units.get(name, 0) >= 0)
        if name and stock:
            contracts = account.units[name]
            self._move(account, name, -contracts)
            self._report(account, name, "transfer", "exercise", -contracts)
            self._trade(account, stock, contracts * 100, "buy", "buy")

    def _stock_distribution(self, account: Account) -> None:
        name = self._pick(lambda name: account.units.get(name, 0) > 0 and self.securities[name].kind == "stock")
        if name:
            units = (account.units[name] / 20).quantize(Decimal("0.001"))
            self._move(account, name, units)
            self._report(account, name, "cash", "stock distribution", units)

    def _dividend(self, account: Account) -> None:
        """Paid on what is held, charged on what is short."""
        name = self._pick(lambda name: account.units.get(name, 0) != 0)
        if not name:
            return
        amount = max((self._worth(name, account.units[name]) / 100).quantize(CENT), -account.cash)
        self._receive(account, name, amount, "cash", self.random.choice(("dividend", "qualified dividend")))
        units = (amount / self.last_price[name] / self.securities[name].multiplier).quantize(Decimal("0.000001"))
        if units > 0 and amount and self.securities[name].kind in ("stock", "fund") and self.random.random() < 0.5:
            account.cash -= amount
            self._move(account, name, units)
            self._report(account, name, "buy", "dividend reinvestment", units, amount=amount)

    def _interest(self, account: Account) -> None:
        self._receive(account, None, Decimal(self.random.randrange(1, 5000)) / 100, "cash", "interest")

    def _receive(self, account: Account, name: str | None, amount: Decimal, type: str, subtype: str) -> None:
        account.cash += amount
        account.income += amount
        self._report(account, name, type, subtype, Decimal(0), amount=-amount)

    def _fee(self, account: Account) -> None:
        """Charged, and now and then refunded."""
        amount = Decimal(self.random.randrange(-500, 3000)) / 100
        if amount and amount <= account.cash:
            type, subtype = self.random.choice(
                (("fee", "account fee"), ("cash", "tax withheld"), ("fee", "margin expense"))
            )
            account.cash -= amount
            account.fees += amount
            self._report(account, None, type, subtype, Decimal(0), amount=amount)

    def _deposit(self, account: Account) -> None:
        self._wire(account, Decimal(self.random.randrange(1, 50_000_00)) / 100)

    def _withdraw(self, account: Account) -> None:
        if account.cash > 1:
            self._wire(account, -(account.cash / self.random.randrange(1, 5)).quantize(CENT, "ROUND_DOWN"))

    def _wire(self, account: Account, amount: Decimal) -> None:
        account.cash += amount
        account.flow += amount
        subtype = "deposit" if amount > 0 else "withdrawal"
        if self.random.random() < 0.5:
            self._report(account, "CUR:USD", "cash", subtype, -amount, amount=-amount, is_cash=True)
        else:
            self._report(account, None, "cash", subtype, Decimal(0), amount=self._wrong_sign(-amount))
        if self.random.random() < 0.2:
            self._report(account, None, "cash", "pending credit", Decimal(0), amount=Decimal(-777))

    def _transfer_in(self, account: Account) -> None:
        name = self._pick(lambda name: account.units.get(name, 0) >= 0)
        if name:
            self._transfer(account, name, self._some_units(name))

    def _transfer_out(self, account: Account) -> None:
        name = self._pick(lambda name: account.units.get(name, 0) > 0 and name != "NEVERSOLD")
        if name:
            self._transfer(account, name, -self._part_of(account.units[name]))

    def _transfer(self, account: Account, name: str, units: Decimal) -> None:
        worth = self._worth(name, units)
        self._move(account, name, units)
        account.flow += worth
        reported = self.random.choice((Decimal(0), worth.quantize(CENT)))
        self._report(account, name, "transfer", "transfer", units, amount=reported)

    def _contribute(self, account: Account) -> None:
        """Money from outside becomes units; no cash is seen."""
        units, price = self._some_units("FUND"), self.last_price["FUND"]
        amount = (units * price).quantize(CENT)
        account.flow += amount
        self._move(account, "FUND", units)
        self._report(account, "FUND", "buy", "contribution", units, price=price, amount=amount)

    def _distribute(self, account: Account) -> None:
        units = self._part_of(account.units.get("FUND", Decimal(0)))
        if units:
            amount = (units * self.last_price["FUND"]).quantize(CENT)
            account.flow -= amount
            self._move(account, "FUND", -units)
            reported = self._wrong_sign(-units)
            self._report(account, "FUND", "sell", "distribution", reported, amount=-amount)

    def _pick(self, wanted: Callable[[str], bool]) -> str | None:
        """A security that trades today and is wanted."""
        open_today = [
            name for name, security in self.securities.items() if self.today in security.closes and wanted(name)
        ]
        return self.random.choice(open_today) if open_today else None

    def _some_units(self, name: str) -> Decimal:
        if self.securities[name].kind == "option":
            return Decimal(self.random.randrange(1, 5))
        return Decimal(self.random.randrange(1, 90_000)) / self.random.choice((1000, 1000, 1))

    def _part_of(self, units: Decimal) -> Decimal:
        """All of it, or a part; of an option, whole contracts."""
        if self.random.random() < 0.4 or units == int(units) == units / abs(units or 1):
            return units
        part = units / self.random.randrange(1, 5)
        return Decimal(int(part)) or units if units == int(units) else part.quantize(Decimal("0.001"), "ROUND_DOWN")

    def _trade(self, account: Account, name: str, units: Decimal, type: str, subtype: str) -> None:
        """Buys that cash does not cover are not made."""
        price = (self._price_paid(name) * Decimal(self.random.randrange(990, 1011)) / 1000).quantize(Decimal("0.0001"))
        fees = self.random.choice((Decimal(0), Decimal("0.65"), Decimal("7.99")))
        amount = (units * price * self.securities[name].multiplier).quantize(CENT) + fees
        if amount > account.cash:
            return
        account.cash -= amount
        account.fees += fees
        self._move(account, name, units)
        reported = self._wrong_sign(units) if type == "sell" else units
        self._report(account, name, type, subtype, reported, price=price, amount=amount, fees=fees)

    def _move(self, account: Account, name: str, units: Decimal) -> None:
        account.units[name] = account.units.get(name, Decimal(0)) + units

    def _wrong_sign(self, figure: Decimal) -> Decimal:
        """Some institutions leave the sign to the reader."""
        return -figure if self.random.random() < 0.2 else figure

    def _report(
        self,
        account: Account,
        name: str | None,
        type: str,
        subtype: str,
        quantity: Decimal,
        *,
        price: Decimal = Decimal(0),
        amount: Decimal = Decimal(0),
        fees: Decimal = Decimal(0),
        day: date | None = None,
        is_cash: bool = False,
    ) -> None:
        row = Row(account.number, name, day or self.today, type, subtype, quantity, price, amount, fees, is_cash)
        self.rows.append(row)

"""A life with everything in it: each subtype of the table, other currencies, and whatever companies do to their papers.

As `life`, it knows nothing of how history is rebuilt: it keeps units and cash as they really are, in Decimal.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import accumulate
from typing import Any

from history.tests.exchange import ONE_DAY, Security, quote
from history.tests.life import CENT, Account, Life

INCOME = (
    "dividend", "qualified dividend", "non-qualified dividend", "interest", "interest receivable",
    "long-term capital gain", "short-term capital gain", "unqualified gain", "return of principal",
)  # fmt: skip
EXPENSES = (
    "account fee", "fund fee", "legal fee", "management fee", "margin expense", "miscellaneous fee",
    "non-resident tax", "tax", "tax withheld", "transfer fee", "trust fee",
)  # fmt: skip
REINVESTMENTS = (
    "dividend reinvestment", "interest reinvestment", "long-term capital gain reinvestment",
    "short-term capital gain reinvestment",
)  # fmt: skip
IN_KIND = ("transfer", "request", "send", "trade", "")
WHOLE_UNITS = frozenset({"PARENT", "CHILD", "OLDCO", "HEIR", "GONE", "BEFORE", "AFTER"})


@dataclass(frozen=True)
class Event:
    """What a company does at the start of a day: for each unit of `parent` so many of `child`, and cash."""

    kind: str  # spin_off, merger, delisting, symbol_change
    day: date
    parent: str
    child: str = ""
    ratio: Decimal = Decimal(0)
    cash: Decimal = Decimal(0)

    @property
    def ends(self) -> bool:
        return self.kind != "spin_off"


class FullLife(Life):
    """`FullLife(seed).live()`; the last account is a dollar account like the others."""

    def _list_securities(self) -> dict[str, Security]:
        listed = super()._list_securities()
        for name in sorted(WHOLE_UNITS):
            listed[name] = self._listed(name, "paper")
        listed |= {"EURO": self._listed("EURO", "stock", currency="EUR"), "BOND": self._listed("BOND", "bond")}
        listed["MINI"] = self._listed("MINI", "mini")
        days = [self.birth + number * ONE_DAY for number in range(-5, (self.end - self.birth).days + 1)]
        listed["SWEEP"] = Security("SWEEP", "sweep", {day: Decimal(1) for day in days if day.weekday() < 5})
        coin = {day: Decimal(self.random.randrange(10**13, 10**14)) / 10**12 for day in days}
        listed["COIN"] = Security("COIN", "crypto", coin)
        self.rates = {day: Decimal(self.random.randrange(9000, 12000)) / 10**4 for day in days if day.weekday() < 5}
        self.rates[days[0]] = Decimal("1.1")
        self.events = self._plan_events()
        for event in self.events:
            if event.ends:
                closes = listed[event.parent].closes
                listed[event.parent].closes = {day: close for day, close in closes.items() if day < event.day}
        self.ended: dict[tuple[int, str], tuple[Decimal, date]] = {}
        self.is_ambiguous = False
        return listed

    def _listed(self, name: str, kind: str, currency: str = "USD") -> Security:
        security = Security(name, kind, currency=currency)
        quote(self.random, security, self.birth - 5 * ONE_DAY, self.end, set(), set())
        return security

    def _plan_events(self) -> list[Event]:
        def day() -> date:
            return self.birth + self.random.randrange(5, (self.end - self.birth).days + 1) * ONE_DAY

        cash = Decimal(self.random.randrange(0, 5000)) / 100
        return [
            Event("spin_off", day(), "PARENT", "CHILD", Decimal(self.random.choice((1, 2)))),
            Event("merger", day(), "OLDCO", "HEIR", Decimal(self.random.choice((1, 3))), cash),
            Event("delisting", day(), "GONE", cash=self.random.choice((Decimal(0), cash))),
            Event("symbol_change", day(), "BEFORE", "AFTER", Decimal(1)),
        ]

    def rate(self, name: str) -> Decimal:
        """Dollars for one unit of the security's currency today."""
        if self.securities[name].currency == "USD":
            return Decimal(1)
        return self.rates[max(day for day in self.rates if day <= self.today)]

    # --- the market ---------------------------------------------------------------------------------------------

    def _open_market(self) -> None:
        super()._open_market()
        for event in self.events:
            if event.day == self.today:
                for account in self.accounts:
                    self._exchange(account, event)

    def _exchange(self, account: Account, event: Event) -> None:
        units = account.units.get(event.parent, Decimal(0))
        if not units:
            return
        # A brokerage gives a paper its new name at once, or keeps the old one.
        booked = account.books_splits and event.kind in ("spin_off", "merger")
        subtype = "spin off" if event.kind == "spin_off" else "merger"
        if event.ends:
            self._move(account, event.parent, -units)
            self.ended[account.number, event.parent] = (units, self.today)
            self.is_ambiguous |= self._sold_as_many(account, event.parent, units)
            if booked:
                self._report(account, event.parent, "transfer", subtype, -units)
        if event.child:
            self._move(account, event.child, units * event.ratio)
            if booked:
                self._report(account, event.child, "transfer", subtype, units * event.ratio)
        paid = units * event.cash
        account.cash += paid
        if paid and booked:
            self._report(account, event.parent, "transfer", subtype, Decimal(0), amount=-paid)

    def _sold_as_many(self, account: Account, name: str, units: Decimal) -> bool:
        """Whether in the days before as many were sold as ended now: nobody could tell which of the two it was."""
        sums = accumulate(
            row.quantity
            for row in reversed(self.rows)
            if (row.account, row.security) == (account.number, name) and row.day >= self.today - 11 * ONE_DAY
        )
        return any(abs(moved) == units for moved in sums)

    def _close_day(self, account: Account) -> None:
        super()._close_day(account)
        if self.today >= self.start:
            account.truth[-1].cash += account.units.get("SWEEP", Decimal(0))

    def _worth(self, name: str, units: Decimal) -> Decimal:
        return super()._worth(name, units) * self.rate(name)

    # --- what happens on a day ----------------------------------------------------------------------------------

    def _act(self, account: Account) -> None:
        if self.random.random() < 0.5:
            super()._act(account)
            return
        always: tuple[Callable[[Account], None], ...] = (
            self._earn, self._pay, self._trade_coins, self._pending, self._cancelled, self._repay_loan,
        )  # fmt: skip
        sessions = (
            self._move_between, self._reinvest, self._adjust, self._rebalance, self._swap, self._assigned,
            self._put_exercised,
        )  # fmt: skip
        self.random.choice(always + (sessions if self.is_session() else ()))(account)

    def _earn(self, account: Account) -> None:
        name = self._pick(lambda name: account.units.get(name, 0) > 0)
        amount = Decimal(self.random.randrange(1, 5000)) / 100
        self._receive(account, name, amount, self.random.choice(("cash", "fee")), self.random.choice(INCOME))

    def _pay(self, account: Account) -> None:
        amount = Decimal(self.random.randrange(1, 3000)) / 100
        if amount <= account.cash:
            account.cash -= amount
            account.fees += amount
            kind = self.random.choice(("cash", "fee")), self.random.choice(EXPENSES)
            self._report(account, None, *kind, Decimal(0), amount=amount)

    def _trade_coins(self, account: Account) -> None:
        """Twelve digits, on any day of the week."""
        held = account.units.get("COIN", Decimal(0))
        units = Decimal(self.random.randrange(1, 10**13)) / 10**12
        if self.random.random() < 0.5:
            self._trade(account, "COIN", units, "buy", "buy")
        elif held:
            self._trade(account, "COIN", -min(units, held), "sell", "sell")

    def _pending(self, account: Account) -> None:
        subtype = self.random.choice(("pending credit", "pending debit"))
        self._report(account, None, "cash", subtype, Decimal(0), amount=Decimal(self.random.randrange(-900, 900)))

    def _cancelled(self, account: Account) -> None:
        """Booked by mistake and taken back: as if it had never been."""
        mistake = len(self.rows)
        self._report(account, None, "cash", "withdrawal", Decimal(0), amount=Decimal(50))
        self.cancelled.append(self.rows[mistake])

    def _repay_loan(self, account: Account) -> None:
        amount = Decimal(self.random.randrange(1, 5000)) / 100
        account.cash += amount
        account.flow += amount
        subtype = self.random.choice(("loan payment", "contribution", "deposit"))
        self._report(account, None, "cash", subtype, Decimal(0), amount=-amount)

    def _move_between(self, account: Account) -> None:
        """From one account of the owner to another: two flows that are none in total."""
        name = self._pick(lambda name: account.units.get(name, 0) > 0 and name != "NEVERSOLD")
        others = [other for other in self.accounts if other is not account and other.units.get(name or "", 0) >= 0]
        if not name or not others:
            return
        units, subtype = self._part_of(account.units[name]), self.random.choice(IN_KIND)
        for holder, moved in ((account, -units), (self.random.choice(others), units)):
            self._move(holder, name, moved)
            holder.flow += self._worth(name, moved)
            self._report(holder, name, "transfer", subtype, moved)

    def _reinvest(self, account: Account) -> None:
        kinds = ("stock", "fund")
        name = self._pick(lambda name: account.units.get(name, 0) > 0 and self.securities[name].kind in kinds)
        if name:
            self._trade(account, name, self._some_units(name), "buy", self.random.choice(REINVESTMENTS))

    def _adjust(self, account: Account) -> None:
        """Units that come or go and nobody says why."""
        name = self._pick(lambda name: account.units.get(name, 0) >= 0)
        if name:
            units = self._some_units(name)
            self._move(account, name, units)
            account.flow += self._worth(name, units)
            self._report(account, name, self.random.choice(("cash", "transfer")), "adjustment", units)

    def _rebalance(self, account: Account) -> None:
        name = self._pick(lambda name: account.units.get(name, 0) > 0 and name != "NEVERSOLD")
        if name and self.random.random() < 0.5:
            kind = self.random.choice(("sell", "cash", "transfer"))
            self._trade(account, name, -self._part_of(account.units[name]), kind, "rebalance")
        elif name:
            kind = self.random.choice(("buy", "cash", "transfer"))
            self._trade(account, name, self._some_units(name), kind, "rebalance")

    def _swap(self, account: Account) -> None:
        """Into the sweep fund or out of it."""
        held, amount = account.units.get("SWEEP", Decimal(0)), Decimal(self.random.randrange(1, 100000)) / 100
        if self.random.random() < 0.5 and amount <= account.cash:
            self._settle(account, "SWEEP", amount, amount)
        elif held:
            part = min(held, amount)
            self._settle(account, "SWEEP", -part, -part)

    def _settle(self, account: Account, name: str, units: Decimal, amount: Decimal) -> None:
        account.cash -= amount
        self._move(account, name, units)
        kind = "buy" if units > 0 else "sell"
        self._report(account, name, kind, self.random.choice((kind, "")), units, price=Decimal(1), amount=amount)

    def _assigned(self, account: Account) -> None:
        """A written option comes due: it goes by a transfer, and shares are delivered at the strike."""
        name = self._pick(lambda name: self.securities[name].kind == "option" and account.units.get(name, 0) < 0)
        stock = self._pick(lambda name: name.startswith("STOCK") and account.units.get(name, 0) >= 0)
        if name and stock:
            contracts = -account.units[name]
            self._move(account, name, contracts)
            self._report(account, name, "transfer", "assignment", contracts)
            self._trade(account, stock, contracts * 100, "buy", "assignment")

    def _put_exercised(self, account: Account) -> None:
        """Shares are sold at the strike."""
        name = self._pick(lambda name: name.startswith("STOCK") and account.units.get(name, 0) > 0)
        if name:
            self._trade(account, name, -self._part_of(account.units[name]), "sell", "exercise")

    # --- bookkeeping --------------------------------------------------------------------------------------------

    def _some_units(self, name: str) -> Decimal:
        if name in WHOLE_UNITS or self.securities[name].kind == "mini":
            return Decimal(self.random.randrange(1, 90))
        return super()._some_units(name)

    def _report(self, account: Account, name: str | None, type: str, subtype: str, *told: Any, **named: Any) -> None:
        """Institutions file the same events under `cash` and under `fee`."""
        if type == "cash" and self.random.random() < 0.5:
            type = "fee"
        super()._report(account, name, type, subtype, *told, **named)

    def _price_paid(self, name: str) -> Decimal:
        return super()._price_paid(name) * self.rate(name)


__all__ = ["CENT", "Event", "FullLife"]

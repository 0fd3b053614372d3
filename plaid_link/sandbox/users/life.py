"""An account lived forward day by day, keeping its own books: what is held now is what the journal adds up to."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_DOWN, Decimal

from portfolio_site.lib import simulated_market as market
from portfolio_site.lib.simulated_market import Dividend

from . import instruments
from .records import CASH, ZERO, Entry

Habit = Callable[["Life", date], None]
Money = Decimal | int | str

CENT = Decimal("0.01")
TEN_YEARS = timedelta(days=3660)
QUALIFIED = "qualified dividend"


def cents(value: Decimal) -> Decimal:
    return value.quantize(CENT)


@dataclass(slots=True, kw_only=True)
class Customs:
    """How one institution books things."""

    books_splits: bool = False  # a split is a row of its own; otherwise units simply change overnight
    reinvests: bool = False  # dividends buy more of the same
    cash_rows_in_currency: bool = False  # deposits carry CUR:USD with the amount as quantity, in the amount's sign
    positive_sales: bool = False  # units of a sale without their sign
    places: Decimal = Decimal("0.001")  # of fractional shares
    swept: bool = True  # has a cash position at all; a 401(k) has none


@dataclass(slots=True)
class Life:
    """The books of one account while they are written. Dates must not go back."""

    customs: Customs = field(default_factory=Customs)
    units: dict[str, Decimal] = field(default_factory=dict)
    cost: dict[str, Decimal | None] = field(default_factory=dict)
    cash: Decimal = ZERO
    entries: list[Entry] = field(default_factory=list)
    opening: dict[str, Decimal] = field(default_factory=dict)
    _due: list[tuple[date, str, Decimal]] = field(default_factory=list)
    _dividends: dict[str, dict[date, Dividend]] = field(default_factory=dict)

    def open_with(self, day: date, *, cash: Decimal | int = 0, **held: int) -> None:
        """What was there before the journal begins, bought at nine tenths of that day's price."""
        self.cash = Decimal(cash)
        for symbol, units in held.items():
            self.hold(day, symbol, Decimal(units))
        self.opening[CASH] = self.cash

    def hold(self, day: date, symbol: str, units: Decimal) -> None:
        self.units[symbol] = self.opening[symbol] = units
        self.cost[symbol] = cents(self.worth(symbol, units, day) * Decimal("0.9"))

    def live(self, days: Sequence[date], habits: Sequence[Habit]) -> None:
        """Every day in turn: splits before the open, then what the user does, then dividends."""
        for day in days:
            self._split(day)
            entitled = {symbol: units for symbol, units in self.units.items() if self._goes_ex(symbol, day)}
            for habit in habits:
                habit(self, day)
            self._declare(day, entitled)
            self._pay(day)

    def worth(self, symbol: str, units: Decimal, day: date) -> Decimal:
        return cents(units * instruments.price_on(symbol, day)[1] * instruments.multiplier(symbol))

    def record(self, day: date, type: str, subtype: str, name: str, **figures: object) -> Entry:
        """One journal row as it is; the books are the caller's business."""
        entry = Entry(ordinal=len(self.entries), day=day, type=type, subtype=subtype, name=name, **figures)  # type: ignore[arg-type]
        self.entries.append(entry)
        return entry

    # --- Money ---

    def move_cash(self, day: date, amount: Money, type: str, subtype: str, name: str) -> None:
        """`amount` > 0 comes in."""
        money = cents(Decimal(amount))
        self.cash += money
        in_currency = self.customs.cash_rows_in_currency
        self.record(
            day,
            type,
            subtype,
            name,
            symbol=CASH if in_currency else None,
            quantity=-money if in_currency else ZERO,
            price=Decimal(1) if in_currency else ZERO,
            amount=-money,
        )

    def deposit(self, day: date, amount: Money, name: str = "Electronic funds transfer received") -> None:
        self.move_cash(day, amount, "cash", "deposit", name)

    def withdraw(self, day: date, amount: Money, name: str = "Electronic funds transfer paid") -> None:
        self.move_cash(day, -Decimal(amount), "cash", "withdrawal", name)

    def charge(self, day: date, amount: Money, subtype: str, name: str) -> None:
        self.move_cash(day, -Decimal(amount), "fee", subtype, name)

    # --- Trades ---

    def spend(self, day: date, symbol: str, money: Decimal | int, subtype: str = "buy") -> Entry | None:
        """Buy for about `money`, in fractions; nothing when that rounds to no units."""
        price = instruments.price_on(symbol, day)[1] * instruments.multiplier(symbol)
        units = (Decimal(money) / price).quantize(self.customs.places, rounding=ROUND_DOWN)
        return self.trade(day, symbol, units, subtype=subtype) if units else None

    def trade(self, day: date, symbol: str, units: Decimal | int, *, subtype: str = "", fees: str = "0") -> Entry:
        """Buy (`units` > 0) or sell at the day's close. A contribution is bought with money from outside."""
        units, charge = Decimal(units), Decimal(fees)
        price = instruments.price_on(symbol, day)[1]
        amount = cents(units * price * instruments.multiplier(symbol)) + charge
        kind = subtype or ("buy" if units > 0 else "sell")
        self._change(symbol, units, amount)
        if kind not in ("contribution", "distribution"):
            self.cash -= amount
        shown = abs(units) if units < 0 and self.customs.positive_sales else units
        side = "buy" if units > 0 else "sell"
        name = f"{kind.upper()} {instruments.described(symbol)['name']}"
        return self.record(
            day, side, kind, name, symbol=symbol, quantity=shown, price=price, amount=amount, fees=charge
        )

    def sell_all(self, day: date, symbol: str) -> Entry | None:
        held = self.units.get(symbol, ZERO)
        return self.trade(day, symbol, -held) if held > 0 else None

    def receive(self, day: date, symbol: str, units: Decimal | int, *, subtype: str = "transfer", name: str) -> Entry:
        """Units in (or out) without cash; their cost stays unknown."""
        self._change(symbol, Decimal(units), None)
        price = instruments.price_on(symbol, day)[1]
        return self.record(day, "transfer", subtype, name, symbol=symbol, quantity=Decimal(units), price=price)

    def expire(self, day: date, symbol: str) -> Entry:
        """A contract that ends worthless, long or short."""
        units = self.units[symbol]
        self._change(symbol, -units, ZERO)
        name = f"EXPIRED {instruments.described(symbol)['name']}"
        return self.record(day, "transfer", "expire", name, symbol=symbol, quantity=-units)

    def cancel(self, day: date, entry: Entry) -> None:
        """Takes back a buy, cash and all."""
        assert entry.symbol is not None
        self._change(entry.symbol, -entry.quantity, -entry.amount)
        self.cash += entry.amount
        self.record(
            day,
            "cancel",
            entry.subtype,
            f"CANCELLED {entry.name}",
            symbol=entry.symbol,
            quantity=-entry.quantity,
            price=entry.price,
            amount=-entry.amount,
            cancels=entry.ordinal,
        )

    def _change(self, symbol: str, units: Decimal, amount: Decimal | None) -> None:
        """Units and average cost after a trade: what grows a position adds its amount, the rest shares it out."""
        before = self.units.get(symbol, ZERO)
        after, cost = before + units, self.cost.get(symbol, ZERO)
        if after == 0:
            self.units.pop(symbol, None)
            self.cost.pop(symbol, None)
            return
        if abs(after) > abs(before):
            cost = None if cost is None or amount is None else cost + amount
        elif cost is not None:
            cost = cents(cost * after / before)
        self.units[symbol], self.cost[symbol] = after, cost

    # --- Corporate actions ---

    def _split(self, day: date) -> None:
        for symbol in list(self.units):
            for split in market.splits(symbol, day, day):
                added = self.units[symbol] * (split.ratio - 1)
                self.units[symbol] += added
                if self.customs.books_splits:
                    name = f"SPLIT {instruments.described(symbol)['name']}"
                    self.record(day, "transfer", "split", name, symbol=symbol, quantity=added)

    def _goes_ex(self, symbol: str, day: date) -> bool:
        return day in self._calendar(symbol, day)

    def _calendar(self, symbol: str, day: date) -> dict[date, Dividend]:
        if symbol not in self._dividends:
            ahead = market.dividends(symbol, day, day + TEN_YEARS) if instruments.is_listed(symbol) else []
            self._dividends[symbol] = {dividend.ex_date: dividend for dividend in ahead}
        return self._dividends[symbol]

    def _declare(self, day: date, entitled: dict[str, Decimal]) -> None:
        for symbol, units in entitled.items():
            dividend = self._calendar(symbol, day)[day]
            if money := cents(dividend.amount * units):
                self._due.append((dividend.pay_date, symbol, money))

    def _pay(self, day: date) -> None:
        for due in [due for due in self._due if due[0] <= day]:
            self._due.remove(due)
            self._pay_dividend(day, *due[1:])

    def _pay_dividend(self, day: date, symbol: str, money: Decimal) -> None:
        """Cash in (out for a short position), and more of the same where the account reinvests."""
        self.cash += money
        item = market.listing(symbol)
        subtype = QUALIFIED if item.kind == "equity" else "dividend"
        self.record(day, "cash", subtype, f"DIVIDEND {item.name}", symbol=symbol, amount=-money)
        if not (self.customs.reinvests and money > 0 and self.units.get(symbol, ZERO) > 0):
            return
        price = instruments.price_on(symbol, day)[1]
        units = (money / price).quantize(Decimal("0.0001"), rounding=ROUND_DOWN)
        if units:
            self.trade(day, symbol, units, subtype="dividend reinvestment")

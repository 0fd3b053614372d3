"""From the cells of a row to a transaction to be: what a kind needs is there, and what cannot be is refused."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Final

from babel.numbers import list_currencies

from investments.core.currencies import HUNDREDTH, ONE, QUOTED_IN_MINOR, major
from investments.ledger.currencies import remark
from plaid_link.sources.csv.kinds import OUT_OF_HOLDINGS, Kind, Needs
from plaid_link.sources.csv.rows import ZERO, Draft, Instrument, Refused
from plaid_link.sources.csv.styles import Style

EARLIEST: Final = date(1950, 1, 1)
ABSURD_UNITS: Final = Decimal(10) ** 12
ABSURD_MONEY: Final = Decimal(10) ** 13
# Prices are rounded in the file; a difference below both is no remark.
TOLERANCE, TOLERANCE_SHARE = Decimal("0.05"), Decimal("0.01")
BY_UNIT_OF_PAR: Final = "price: per 100 of par, kept for one"
ACCRUED_SHARE: Final = Decimal("0.06")  # interest since the last coupon, which is paid with a bond
SOON: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Record:
    """The cells of a row by the names of their columns; `titles` are what the file calls them, where that differs."""

    row: int
    cells: dict[str, str]
    style: Style
    today: date
    titles: Mapping[str, str] = field(default_factory=dict)

    def text(self, column: str) -> str:
        """The cell, '' where the file has no such column."""
        return self.cells.get(column, "")

    def day(self, column: str) -> date:
        """The day in the cell; in words for the user where it is none, or one that cannot be. Raises Refused."""
        text = self.text(column)
        if not text:
            raise self._refused(column, "A date is missing")
        try:
            day = self.style.day(text)
        except ValueError:
            raise self._refused(column, f"{text[:40]!r} is not a date") from None
        if day > self.today + SOON:
            raise self._refused(column, f"{day} is in the future")
        if day < EARLIEST:
            raise self._refused(column, f"{day} is before {EARLIEST}")
        return day

    def settles(self, column: str) -> date | None:
        """The day in the cell, which may lie ahead; None where it is empty or no date. Raises Refused."""
        text = self.text(column)
        try:
            return self.style.day(text) if any(map(str.isdigit, text)) else None
        except ValueError:
            raise self._refused(column, f"{text[:40]!r} is not a date") from None

    def number(self, column: str) -> Decimal | None:
        """The number in the cell, None where it is empty. Raises Refused."""
        text = self.text(column)
        try:
            return self.style.number(text) if text else None
        except (ValueError, ArithmeticError):
            raise self._refused(column, f"{text[:40]!r} is not a number") from None

    def sum(self, *columns: str) -> Decimal:
        """The numbers of these columns without their signs: commissions and fees."""
        return sum((abs(self.number(column) or ZERO) for column in columns), ZERO)

    def _refused(self, column: str, message: str) -> Refused:
        return Refused(message, column=self.titles.get(column, column))


@dataclass(frozen=True, slots=True)
class Told:
    """What a row says, before it is known to make sense. `cash` above zero came in; columns are named for refusals.

    `cancelled_in`: the column that says that the row takes such a trade back.
    """

    kind: Kind
    day: date
    cash: Decimal | None = None
    quantity: Decimal | None = None
    price: Decimal | None = None
    fees: Decimal = ZERO
    instrument: Instrument | None = None
    name: str = ""
    currency: str = ""
    settles_on: date | None = None
    external_id: str = ""
    cancelled_in: str = ""
    columns: dict[str, str] = field(default_factory=dict)

    def refused(self, name: str, message: str) -> Refused:
        return Refused(message, column=self.columns.get(name, name))


def drafted(row: int, told: Told) -> Draft:
    """The transaction. Raises Refused."""
    remarks: list[str] = []
    told = _by_unit_of_par(_in_whole_currency(told, remarks), remarks)
    _check(told)
    quantity, amount = _figures(told, remarks)
    type, subtype = told.kind.type, told.kind.subtype
    if told.kind.outward and amount > 0:
        type, subtype = told.kind.outward
    return Draft(
        row=row,
        day=told.day,
        type=type,
        subtype=subtype,
        amount=amount,
        instrument=told.instrument,
        quantity=quantity,
        price=_price(told, quantity, amount),
        fees=told.fees,
        name=told.name[:500],
        currency=told.currency,
        settles_on=told.settles_on if told.settles_on and told.settles_on >= told.day else None,
        external_id=told.external_id,
        remarks=tuple(remarks),
        cancelled_in=told.cancelled_in,
    )


def _in_whole_currency(told: Told, remarks: list[str]) -> Told:
    """Pounds for what is told in pence: the row by its currency, or the price alone by what the row adds up to."""
    code, unit = major(told.currency)
    if code not in QUOTED_IN_MINOR:
        return told
    paid, worth = abs(told.cash or ZERO) - told.fees, _worth(told) * HUNDREDTH
    is_plain = told.instrument is not None and told.instrument.multiplier == 1
    if is_plain and worth and abs(paid - worth) <= max(TOLERANCE, worth * TOLERANCE_SHARE):
        remarks.append(remark("price", "a hundredth", code))
        return replace(told, price=None if told.price is None else told.price * HUNDREDTH, currency=code)
    if unit == ONE:
        return told
    remarks.append(remark("amount", told.currency, code))
    cash, price = (None if figure is None else figure * unit for figure in (told.cash, told.price))
    return replace(told, cash=cash, price=price, fees=told.fees * unit, currency=code)


def _by_unit_of_par(told: Told, remarks: list[str]) -> Told:
    """A bond's price for one of par, where the file quotes it per 100: what was paid tells, accrued interest aside."""
    is_bond = told.instrument is not None and told.instrument.type == "fixed income"
    paid, worth = abs(told.cash or ZERO), _worth(told) / 100
    if not (is_bond and told.price and worth and abs(paid - worth) <= worth * ACCRUED_SHARE + told.fees):
        return told
    remarks.append(BY_UNIT_OF_PAR)
    return replace(told, price=told.price / 100)


def _check(told: Told) -> None:
    needs = told.kind.needs
    moves_units = needs in (Needs.TRADE, Needs.UNITS)
    if moves_units and told.instrument is None:
        raise told.refused("symbol", f"{told.kind.label} of what? A security is missing")
    if moves_units and not told.quantity:
        what = "missing" if told.quantity is None else 0
        raise told.refused("quantity", f"{told.kind.label}: the quantity is {what}")
    if needs is Needs.TRADE and told.cash is None and told.price is None:
        raise told.refused("amount", f"{told.kind.label}: neither price nor amount")
    if needs is Needs.CASH and not told.cash:
        raise told.refused("amount", f"{told.kind.label}: the amount is {'missing' if told.cash is None else 0}")
    if needs is Needs.SOMETHING and not told.cash and not told.quantity:
        raise told.refused("quantity", f"{told.kind.label}: neither quantity nor amount")
    _check_sizes(told)


def _check_sizes(told: Told) -> None:
    for name, value, limit in (
        ("quantity", told.quantity, ABSURD_UNITS),
        ("price", told.price, ABSURD_UNITS),
        ("amount", told.cash, ABSURD_MONEY),
        ("fees", told.fees, ABSURD_MONEY),
    ):
        if value is not None and abs(value) >= limit:
            raise told.refused(name, f"{value:.3E} is absurdly large")
    if told.price is not None and told.price < 0:
        raise told.refused("price", f"A price below zero: {told.price}")
    if told.currency and told.currency not in _currencies():
        raise told.refused("currency", f"Unknown currency {told.currency[:10]!r}")


@lru_cache(maxsize=1)
def _currencies() -> frozenset[str]:
    return frozenset(list_currencies())


def _figures(told: Told, remarks: list[str]) -> tuple[Decimal, Decimal]:
    """Quantity and amount with the ledger's signs."""
    quantity = told.quantity or ZERO
    if told.kind.needs is not Needs.TRADE:
        return quantity if told.instrument else ZERO, -(told.cash or ZERO)
    sells = told.kind.type == "sell" or told.kind.subtype in OUT_OF_HOLDINGS
    quantity = -abs(quantity) if sells else abs(quantity)
    worth = _worth(told)
    if told.cash is None or (told.cash == 0 and worth):
        return quantity, (-(worth - told.fees) if sells else worth + told.fees)
    amount = _signed(told, sells)
    difference = abs(abs(amount) - worth)
    if worth and difference > max(TOLERANCE, worth * TOLERANCE_SHARE) + told.fees:
        remarks.append(f"quantity x price is {worth.normalize():f}, the amount is {abs(amount).normalize():f}")
    return quantity, amount


def _signed(told: Told, sells: bool) -> Decimal:
    """What left the account. Fees can be more than a sale brought, so that a sale may cost."""
    cash = told.cash or ZERO
    if not sells:
        return abs(cash)
    return -cash if cash < 0 and abs(cash) <= told.fees else -abs(cash)


def _worth(told: Told) -> Decimal:
    if told.price is None or told.quantity is None or told.instrument is None:
        return ZERO
    return abs(told.quantity) * told.price * told.instrument.multiplier


def _price(told: Told, quantity: Decimal, amount: Decimal) -> Decimal:
    """As told, else what a unit must have cost before fees."""
    if told.price is not None or not quantity or told.kind.needs is not Needs.TRADE or told.instrument is None:
        return told.price or ZERO
    paid = -amount + told.fees if quantity < 0 else amount - told.fees
    return max(ZERO, round(paid / abs(quantity) / told.instrument.multiplier, 12))

"""What holdings pay: received, announced and to be expected, and how much that is of their value and cost.

All money is in one currency. A payment per unit is in units of today: what was paid on one unit before a 2-for-1 split
counts half. Units are signed, since whoever is short pays.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from enum import Enum
from statistics import median_low
from typing import Final, TypeVar

from .effects import Cost, effect_of

ZERO: Final = Decimal(0)
ONE: Final = Decimal(1)
YEAR: Final = timedelta(days=365)
# A payment follows its ex-date within this time, and its announcement takes the place of what was expected by then.
REACH: Final = timedelta(days=45)
# A reinvestment is booked with the payment it spends, or some days after.
REINVESTED_WITHIN: Final = timedelta(days=7)
WITHHOLDING: Final = frozenset({"tax withheld", "non-resident tax"})

Key = TypeVar("Key", bound=Hashable)


class Status(Enum):
    RECEIVED = "received"
    ANNOUNCED = "announced"  # by the issuer: its ex-date is known
    PROJECTED = "projected"  # because it was paid a year before


@dataclass(frozen=True, slots=True)
class Row:
    """A transaction as the ledger has it: `amount` above zero left the account, fees included."""

    day: date
    account: int
    security: int | None
    type: str
    subtype: str
    amount: Decimal
    fees: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Payment:
    """`withheld`: taxes and fees taken from it. `reinvested`: what of it bought more at once."""

    day: date
    account: int
    security: int | None
    kind: str
    gross: Decimal
    withheld: Decimal = ZERO
    reinvested: Decimal = ZERO

    @property
    def net(self) -> Decimal:
        return self.gross - self.withheld


@dataclass(frozen=True, slots=True)
class Sums:
    """Several payments together."""

    gross: Decimal = ZERO
    withheld: Decimal = ZERO
    reinvested: Decimal = ZERO

    @property
    def net(self) -> Decimal:
        return self.gross - self.withheld


@dataclass(frozen=True, slots=True)
class Declared:
    """Cash declared on each unit held before the ex-date, in units of that day."""

    security: int
    ex_date: date
    per_unit: Decimal
    pay_date: date | None = None
    special: bool = False


@dataclass(frozen=True, slots=True)
class Split:
    """`ratio` units for one from the start of `ex_date`."""

    ex_date: date
    ratio: Decimal


@dataclass(frozen=True, slots=True)
class Held:
    """Units of a security now, and what changed them: (day, units of that day), splits left out."""

    units: Decimal
    changes: Sequence[tuple[date, Decimal]] = ()
    splits: Sequence[Split] = ()

    def of_today(self, day: date) -> Decimal:
        """Units of today that one unit at the end of `day` has become."""
        factor = ONE
        for split in self.splits:
            if split.ex_date > day:
                factor *= split.ratio
        return factor

    def at(self, day: date) -> Decimal:
        """Units held at the end of `day`, in units of today."""
        later = sum((units * self.of_today(when) for when, units in self.changes if when > day), ZERO)
        return self.units - later


@dataclass(frozen=True, slots=True)
class PerUnit:
    """What was paid on one unit, in units of today."""

    day: date
    amount: Decimal
    special: bool = False


@dataclass(frozen=True, slots=True)
class Expected:
    """A payment that has not come yet."""

    day: date
    security: int
    per_unit: Decimal
    units: Decimal
    status: Status
    ex_date: date | None = None

    @property
    def amount(self) -> Decimal:
        return self.per_unit * self.units


def is_income(type: str, subtype: str) -> bool:
    """Whether a row of the kind is a payment, a tax on one, or spends one."""
    return effect_of(type, subtype).income or subtype in WITHHOLDING or _reinvests(type, subtype)


def payments(rows: Iterable[Row]) -> list[Payment]:
    """Income rows and the taxes withheld from it, by day; a reinvestment without a payment of its own is one itself."""
    told = list(rows)
    paid = [payment for row in told if (payment := _payment(row)) is not None]
    for row in sorted((row for row in told if _reinvests(row.type, row.subtype)), key=lambda row: row.day):
        place = _place_of(row, paid)
        if place is None:
            paid.append(Payment(row.day, row.account, row.security, _kind(row), row.amount, ZERO, row.amount))
        else:
            paid[place] = replace(paid[place], reinvested=row.amount)
    return sorted(paid, key=lambda payment: payment.day)


def _payment(row: Row) -> Payment | None:
    effect = effect_of(row.type, row.subtype)
    if effect.income:
        return Payment(row.day, row.account, row.security, _kind(row), row.fees - row.amount, row.fees)
    if row.subtype in WITHHOLDING:
        return Payment(row.day, row.account, row.security, "withholding", ZERO, row.amount)
    return None


def _kind(row: Row) -> str:
    if effect_of(row.type, row.subtype).cost is Cost.RETURNED:
        return "return of capital"
    if "interest" in row.subtype:
        return "interest"
    return "capital gain" if "gain" in row.subtype else "dividend"


def _reinvests(type: str, subtype: str) -> bool:
    return type == "buy" and subtype.endswith("reinvestment")


def _place_of(row: Row, paid: Sequence[Payment]) -> int | None:
    """Which payment the reinvestment spends: the nearest of the same account and security that is large enough."""
    near = [
        (abs(row.day - one.day), place)
        for place, one in enumerate(paid)
        if (one.account, one.security) == (row.account, row.security)
        and not one.reinvested
        and one.gross + Decimal("0.01") >= row.amount
        and abs(row.day - one.day) <= REINVESTED_WITHIN
    ]
    return min(near)[1] if near else None


def sums(paid: Iterable[Payment], key: Callable[[Payment], Key]) -> dict[Key, Sums]:
    """Payments summed by whatever `key` says of them."""
    found: dict[Key, Sums] = defaultdict(Sums)
    for one in paid:
        total, name = found[key(one)], key(one)
        found[name] = Sums(total.gross + one.gross, total.withheld + one.withheld, total.reinvested + one.reinvested)
    return dict(found)


def last_year(paid: Iterable[Payment], declared: Iterable[Declared], held: Held, today: date) -> list[PerUnit]:
    """What one unit of a security was paid in the year up to today, by pay day.

    What was declared counts where anything is known to be; else what was received, on the units held the day before.
    """
    received = [one for one in paid if one.gross and today - YEAR < one.day <= today]
    known = list(declared)
    if not known:
        return [per_unit for one in _by_day(received) if (per_unit := _received_per_unit(one, held)) is not None]
    lag = payment_lag(received, known)
    days = [(one.pay_date or one.ex_date + lag, one) for one in known]
    return [
        PerUnit(day, one.per_unit / held.of_today(one.ex_date - timedelta(days=1)), one.special)
        for day, one in sorted(days, key=lambda pair: pair[0])
        if today - YEAR < day <= today
    ]


def _by_day(paid: Iterable[Payment]) -> list[Payment]:
    """One payment a day: several accounts are paid on the same day."""
    totals = sums(paid, lambda one: (one.day, one.security))
    return [Payment(day, 0, security, "", total.gross) for (day, security), total in sorted(totals.items(), key=str)]


def _received_per_unit(one: Payment, held: Held) -> PerUnit | None:
    units = held.at(one.day - timedelta(days=1))
    return PerUnit(one.day, one.gross / units) if units else None


def payment_lag(received: Iterable[Payment], declared: Iterable[Declared]) -> timedelta:
    """How long after its ex-date a security usually pays, as far as payments tell; none where they do not."""
    ex_dates = sorted(one.ex_date for one in declared)
    lags = []
    for one in received:
        before = [ex_date for ex_date in ex_dates if timedelta() <= one.day - ex_date <= REACH]
        lags += [one.day - before[-1]] if before else []
    return median_low(lags) if lags else timedelta()


def announced(declared: Iterable[Declared], held: Held, lag: timedelta, today: date) -> list[Expected]:
    """What was declared and is still to be paid, on the units held before the ex-date."""
    found = []
    for one in declared:
        day = one.pay_date or one.ex_date + lag
        eve = one.ex_date - timedelta(days=1)
        units = held.at(eve)
        if day > today and units:
            per_unit = one.per_unit / held.of_today(eve)
            found.append(Expected(day, one.security, per_unit, units, Status.ANNOUNCED, one.ex_date))
    return sorted(found, key=lambda expected: expected.day)


def projected(
    security: int, before: Iterable[PerUnit], told: Sequence[Expected], units: Decimal, today: date
) -> list[Expected]:
    """The last year's payments a year later, on today's units. What is announced near the day takes their place."""
    waiting = sorted(told, key=lambda expected: expected.day)
    found = []
    for one in sorted(before, key=lambda per_unit: per_unit.day):
        day = a_year_later(one.day)
        near = next((expected for expected in waiting if abs(expected.day - day) <= REACH), None)
        if near is not None:
            waiting.remove(near)
        elif units and not one.special and today < day <= today + YEAR:
            found.append(Expected(day, security, one.amount, units, Status.PROJECTED))
    return found


def a_year_later(day: date) -> date:
    """The same day of the next year; 28 February for the 29th."""
    return day.replace(year=day.year + 1, day=28 if (day.month, day.day) == (2, 29) else day.day)


def trailing(per_unit: Iterable[PerUnit], units: Decimal) -> Decimal:
    """A year's payments on today's units, special ones too."""
    return sum((one.amount for one in per_unit), ZERO) * units


def yield_on(income: Decimal, of: Decimal | None) -> float | None:
    """Income a year as a fraction of a value or cost; None where that is unknown or not above zero."""
    return float(income / of) if of is not None and of > 0 else None


def months_around(today: date, *, before: int, after: int) -> list[date]:
    """First days of months: `before` of them up to the current one, and `after` following it."""
    here = today.year * 12 + today.month - 1
    return [date(month // 12, month % 12 + 1, 1) for month in range(here - before + 1, here + after + 1)]


def by_month(amounts: Iterable[tuple[date, Decimal]], months: Sequence[date]) -> list[Decimal]:
    """Sums of the amounts by the months given, in their order; what lies in none of them is left out."""
    totals: Mapping[date, Decimal] = dict.fromkeys(months, ZERO)
    found = dict(totals)
    for day, amount in amounts:
        month = day.replace(day=1)
        if month in found:
            found[month] += amount
    return [found[month] for month in months]

"""Income of some accounts in the base currency: what came, what is announced, what may be expected."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from history.income_records import Records, income_records
from history.valuation import AccountWorth, account_worths, market_today
from investments.core import income
from investments.core.income import ZERO, Expected, Payment, PerUnit, Status, Sums
from investments.models import Security

MONTHS_BEFORE, MONTHS_AFTER = 12, 12
# Longer than the twelve months shown and the year of payments.
LOOK_BACK = timedelta(days=400)


@dataclass(frozen=True, slots=True)
class SecurityIncome:
    """One security over the accounts. `trailing`: the last year's payments a unit on today's units."""

    security: Security
    units: Decimal
    received: Sums
    trailing: Decimal
    expected: Decimal
    value: Decimal | None
    cost: Decimal | None

    @property
    def yield_on_value(self) -> float | None:
        return income.yield_on(self.trailing, self.value)

    @property
    def yield_on_cost(self) -> float | None:
        return income.yield_on(self.trailing, self.cost)


@dataclass(frozen=True, slots=True)
class Months:
    """Columns of equal length; `months` are first days. Received and to come are gross."""

    months: Sequence[date]
    received: Sequence[Decimal]
    announced: Sequence[Decimal]
    projected: Sequence[Decimal]


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the calendar. `kind` ex or pay; `per_unit` and `units` None where only the sum is known."""

    day: date
    kind: str
    status: Status
    security: Security | None
    amount: Decimal
    per_unit: Decimal | None = None
    units: Decimal | None = None


@dataclass(frozen=True, slots=True)
class IncomeReport:
    """Money in `currency`, unrounded. `received` is of the last 365 days, `expected` of the 365 to come."""

    currency: str
    today: date
    received: Sums
    by_kind: dict[str, Sums]
    expected: Sequence[Expected]
    securities: Sequence[SecurityIncome]
    months: Months
    reinvested: Decimal
    calendar: Sequence[Entry]
    missing_rates: tuple[str, ...]

    @property
    def announced_total(self) -> Decimal:
        return _total(one for one in self.expected if one.status is Status.ANNOUNCED)

    @property
    def expected_total(self) -> Decimal:
        return _total(self.expected)

    @property
    def projected_total(self) -> Decimal:
        return self.expected_total - self.announced_total

    @property
    def paid_out(self) -> Decimal:
        return self.expected_total - self.reinvested

    @property
    def trailing(self) -> Decimal:
        return sum((one.trailing for one in self.securities), ZERO)

    @property
    def yield_on_value(self) -> float | None:
        """Of the securities whose value is known, whether they pay or not."""
        return _yield([(one.trailing, one.value) for one in self.securities if one.units])

    @property
    def yield_on_cost(self) -> float | None:
        return _yield([(one.trailing, one.cost) for one in self.securities if one.units])

    def calendar_between(self, start: date, end: date) -> list[Entry]:
        return [entry for entry in self.calendar if start <= entry.day <= end]


def income_report(
    *, account_ids: Sequence[int], currency: str, worths: Sequence[AccountWorth] | None = None
) -> IncomeReport:
    """The income of these accounts, closed ones too, in six queries at most; one less where `worths` are known."""
    today = market_today()
    if worths is None:
        worths = account_worths(account_ids=account_ids, base_currency=currency)
    records = income_records(
        account_ids=account_ids, worths=worths, currency=currency, since=today - LOOK_BACK, today=today
    )
    paid = income.payments(records.rows)
    year = [one for one in paid if today - income.YEAR < one.day <= today]
    expected: list[Expected] = []
    securities = []
    for pk in sorted(records.held):
        of_one = [one for one in paid if one.security == pk]
        per_unit, ahead = _outlook(pk, of_one, records, today)
        expected += ahead
        if pk in records.positions or of_one:
            securities.append(_security(pk, [one for one in year if one.security == pk], per_unit, ahead, records))
    return IncomeReport(
        currency=currency,
        today=today,
        received=income.sums(year, lambda _: "all").get("all", Sums()),
        by_kind=income.sums(year, lambda one: one.kind),
        expected=sorted(expected, key=lambda one: (one.day, one.security)),
        securities=sorted(securities, key=lambda one: (-one.expected, -one.received.gross, one.security.pk)),
        months=_months(paid, expected, today),
        reinvested=_reinvested(expected, records),
        calendar=sorted(_calendar(paid, expected, records), key=_order),
        missing_rates=records.missing_rates,
    )


def _outlook(pk: int, paid: Sequence[Payment], records: Records, today: date) -> tuple[list[PerUnit], list[Expected]]:
    """What one unit was paid in the last year, and what is to come in the next."""
    held, declared = records.held[pk], records.declared.get(pk, [])
    per_unit = income.last_year(paid, declared, held, today)
    told = income.announced(declared, held, income.payment_lag(paid, declared), today)
    told = [one for one in told if one.day <= today + income.YEAR]
    return per_unit, told + income.projected(pk, per_unit, told, held.units, today)


def _security(
    pk: int, year: Sequence[Payment], per_unit: Sequence[PerUnit], ahead: Sequence[Expected], records: Records
) -> SecurityIncome:
    position = records.positions.get(pk)
    units = position.units if position else ZERO
    return SecurityIncome(
        security=records.securities[pk],
        units=units,
        received=income.sums(year, lambda _: "all").get("all", Sums()),
        trailing=income.trailing(per_unit, units),
        expected=_total(ahead),
        value=position.value if position else None,
        cost=position.cost if position else None,
    )


def _months(paid: Sequence[Payment], expected: Sequence[Expected], today: date) -> Months:
    months = income.months_around(today, before=MONTHS_BEFORE, after=MONTHS_AFTER)
    ahead = {
        status: income.by_month([(one.day, one.amount) for one in expected if one.status is status], months)
        for status in (Status.ANNOUNCED, Status.PROJECTED)
    }
    received = income.by_month([(one.day, one.gross) for one in paid if one.day <= today], months)
    return Months(months, received, ahead[Status.ANNOUNCED], ahead[Status.PROJECTED])


def _reinvested(expected: Sequence[Expected], records: Records) -> Decimal:
    """What of the expected falls to units in accounts that reinvest."""
    shares = {pk: position.reinvested for pk, position in records.positions.items()}
    return sum((one.amount * shares.get(one.security, ZERO) for one in expected), ZERO)


def _calendar(paid: Sequence[Payment], expected: Sequence[Expected], records: Records) -> Iterator[Entry]:
    for (day, pk), total in income.sums(paid, lambda one: (one.day, one.security)).items():
        if total.gross:
            security = records.securities.get(pk) if pk is not None else None
            yield Entry(day, "pay", Status.RECEIVED, security, total.net)
    for one in expected:
        yield Entry(one.day, "pay", one.status, records.securities[one.security], one.amount, one.per_unit, one.units)
    for pk, declared in records.declared.items():
        for told in declared:
            eve = told.ex_date - timedelta(days=1)
            units = records.held[pk].at(eve)
            if units:
                per_unit = told.per_unit / records.held[pk].of_today(eve)
                amount = per_unit * units
                yield Entry(told.ex_date, "ex", Status.ANNOUNCED, records.securities[pk], amount, per_unit, units)


def _order(entry: Entry) -> tuple[date, str, int]:
    return entry.day, entry.kind, entry.security.pk if entry.security else 0


def _total(expected: Iterable[Expected]) -> Decimal:
    return sum((one.amount for one in expected), ZERO)


def _yield(parts: Sequence[tuple[Decimal, Decimal | None]]) -> float | None:
    known = [(trailing, of) for trailing, of in parts if of is not None]
    return income.yield_on(sum((trailing for trailing, _ in known), ZERO), sum((of for _, of in known), ZERO))

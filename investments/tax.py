"""What a tax report says of an owner's lots: open ones, gains of a year, Form 8949, wash sales."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet, Sum
from django.db.models.functions import ExtractYear

from investments.core.form8949 import Disposition, Part, Row, Totals, form_8949, totals
from investments.core.lot import long_term_from
from investments.kinds import security_label
from investments.models import Account, Holding, RealizedLot, TaxLot, WashSale
from investments.rates import Rates, rates_of

ZERO = Decimal(0)
USD = "USD"


@dataclass(frozen=True, slots=True)
class OpenLot:
    """A lot beside its price. Money in the security's currency; None where it is not known.

    `days_to_long_term`: 0 once it is long term, None for a short or where nobody knows when it was opened.
    """

    lot: TaxLot
    price: Decimal | None
    value: Decimal | None
    gain: Decimal | None
    long_term_from: date | None
    days_to_long_term: int | None


@dataclass(frozen=True, slots=True)
class TermGains:
    """Short or long term, in one currency. `disallowed`: losses put off; rows `without_basis` count in no sum."""

    proceeds: Decimal = ZERO
    basis: Decimal = ZERO
    disallowed: Decimal = ZERO
    gain: Decimal = ZERO
    count: int = 0
    without_basis: int = 0


@dataclass(frozen=True, slots=True)
class YearGains:
    """What a year's closings come to. Tax-advantaged accounts are in `sheltered` alone."""

    currency: str
    short: TermGains
    long: TermGains
    sheltered: TermGains

    @property
    def gain(self) -> Decimal:
        """What is reported."""
        return self.short.gain + self.long.gain

    @property
    def put_off(self) -> Decimal:
        """Losses that wash sales take out of what is reported."""
        return self.short.disallowed + self.long.disallowed

    @property
    def without_basis(self) -> int:
        """Closings that would be reported and cannot be."""
        return self.short.without_basis + self.long.without_basis


@dataclass(frozen=True, slots=True)
class Report:
    """Form 8949 of a year: rows by part, and the foot of each. `is_converted`: some rows are of other currencies."""

    year: int
    rows: Sequence[Row]
    short: Totals
    long: Totals
    is_converted: bool = False

    def of(self, part: Part) -> list[Row]:
        """The rows of one part."""
        return [row for row in self.rows if row.part is part]


def open_lots(*, owner: Any, account_ids: Iterable[int] | None = None) -> QuerySet[TaxLot, Any]:
    """The owner's open lots, by account, security and age."""
    lots = TaxLot.objects.for_user(owner).select_related("account__institution", "security")
    return lots if account_ids is None else lots.filter(account__in=list(account_ids))


def priced(lots: Sequence[TaxLot], *, today: date) -> list[OpenLot]:
    """The lots beside the price of their holding; one query."""
    accounts, securities = {lot.account_id for lot in lots}, {lot.security_id for lot in lots}
    held = Holding.objects.filter(account__in=accounts, security__in=securities, removed_at=None)
    prices = {(holding.account_id, holding.security_id): holding.current_price for holding in held}
    return [_priced(lot, prices.get((lot.account_id, lot.security_id)), today) for lot in lots]


def _priced(lot: TaxLot, price: Decimal | None, today: date) -> OpenLot:
    value = None if price is None else lot.quantity * price * lot.security.multiplier
    # What was received for a short is its cost: it gains what it falls.
    cost = None if lot.cost is None else lot.cost.copy_sign(lot.quantity)
    from_day = None if lot.opened is None or lot.quantity < 0 else long_term_from(lot.opened)
    return OpenLot(
        lot=lot,
        price=price,
        value=value,
        gain=None if value is None or cost is None else value - cost,
        long_term_from=from_day,
        days_to_long_term=None if from_day is None else max((from_day - today).days, 0),
    )


def years(*, owner: Any) -> list[int]:
    """The years in which something was closed, latest first."""
    closed = RealizedLot.objects.for_user(owner).annotate(year=ExtractYear("closed")).order_by("-year")
    return list(closed.values_list("year", flat=True).distinct())


def closings(*, owner: Any, year: int, account_ids: Iterable[int] | None = None) -> QuerySet[RealizedLot, Any]:
    """What was closed in a year, latest first."""
    closed = RealizedLot.objects.for_user(owner).filter(closed__gte=date(year, 1, 1), closed__lte=date(year, 12, 31))
    if account_ids is not None:
        closed = closed.filter(account__in=list(account_ids))
    return closed.select_related("account__institution", "security", "closed_by").order_by("-closed", "-pk")


def gains(closed: Iterable[RealizedLot]) -> list[YearGains]:
    """What closings come to, a line a currency."""
    by_currency: dict[str, list[RealizedLot]] = {}
    for row in closed:
        by_currency.setdefault(row.currency, []).append(row)
    return [_year_gains(currency, rows) for currency, rows in sorted(by_currency.items())]


def _year_gains(currency: str, rows: Sequence[RealizedLot]) -> YearGains:
    taxed = [row for row in rows if not row.account.is_tax_advantaged]
    return YearGains(
        currency=currency,
        short=_term([row for row in taxed if not row.is_long_term]),
        long=_term([row for row in taxed if row.is_long_term]),
        sheltered=_term([row for row in rows if row.account.is_tax_advantaged]),
    )


def _term(rows: Sequence[RealizedLot]) -> TermGains:
    known = [row for row in rows if row.gain is not None]
    return TermGains(
        proceeds=sum((row.proceeds or ZERO for row in known), ZERO),
        basis=sum((row.basis or ZERO for row in known), ZERO),
        disallowed=sum((row.disallowed for row in known), ZERO),
        gain=sum((row.gain or ZERO for row in known), ZERO),
        count=len(rows),
        without_basis=len(rows) - len(known),
    )


def report(closed: Iterable[RealizedLot], *, year: int) -> Report:
    """Form 8949 of closings, in US dollars; tax-advantaged accounts are left out.

    What is in another currency is converted, paid at the rate of the day it was paid and received at that of the day it
    was received (IRS Pub. 544, Foreign currency); without a rate it is listed, and counts in no total.
    """
    told = [row for row in closed if not row.account.is_tax_advantaged]
    rates = rates_of((row.currency, USD, day) for row in told for day in (row.acquired, row.closed) if day)
    rows = form_8949((_disposition(row, rates) for row in told), year=year)
    return Report(
        year=year,
        rows=rows,
        short=totals(rows, Part.SHORT_TERM),
        long=totals(rows, Part.LONG_TERM),
        is_converted=any(row.currency != USD for row in told),
    )


def _disposition(row: RealizedLot, rates: Rates) -> Disposition:
    label = security_label(row.security)
    units = f"{row.quantity.normalize():f} {label}" if row.quantity else f"{label}, {_why_cash(row)}"
    proceeds, basis, disallowed = _dollars(row, rates)
    return Disposition(
        description=units,
        acquired=row.acquired,
        sold=row.closed,
        proceeds=proceeds,
        basis=basis,
        disallowed=disallowed,
        is_long_term=row.is_long_term,
        is_short=row.is_short,
    )


def _why_cash(row: RealizedLot) -> str:
    """What a gain without units came of: a row that returned capital, or what a company did."""
    is_return = row.closed_by is not None and row.closed_by.type != "transfer"
    return "capital returned" if is_return else "cash of a merger"


def _dollars(row: RealizedLot, rates: Rates) -> tuple[Decimal | None, Decimal | None, Decimal]:
    """Proceeds, basis and the loss put off. Of a short the proceeds came first, and the basis is what closed it."""
    if row.currency == USD:
        return row.proceeds, row.basis, row.disallowed
    sold, bought = (row.acquired, row.closed) if row.is_short else (row.closed, row.acquired)
    proceeds, basis = _at(row.proceeds, row.currency, sold, rates), _at(row.basis, row.currency, bought, rates)
    if not row.disallowed or proceeds is None or basis is None or row.proceeds is None or row.basis is None:
        return proceeds, basis, ZERO
    # As much of the loss in dollars as of that in its own currency; rates may have left none.
    share = row.disallowed / (row.basis - row.proceeds)
    return proceeds, basis, max(basis - proceeds, ZERO) * share


def _at(amount: Decimal | None, currency: str, day: date | None, rates: Rates) -> Decimal | None:
    if not amount:
        return amount
    rate = None if day is None else rates[(currency, USD, day)]
    return None if rate is None else amount * rate


def wash_sales(*, owner: Any, year: int, account_ids: Iterable[int] | None = None) -> QuerySet[WashSale, Any]:
    """The losses of a year that were put off, latest first, with both trades."""
    found = WashSale.objects.for_user(owner).filter(sold_on__gte=date(year, 1, 1), sold_on__lte=date(year, 12, 31))
    if account_ids is not None:
        found = found.filter(account__in=list(account_ids))
    return found.select_related("account", "security", "replacement_account", "replacement_security")


def missing_basis(*, owner: Any, account_ids: Iterable[int] | None = None) -> list[dict[str, Any]]:
    """Holdings with open lots of unknown cost: account, security and units, as dictionaries with their names."""
    lots = TaxLot.objects.for_user(owner).filter(cost=None)
    if account_ids is not None:
        lots = lots.filter(account__in=list(account_ids))
    return list(
        lots.order_by("account_id", "security_id")
        .values("account_id", "account__name", "security_id", "security__ticker_symbol", "security__name")
        .annotate(quantity=Sum("quantity"))
    )


def lots_are_behind(*, owner: Any) -> bool:
    """Whether the ledger has moved on since the lots were computed; a minute at most, then something is wrong."""
    state = getattr(owner, "lots_state", None)
    version = Account.objects.for_user(owner).aggregate(sum=Sum("ledger_version"))["sum"]
    return bool(version) and (state is None or state.processed_version != version)

"""`/holdings/`: what is in each account, with subtotals, in the user's base currency."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from history.pages.drawer import asked_security, drawer
from history.valuation import AccountWorth, Worth, account_worths, total_worth
from investments.kinds import SECURITY_KINDS, security_label, security_name
from investments.models import Holding, Institution
from investments.pages.panels import read_panel
from investments.pages.remembered import remembers
from investments.pages.scope import AccountChoice, Scope, scope_of
from portfolio_site.lib.sessions import last_closed_session

ZERO = Decimal(0)
DEFAULT_SORT = "-value"
# A bar as long as its column stands for this share of the total.
LONGEST_BAR = 0.25


@dataclass(frozen=True, slots=True)
class Sums:
    """Money in the base currency. Basis and gain leave out the `without_basis` holdings that have none to tell."""

    value: Decimal
    day_change: Decimal | None
    day_fraction: float | None
    cost_basis: Decimal | None
    gain: Decimal | None
    gain_fraction: float | None
    weight: float | None
    without_basis: int


@dataclass(frozen=True, slots=True)
class HoldingRow:
    """`price` in the security's `currency`; all other money in the base currency, None where unknown."""

    security_id: int
    label: str
    name: str
    badge: str
    price: Decimal
    currency: str
    priced_on: date | None
    by_brokerage: bool
    is_stale: bool
    quantity: Decimal
    value: Decimal | None
    day_change: Decimal | None
    day_fraction: float | None
    cost_basis: Decimal | None
    gain: Decimal | None
    gain_fraction: float | None
    weight: float | None
    source: str

    @property
    def bar(self) -> float:
        return abs(self.weight or 0) / LONGEST_BAR


@dataclass(frozen=True, slots=True)
class AccountHoldings:
    account: AccountChoice
    rows: tuple[HoldingRow, ...]
    cash: Decimal
    cash_weight: float | None
    sums: Sums


@dataclass(frozen=True, slots=True)
class InstitutionHoldings:
    institution: Institution
    accounts: tuple[AccountHoldings, ...]
    sums: Sums


@dataclass(frozen=True, slots=True)
class Table:
    groups: tuple[InstitutionHoldings, ...]
    sums: Sums


@dataclass(frozen=True, slots=True)
class Column:
    label: str
    css_class: str
    sort: str = ""
    direction: str = ""


COLUMNS = (
    ("Security", "", "name"),
    ("Price", "num only-wide", "price"),
    ("Quantity", "num only-wide", "quantity"),
    ("Value", "num", "value"),
    ("Day", "num only-wide", "day"),
    ("Cost basis", "num only-wide", "basis"),
    ("Gain", "num only-wide", "gain"),
    ("Weight", "num only-wide", "weight"),
    ("Source", "only-wide", ""),
)
SORTS: dict[str, Callable[[HoldingRow], Any]] = {
    "name": lambda row: row.label.upper(),
    "price": lambda row: row.price,
    "quantity": lambda row: row.quantity,
    "value": lambda row: row.value or ZERO,
    "day": lambda row: row.day_change or ZERO,
    "basis": lambda row: row.cost_basis or ZERO,
    "gain": lambda row: row.gain or ZERO,
    "weight": lambda row: row.weight or 0.0,
}


@login_required
@remembers("holdings", ("sort",))
def holdings(request: HttpRequest) -> HttpResponse:
    scope, currency = scope_of(request), request.user.base_currency
    worths = account_worths(account_ids=scope.account_ids, base_currency=currency)
    total = total_worth(worths, base_currency=currency)
    security = asked_security(request, scope)
    opened: dict[str, Any] = {"currency": currency}
    if security:
        opened |= {"security": security, "label": security_label(security), "name": security_name(security)}
        opened["panel"] = drawer(request, security, scope, worths, total)
        if "X-Fragment" in request.headers:
            return render(request, "history/parts/_drawer.html", opened)
    sort = request.GET.get("sort", DEFAULT_SORT)
    sort = sort if sort.removeprefix("-") in SORTS else DEFAULT_SORT
    read = partial(_table, scope, worths, total, sort)
    table = read_panel("holdings", read, user_id=request.user.pk, scope=scope, variant=f"{currency} {sort}")
    context = opened | {
        "table": table,
        "groups": table.content.groups if table.content else (),
        "sums": table.content.sums if table.content else None,
        "total": total,
        "columns": [_column(*column, sort) for column in COLUMNS],
        "connect_url": reverse("onboarding_connect"),
    }
    return render(request, "history/holdings.html", context)


def _column(label: str, css_class: str, name: str, sort: str) -> Column:
    """A second click turns the order round; figures start with the greatest."""
    if name != sort.removeprefix("-"):
        return Column(label, css_class, sort=name if name in ("", "name") else f"-{name}")
    descending = sort.startswith("-")
    return Column(label, css_class, name if descending else f"-{name}", "descending" if descending else "ascending")


def _table(scope: Scope, worths: list[AccountWorth], total: Worth, sort: str) -> Table:
    groups = _groups(scope, worths, total, sort)
    return Table(tuple(groups), _sums(worths, _rows(entry for group in groups for entry in group.accounts), total))


def _groups(scope: Scope, worths: list[AccountWorth], total: Worth, sort: str) -> list[InstitutionHoldings]:
    """By institution, then account, greatest first; one query for all holdings."""
    by_account = {worth.account_id: worth for worth in worths}
    held = _held(by_account)
    groups = []
    for choice in scope.groups:
        mine = [account for account in choice.accounts if account.pk in by_account]
        accounts = [_account(account, by_account[account.pk], held[account.pk], total, sort) for account in mine]
        if accounts:
            sums = _sums([by_account[account.pk] for account in mine], _rows(accounts), total)
            groups.append(InstitutionHoldings(choice.institution, tuple(sorted(accounts, key=_size)), sums))
    return sorted(groups, key=_size)


def _size(group: "AccountHoldings | InstitutionHoldings") -> Decimal:
    return -group.sums.value


def _held(account_ids: Iterable[int]) -> dict[int, list[Holding]]:
    """Positions by account; cash is no position, it comes from valuation."""
    held: dict[int, list[Holding]] = {pk: [] for pk in account_ids}
    for holding in Holding.objects.filter(account__in=held).held().select_related("security", "account"):
        if not holding.security.is_cash and holding.quantity:
            held[holding.account_id].append(holding)
    return held


def _rows(accounts: Iterable[AccountHoldings]) -> list[HoldingRow]:
    return [row for account in accounts for row in account.rows]


def _account(
    account: AccountChoice, worth: AccountWorth, held: Iterable[Holding], total: Worth, sort: str
) -> AccountHoldings:
    session = last_closed_session(timezone.now())
    rows = sorted((_row(holding, worth.rate, total.value, session) for holding in held), key=SORTS["name"])
    rows.sort(key=SORTS[sort.removeprefix("-")], reverse=sort.startswith("-"))
    cash = worth.uninvested * (worth.rate or ZERO)
    return AccountHoldings(account, tuple(rows), cash, _fraction(cash, total.value), _sums([worth], rows, total))


def _sums(worths: list[AccountWorth], rows: Sequence[HoldingRow], total: Worth) -> Sums:
    """Value and day are valuation's own, so that every page says the same."""
    worth = total_worth(worths, base_currency=total.currency)
    known = [row for row in rows if row.gain is not None]
    basis, gain = _total(row.cost_basis for row in known), _total(row.gain for row in known)
    return Sums(
        value=worth.value,
        day_change=worth.day_change,
        day_fraction=None if worth.day_change_fraction is None else float(worth.day_change_fraction),
        cost_basis=basis,
        gain=gain,
        gain_fraction=_fraction(gain, basis),
        weight=_fraction(worth.value, total.value),
        without_basis=len(rows) - len(known),
    )


def _row(holding: Holding, rate: Decimal | None, total_value: Decimal, session: date) -> HoldingRow:
    security = holding.security

    def based(amount: Decimal | None) -> Decimal | None:
        return None if amount is None or rate is None else amount * rate

    value, change, basis = based(holding.value), based(holding.day_change), based(holding.basis)
    gain = None if value is None or basis is None else value - basis
    priced_on = holding.priced_on or holding.institution_price_as_of
    return HoldingRow(
        security_id=security.pk,
        label=security_label(security),
        name=security_name(security),
        badge=_badge(holding),
        price=holding.current_price,
        currency=security.currency,
        priced_on=priced_on,
        by_brokerage=holding.market_price is None or holding.market_price == holding.institution_price,
        is_stale=priced_on is None or priced_on < session,
        quantity=holding.quantity,
        value=value,
        day_change=change,
        day_fraction=None if value is None or change is None else _fraction(change, value - change),
        cost_basis=basis,
        gain=gain,
        gain_fraction=_fraction(gain, basis),
        weight=_fraction(value, total_value),
        source=holding.get_data_source_display(),
    )


def _badge(holding: Holding) -> str:
    """What makes a position unlike plain shares."""
    if holding.quantity < 0:
        return "Short"
    kind = holding.security.type
    return SECURITY_KINDS[kind].removesuffix("s") if kind in ("cryptocurrency", "derivative", "fixed income") else ""


def _total(amounts: Iterable[Decimal | None]) -> Decimal | None:
    """The sum of what is known; None of nothing."""
    known = [amount for amount in amounts if amount is not None]
    return sum(known, ZERO) if known else None


def _fraction(amount: Decimal | None, of: Decimal | None) -> float | None:
    return float(amount / abs(of)) if amount is not None and of else None

"""`/transactions/`: the ledger as it stands, filtered, totalled and read page by page."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import groupby
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Page, Paginator
from django.db.models import Count, QuerySet, Sum
from django.db.models.functions import Greatest, Least
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode

from investments.core.effects import effect_of
from investments.filters import TransactionFilter
from investments.kinds import security_label, transaction_kind
from investments.models import Transaction
from investments.pages.filter_form import NAMES, FilterForm
from investments.pages.remembered import remembers
from investments.pages.scope import Scope, scope_of
from investments.pages.undo import Steps

PAGE_SIZE = 50
ZERO = Decimal(0)
MARKS = {"manual": "By hand", "csv": "Imported"}
TONES = {"fee": "badge--warn", "transfer": "badge--accent", "cancel": "badge--loss"}


@dataclass(frozen=True, slots=True)
class Line:
    """`amount` as it changed cash: below zero was paid, above zero received. Money in `currency`.

    `mark` says who else than the institution told it.
    """

    pk: int
    version: int
    mark: str
    date: date
    kind: str
    tone: str
    title: str
    description: str
    repairs: str
    account_name: str
    institution_name: str
    quantity: Decimal
    price: Decimal
    fees: Decimal
    amount: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class Month:
    first_day: date
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Totals:
    """All that the filters let through, in one currency. `fees` are those within amounts and those charged apart."""

    currency: str
    count: int
    received: Decimal
    paid: Decimal
    income: Decimal
    fees: Decimal

    @property
    def net(self) -> Decimal:
        return self.received - self.paid


@login_required
@remembers("transactions", (*NAMES, "sort"))
def transactions(request: HttpRequest) -> HttpResponse:
    scope = scope_of(request)
    filters = TransactionFilter(request.GET, queryset=_ledger(request, scope), request=request)
    form = FilterForm(filters, request.GET, scope)
    found = filters.qs if filters.is_valid() else _ledger(request, scope).none()
    totals = _totals(found)
    page = _page(found, sum(total.count for total in totals), request.GET.get("page", "1"))
    context = {
        "filters": form,
        "totals": totals,
        "page": page,
        "months": list(_months(page)),
        "connect_url": reverse("onboarding_connect"),
        "steps": Steps(request),
        "export_url": _export_url(request, scope),
        "back_query": _back_query(request, scope),
        "can_add": scope.account_count > 0,
    }
    return render(request, "investments/transactions.html", context)


def _export_url(request: HttpRequest, scope: Scope) -> str:
    """Exactly what is filtered: the page's scope in the API's words."""
    query = request.GET.copy()
    # A form sends all its fields, and the API refuses parameters that say nothing.
    for name in ("account", "page", *(name for name, values in request.GET.lists() if not any(values))):
        query.pop(name, None)
    if not scope.is_everything:
        query.setlist("filter_account", [str(pk) for pk in scope.account_ids])
    return f"{reverse('api-transactions-export')}?{query.urlencode()}"


def _back_query(request: HttpRequest, scope: Scope) -> str:
    """What leads from a transaction back to this list, in its scope."""
    kept = {"next": request.get_full_path()} | ({"account": scope.key} if scope.key else {})
    return urlencode(kept)


def _ledger(request: HttpRequest, scope: Scope) -> QuerySet[Transaction]:
    mine = Transaction.objects.for_user(request.user).current().filter(account__in=scope.account_ids)
    return mine.newest_first()


def _totals(found: QuerySet[Transaction]) -> list[Totals]:
    """One per currency; one query, whose groups are told apart by what their kind means."""
    groups = (
        found.order_by()
        .values("currency", "type", "subtype")
        .annotate(
            count=Count("pk"),
            paid=Sum(Greatest("amount", ZERO)),
            received=-Sum(Least("amount", ZERO)),
            net=-Sum("amount"),
            charged=Sum("fees"),
        )
        .order_by("currency")
    )
    return [_total(currency, list(rows)) for currency, rows in groupby(groups, key=lambda row: row["currency"])]


def _total(currency: str, groups: list[dict[str, Any]]) -> Totals:
    effects = [(effect_of(group["type"], group["subtype"]), group) for group in groups]
    return Totals(
        currency=currency,
        count=sum(group["count"] for group in groups),
        received=sum((group["received"] for group in groups), ZERO),
        paid=sum((group["paid"] for group in groups), ZERO),
        income=sum((group["net"] for effect, group in effects if effect.income), ZERO),
        fees=sum((-group["net"] if effect.fee else group["charged"] for effect, group in effects), ZERO),
    )


class CountedPaginator(Paginator):
    """Pages of rows whose number is known already."""

    def __init__(self, rows: QuerySet[Transaction], count: int) -> None:
        super().__init__(rows, PAGE_SIZE)
        self.count = count


def _page(found: QuerySet[Transaction], count: int, number: str) -> Page:
    return CountedPaginator(found.select_related("account__institution", "security"), count).get_page(number)


def _months(rows: Iterable[Transaction]) -> Iterator[Month]:
    for first_day, members in groupby(rows, key=lambda row: row.date.replace(day=1)):
        yield Month(first_day, tuple(_line(row) for row in members))


def _line(row: Transaction) -> Line:
    kind = transaction_kind(row.type, row.subtype)
    security = row.security if row.security and not row.security.is_cash else None
    is_income = effect_of(row.type, row.subtype).income
    return Line(
        pk=row.pk,
        version=row.version,
        mark="Corrected" if row.is_correction else MARKS.get(row.source, ""),
        date=row.date,
        kind=kind,
        tone="badge--gain" if is_income else TONES.get(row.type, ""),
        title=security_label(security) if security else kind,
        description=row.name,
        repairs=", ".join(row.repairs),
        account_name=row.account.name,
        institution_name=row.account.institution.name,
        quantity=row.quantity if security else ZERO,
        price=row.price if security else ZERO,
        fees=row.fees,
        amount=-row.amount,
        currency=row.currency,
    )

"""`/tax/`: gains of a year as Form 8949 wants them, losses put off, open lots, and purchases that are missing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import groupby
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_POST

from investments import reconcile, tax
from investments.core.form8949 import Part, Row, Totals
from investments.kinds import security_label
from investments.ledger import Refused
from investments.models import Account
from investments.pages.scope import Scope, scope_of
from portfolio_site.lib import sessions

FIRST_YEAR, LAST_YEAR = 1950, 2200
# A year of trading is thousands of rows: the totals are of all, the rows are the latest unless all are asked for.
ROWS, LOTS, MOST = 15, 3, 5000
PART_TITLES = {
    Part.SHORT_TERM: "Part I: short term, held one year or less",
    Part.LONG_TERM: "Part II: long term, held more than one year",
}


@dataclass(frozen=True, slots=True)
class FormPart:
    """One part of Form 8949 with its foot; `hidden` rows are in the foot and not shown."""

    title: str
    numeral: str
    rows: Sequence[Row]
    foot: Totals
    hidden: int


@dataclass(frozen=True, slots=True)
class LotGroup:
    """The open lots of one security in one account. `gain` None: not known of every lot. `hidden` are not shown."""

    label: str
    name: str
    account_name: str
    currency: str
    lots: Sequence[tax.OpenLot]
    quantity: Decimal
    cost: Decimal | None
    gain: Decimal | None
    hidden: int


class OpeningForm(forms.Form):
    """When units of before the first transaction were bought, and what they cost."""

    account = forms.IntegerField(widget=forms.HiddenInput)
    security = forms.IntegerField(widget=forms.HiddenInput)
    quantity = forms.DecimalField(max_digits=30, decimal_places=12, label="Units")
    date = forms.DateField(label="Bought on", widget=forms.DateInput(attrs={"type": "date"}))
    cost = forms.DecimalField(
        max_digits=20, decimal_places=6, min_value=Decimal(0), required=False, label="What they cost in all",
        help_text="Fees included. Leave it empty where you do not know.",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fix:
    """A difference that an opening balance would mend, with the form that records one."""

    difference: reconcile.Difference
    label: str
    explanation: str
    form: OpeningForm


@login_required
def tax_page(request: HttpRequest) -> HttpResponse:
    return _page(request)


@login_required
@require_POST
def accept_opening(request: HttpRequest) -> HttpResponse:
    """Record an opening balance, or show the page again with what is wrong with it."""
    form = OpeningForm(request.POST)
    if not form.is_valid():
        return _page(request, refused=form, status=422)
    told = form.cleaned_data
    found = reconcile.owned(owner=request.user, account_id=told["account"], security_id=told["security"])
    if found is None:
        raise Http404
    account, security = found
    try:
        reconcile.accept_opening(
            account=account, security=security, quantity=told["quantity"], on=told["date"], cost=told["cost"]
        )
    except Refused as refused:
        form.add_error(refused.field if refused.field in form.fields else None, str(refused))
        return _page(request, refused=form, status=422)
    messages.success(request, f"Recorded. The lots of {security_label(security)} follow within a minute.")
    return redirect(f"{reverse('tax')}{scope_of(request).query}")


def _page(request: HttpRequest, *, refused: OpeningForm | None = None, status: int = 200) -> HttpResponse:
    scope, today = scope_of(request), sessions.today()
    known = tax.years(owner=request.user)
    year = year_of(request.GET.get("year", ""), known[0] if known else today.year)
    is_all = request.GET.get("rows") == "all"
    washed = list(tax.wash_sales(owner=request.user, year=year, account_ids=scope.account_ids))
    closed = list(tax.closings(owner=request.user, year=year, account_ids=scope.account_ids))
    report = tax.report(closed, year=year)
    context = {
        "year": year,
        "years": _year_links(scope, sorted({*known, year, today.year}, reverse=True), year),
        "totals": tax.gains(closed),
        "parts": _parts(report, None if is_all else ROWS),
        "washed": washed if is_all else washed[:ROWS],
        "washed_hidden": 0 if is_all else max(0, len(washed) - ROWS),
        "groups": _lot_groups(request, scope, today, None if is_all else LOTS),
        "all_url": f"?{urlencode({**request.GET.dict(), 'year': year, 'rows': 'all'})}",
        "fixes": _fixes(request, scope, today, refused),
        "refused": refused is not None,
        "is_behind": tax.lots_are_behind(owner=request.user),
        "csv_url": _csv_url(scope, year),
        "lots_url": _lots_url(scope),
        "print_url": f"{reverse('form_8949')}?{urlencode({'year': year, **scope.parameters})}",
        "connect_url": reverse("onboarding_connect"),
        "opening_url": f"{reverse('tax_opening')}{scope.query}",
    }
    context["has_lots"] = bool(context["groups"] or known)
    return render(request, "investments/tax.html", context, status=status)


def year_of(text: str, usual: int) -> int:
    """The year of the address; anything that is none shows the usual one."""
    is_year = text.isascii() and text.isdigit() and FIRST_YEAR <= int(text[:5]) <= LAST_YEAR
    return int(text) if is_year else usual


def _year_links(scope: Scope, years: Sequence[int], chosen: int) -> list[dict[str, Any]]:
    links = {year: f"?{urlencode({'year': year, **scope.parameters})}" for year in years}
    return [{"year": year, "url": url, "is_current": year == chosen} for year, url in links.items()]


def _csv_url(scope: Scope, year: int) -> str:
    named = [] if scope.is_everything else [("filter_account", pk) for pk in scope.account_ids]
    return f"{reverse('api-tax-8949-csv')}?{urlencode([('year', year), *named])}"


def _lots_url(scope: Scope) -> str:
    named = [] if scope.is_everything else [("account_id", pk) for pk in scope.account_ids]
    return f"{reverse('api-export')}?{urlencode([('what', 'lots'), *named])}"


def _parts(report: tax.Report, most: int | None) -> list[FormPart]:
    feet = {Part.SHORT_TERM: report.short, Part.LONG_TERM: report.long}
    return [_part(part, report.of(part), feet[part], most) for part in Part if report.of(part)]


def _part(part: Part, rows: Sequence[Row], foot: Totals, most: int | None) -> FormPart:
    shown = rows if most is None else rows[-most:]
    return FormPart(PART_TITLES[part], part.value, shown, foot, len(rows) - len(shown))


def _lot_groups(request: HttpRequest, scope: Scope, today: date, most: int | None) -> list[LotGroup]:
    lots = list(tax.open_lots(owner=request.user, account_ids=scope.account_ids)[:MOST])
    priced = tax.priced(lots, today=today)
    return [_lot_group(list(group), most) for _, group in groupby(priced, key=_position)]


def _position(line: tax.OpenLot) -> tuple[int, int]:
    return line.lot.account_id, line.lot.security_id


def _lot_group(lines: Sequence[tax.OpenLot], most: int | None) -> LotGroup:
    first = lines[0].lot
    costs, gains = [line.lot.cost for line in lines], [line.gain for line in lines]
    label = security_label(first.security)
    return LotGroup(
        label=label,
        name="" if first.security.name == label else first.security.name,
        account_name=first.account.name,
        currency=first.currency,
        lots=lines[:most],
        quantity=sum((line.lot.quantity for line in lines), Decimal(0)),
        cost=_sum(costs),
        gain=_sum(gains),
        hidden=len(lines) - len(lines[:most]),
    )


def _sum(figures: Sequence[Decimal | None]) -> Decimal | None:
    known = [figure for figure in figures if figure is not None]
    return sum(known, Decimal(0)) if len(known) == len(figures) else None


def _fixes(request: HttpRequest, scope: Scope, today: date, refused: OpeningForm | None) -> list[Fix]:
    open_ids = (
        Account.objects.for_user(request.user).open().filter(pk__in=scope.account_ids).values_list("pk", flat=True)
    )
    found = reconcile.differences(owner_id=request.user.pk, today=today, account_ids=open_ids)
    return [_fix(difference, refused) for difference in found]


def _fix(difference: reconcile.Difference, refused: OpeningForm | None) -> Fix:
    account, security = difference.account.pk, difference.security.pk
    is_refused = refused is not None and [refused.data.get("account"), refused.data.get("security")] == [
        str(account),
        str(security),
    ]
    initial = {
        "account": account,
        "security": security,
        "quantity": f"{(difference.opening or Decimal(0)).normalize():f}",
        "date": None if difference.before is None or difference.before.year < FIRST_YEAR else difference.before,
        "cost": None if difference.cost is None else f"{difference.cost:.2f}",
    }
    form = (
        refused if is_refused and refused else OpeningForm(initial=initial, auto_id=f"opening-{account}-{security}-%s")
    )
    form.fields["cost"].label = f"What they cost in all, in {difference.security.currency}"
    return Fix(difference, security_label(difference.security), reconcile.describe(difference.cause), form)

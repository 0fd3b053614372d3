"""`/income/`: what the accounts received, what is announced, what may be expected."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_POST

from history.income import Entry, IncomeReport, Months, income_report
from investments import ledger
from investments.core.income import Status
from investments.kinds import security_label
from investments.models import Account
from investments.pages.panels import read_panel
from investments.pages.scope import Scope, scope_of

CALENDAR_SHOWN = 10
FULL = Decimal(100)
TONES = {Status.RECEIVED: "badge--gain", Status.ANNOUNCED: "badge--accent", Status.PROJECTED: ""}


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a bar: per cent of the chart's height, measured from its top."""

    status: str
    top: Decimal
    height: Decimal


@dataclass(frozen=True, slots=True)
class Bar:
    """A month: money in the base currency, and how it is drawn."""

    month: date
    received: Decimal
    announced: Decimal
    projected: Decimal
    parts: tuple[Part, ...]
    is_current: bool

    @property
    def total(self) -> Decimal:
        return self.received + self.announced + self.projected


@dataclass(frozen=True, slots=True)
class CalendarLine:
    """`label` is what it is called for short."""

    day: date
    label: str
    words: str
    tone: str
    amount: Decimal
    per_unit: Decimal | None
    units: Decimal | None


@login_required
def income(request: HttpRequest) -> HttpResponse:
    scope, currency = scope_of(request), request.user.base_currency
    panel = read_panel(
        "income",
        lambda: income_report(account_ids=scope.account_ids, currency=currency),
        user_id=request.user.pk,
        scope=scope,
        variant=currency,
    )
    report = panel.content
    context = {
        "panel": panel,
        "report": report,
        "accounts": _accounts(request, scope),
        "file_url": _file_url(scope),
        "connect_url": reverse("onboarding_connect"),
        **(_shown(report) if report else {}),
    }
    return render(request, "history/income.html", context)


@login_required
@require_POST
def prefer(request: HttpRequest, pk: int) -> HttpResponse:
    """What an account's dividends are meant for."""
    account = get_object_or_404(Account.objects.for_user(request.user).open(), pk=pk)
    wanted = request.POST.get("preference", "")
    if wanted in Account.IncomePreference.values:
        ledger.prefer_income(account_ids=[account.pk], preference=wanted)
        messages.success(request, f"{account}: {Account.IncomePreference(wanted).label.lower()}.")
    scope = request.POST.get("account", "")
    query = f"?{urlencode({'account': scope})}" if scope else ""
    return redirect(f"{reverse('income')}{query}#preferences")


def _accounts(request: HttpRequest, scope: Scope) -> list[Account]:
    mine = Account.objects.for_user(request.user).open().filter(pk__in=scope.account_ids)
    return list(mine.select_related("institution").order_by(*Account._meta.ordering))


def _file_url(scope: Scope) -> str:
    named = [] if scope.is_everything else [("filter_account", pk) for pk in scope.account_ids]
    return f"{reverse('api-income-calendar-file')}{'?' if named else ''}{urlencode(named)}"


def _shown(report: IncomeReport) -> dict[str, object]:
    ahead = [_line(entry) for entry in report.calendar if entry.day >= report.today]
    behind = [_line(entry) for entry in reversed(report.calendar) if entry.day < report.today and entry.kind == "pay"]
    bars, top = _bars(report.months, report.today)
    return {
        "bars": bars,
        "top": top,
        "ahead": ahead[:CALENDAR_SHOWN],
        "later": ahead[CALENDAR_SHOWN:],
        "behind": behind[:CALENDAR_SHOWN],
        "securities": [(security_label(one.security), one) for one in report.securities],
        "has_income": bool(report.received.gross or report.expected or any(report.months.received)),
    }


def _line(entry: Entry) -> CalendarLine:
    label = security_label(entry.security) if entry.security else "Cash"
    words = "Ex-dividend" if entry.kind == "ex" else entry.status.value.capitalize()
    tone = "badge--warn" if entry.kind == "ex" else TONES[entry.status]
    return CalendarLine(entry.day, label, words, tone, entry.amount, entry.per_unit, entry.units)


def _bars(months: Months, today: date) -> tuple[list[Bar], Decimal]:
    """One a month, and the money that the chart's height stands for."""
    columns = list(zip(months.months, months.received, months.announced, months.projected, strict=True))
    top = nice_top(max((sum(amounts, Decimal(0)) for _, *amounts in columns), default=Decimal(0)))
    here = today.replace(day=1)
    return [Bar(month, *amounts, tuple(_parts(amounts, top)), month == here) for month, *amounts in columns], top


def _parts(amounts: Sequence[Decimal], top: Decimal) -> Iterator[Part]:
    """From the bottom up; what was paid instead of received has no height."""
    filled = Decimal(0)
    for status, amount in zip(Status, amounts, strict=True):
        height = round(max(amount, Decimal(0)) / top * FULL, 2) if top else Decimal(0)
        filled += height
        if height:
            yield Part(status.value, FULL - filled, height)


def nice_top(greatest: Decimal) -> Decimal:
    """The least of 1, 2, 2.5, 4, 5 and 10 times a power of ten that holds it; 0 of nothing."""
    if greatest <= 0:
        return Decimal(0)
    power = Decimal(10) ** greatest.adjusted()
    return next(
        power * Decimal(step) for step in ("1", "2", "2.5", "4", "5", "10") if power * Decimal(step) >= greatest
    )

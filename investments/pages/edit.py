"""Add, edit and void a transaction, undo and redo: pages without JavaScript, the inside of a dialog with it."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from investments import ledger, manual
from investments.models import Account, Holding, Security, Transaction
from investments.pages.transaction_form import TransactionForm, initial
from investments.pages.undo import NOTHING, Steps
from portfolio_site.lib.sessions import NEW_YORK

MOST_SUGGESTIONS = 200
CHANGED_ELSEWHERE = "This transaction was changed elsewhere meanwhile, so that step was left out."


@dataclass(frozen=True, slots=True)
class Difference:
    """One field of a conflict."""

    label: str
    yours: str
    now: str


@login_required
def add(request: HttpRequest) -> HttpResponse:
    """A new transaction, in the account that the list is of, if it is of one."""
    start = {
        "external_id": str(uuid.uuid4()),
        "date": timezone.now().astimezone(NEW_YORK).date(),
        "account": request.GET.get("account", ""),
    }
    form = _form(request, None, start)
    if request.method == "POST" and form.is_valid():
        saved = _saved(
            form, lambda: manual.add_transaction(told=form.told(), external_id=form.cleaned_data["external_id"])
        )
        if isinstance(saved, Transaction):
            Steps(request).did(saved, before=NOTHING)
            return _done(request, "Added.", saved)
        if saved is not None:
            return _conflict(request, form, saved, None)
    return _page(request, form, None)


@login_required
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Supersede a transaction; a version that came in between is shown beside what was to be saved."""
    row = _row(request, pk)
    form = _form(request, row, initial(row))
    if request.method == "POST" and form.is_valid():
        seen = form.cleaned_data["version"] or row.version
        saved = _saved(form, lambda: manual.correct_transaction(row=row, version=seen, told=form.told()))
        if isinstance(saved, Transaction):
            if saved.version != seen:
                Steps(request).did(saved, before=seen)
            return _done(request, "Saved.", saved)
        if saved is not None:
            return _conflict(request, form, saved, row)
    return _page(request, form, row)


@login_required
@require_POST
def void(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a transaction out of the ledger."""
    row, seen = _row(request, pk), request.POST.get("version", "")
    version = int(seen) if seen.isascii() and seen.isdigit() and len(seen) < 6 else row.version
    try:
        voided = ledger.void_transaction(row=row, version=version)
    except ledger.StaleVersion as stale:
        return _conflict(request, _form(request, stale.current, initial(stale.current), bound=False), stale, row)
    if voided.version != version:
        Steps(request).did(voided, before=version)
    return _done(request, "Removed. It no longer counts; undo brings it back.")


@login_required
@require_POST
def step(request: HttpRequest, way: str) -> HttpResponse:
    """`undo` or `redo` the last step of this session."""
    try:
        row = Steps(request).take(way, request.user)
    except ledger.StaleVersion:
        messages.warning(request, CHANGED_ELSEWHERE)
        return redirect(_next(request))
    if row is None:
        return redirect(_next(request))
    return _done(request, f"{'Undone' if way == 'undo' else 'Done again'}: {row}.")


def _row(request: HttpRequest, pk: int) -> Transaction:
    """The last version of the row that any of its versions names."""
    named = get_object_or_404(Transaction.objects.for_user(request.user), pk=pk)
    return named.versions().select_related("account__institution", "security").latest("version")


def _form(
    request: HttpRequest, row: Transaction | None, start: dict[str, Any], *, bound: bool = True
) -> TransactionForm:
    accounts = Account.objects.for_user(request.user).open().select_related("institution")
    data = request.POST if bound and request.method == "POST" else None
    return TransactionForm(data, initial=start, owner=request.user, accounts=list(accounts), before=row)


def _saved(form: TransactionForm, change: Callable[[], Transaction]) -> "Transaction | ledger.StaleVersion | None":
    """The row saved, the conflict, or None where the ledger refused and the form says why."""
    try:
        return change()
    except ledger.Refused as refused:
        form.refuse(refused)
    except ledger.StaleVersion as stale:
        return stale
    return None


def _conflict(
    request: HttpRequest, form: TransactionForm, stale: ledger.StaleVersion, row: Transaction | None
) -> HttpResponse:
    """Nothing is saved. Saving again, with the version shown, does replace it."""
    current = initial(stale.current)
    if form.is_bound:
        form.data = form.data.copy()
        form.data["version"] = stale.current.version
    context = {"current": stale.current, "differences": list(_differences(form, current))}
    return _page(request, form, row, status=409, conflict=context)


def _differences(form: TransactionForm, current: dict[str, Any]) -> Iterator[Difference]:
    for field in form.visible_fields():
        yours, now = str(field.value() or ""), str(current.get(field.name, "") or "")
        if form.is_bound and field.name != "account" and yours != now:
            labels = dict(form.fields["kind"].choices) if field.name == "kind" else {}  # type: ignore[attr-defined]
            yield Difference(str(field.label), labels.get(yours, yours), labels.get(now, now))


def _page(
    request: HttpRequest, form: TransactionForm, row: Transaction | None, *, status: int = 200, conflict: Any = None
) -> HttpResponse:
    context = {"form": form, "row": row, "conflict": conflict, "next": _next(request), "securities": _known(request)}
    inside = "investments/parts/_transaction_form.html"
    template = inside if request.headers.get("X-Fragment") else "investments/transaction.html"
    return render(request, template, context, status=status)


def _known(request: HttpRequest) -> list[Security]:
    """What the person has or traded, to choose from."""
    held = Holding.objects.for_user(request.user).values("security")
    traded = Transaction.objects.for_user(request.user).exclude(security=None).values("security")
    securities = Security.objects.filter(Q(pk__in=held) | Q(pk__in=traded), same_as=None).exclude(ticker_symbol="")
    return list(securities.exclude(type="cash").order_by("ticker_symbol", "pk")[:MOST_SUGGESTIONS])


def _next(request: HttpRequest) -> str:
    """The list that the person came from, with its filters."""
    asked = request.POST.get("next") or request.GET.get("next") or ""
    safe = url_has_allowed_host_and_scheme(asked, allowed_hosts={request.get_host()})
    return asked if safe else reverse("transactions")


def _done(request: HttpRequest, said: str, row: Transaction | None = None) -> HttpResponse:
    """Back to the list. A dialog is told where to go, and which row it has saved: following, it would take the message
    with a page not shown.
    """
    messages.success(request, said)
    if request.headers.get("X-Fragment"):
        saved = {} if row is None else {"X-Row": str(row.pk)}
        return HttpResponse(status=204, headers={"X-Location": _next(request), **saved})
    return redirect(_next(request))

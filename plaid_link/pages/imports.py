"""`/import/`: send a file, say what is not certain, look at every row, store it, take it back."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from investments.kinds import transaction_kind
from investments.pages.scope import scope_of
from plaid_link.imports import batches, review
from plaid_link.imports.models import ImportBatch
from plaid_link.pages import import_forms as forms
from portfolio_site.models import Job

STEPS: Final = ("File", "Columns", "Securities", "Review", "Done")
State = ImportBatch.State
TONES: Final = {"new": "badge--gain", "known": "", "refused": "badge--loss", "left_out": "badge--warn"}
LABELS: Final = {"new": "New", "known": "There already", "refused": "Refused", "left_out": "Left out"}
SHOWN: Final = 20  # imports on the first page


@dataclass(frozen=True, slots=True)
class Step:
    label: str
    is_done: bool
    is_current: bool


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the file as a page shows it; `amount` below zero was paid."""

    row: int
    label: str
    tone: str
    day: str
    kind: str
    security: str
    description: str
    quantity: Decimal | None
    price: Decimal | None
    amount: Decimal | None
    currency: str
    why: str


@dataclass(frozen=True, slots=True)
class Tab:
    label: str
    count: int
    url: str
    is_current: bool


@login_required
def imports(request: HttpRequest) -> HttpResponse:
    """The form for a file, and what was imported before."""
    form = forms.UploadForm(request.POST or None, request.FILES or None, scope=scope_of(request))
    if request.method == "POST" and form.is_valid() and (batch := _sent(request, form)):
        return redirect("import", batch.pk)
    past = ImportBatch.objects.for_user(request.user).light().select_related("account")[:SHOWN]
    return render(request, "plaid_link/imports/start.html", {"form": form, "past": list(past)})


def _sent(request: HttpRequest, form: forms.UploadForm) -> ImportBatch | None:
    told = form.cleaned_data
    try:
        batch, _job = batches.open_batch(
            owner_id=request.user.pk,
            file_name=told["file"].name,
            data=form.content(),
            account=form.chosen_account(request.user),
            new_account={"name": told["name"], "subtype": told["subtype"] or "brokerage"},
        )
    except batches.Refused as problem:
        form.add_error("name" if problem.field == "account" else problem.field, str(problem))
        return None
    return batch


@login_required
def wizard(request: HttpRequest, pk: int) -> HttpResponse:
    """Where the import stands, and the one thing to do next."""
    batch = _batch(request, pk)
    kinds = {one["kind"] for one in batch.questions}
    context = {
        "batch": batch,
        "steps": _steps(batch, kinds),
        "kinds": kinds,
        "columns": forms.column_asks(batch) if "columns" in kinds else [],
        "questions": forms.question_asks(batch),
        "actions": forms.action_asks(batch),
        "symbols": forms.symbol_asks(batch),
        "job": Job.objects.for_user(request.user).filter(pk=batch.job_id).first() if batch.is_busy else None,
        "stored_before": batches.stored_before(batch) if batch.state == State.READY else None,
        **_review(request, batch),
    }
    return render(request, "plaid_link/imports/wizard.html", context)


@login_required
@require_POST
def answer(request: HttpRequest, pk: int) -> HttpResponse:
    """What the owner says; the file is read again with it."""
    batch = _batch(request, pk)
    return _done(request, batch, lambda: batches.answer(batch, forms.answers_of(batch, request.POST)))


@login_required
@require_POST
def confirm(request: HttpRequest, pk: int) -> HttpResponse:
    """Store it."""
    batch = _batch(request, pk)
    return _done(request, batch, lambda: batches.confirm(batch))


@login_required
@require_POST
def undo(request: HttpRequest, pk: int) -> HttpResponse:
    """Take it back."""
    batch = _batch(request, pk)
    return _done(request, batch, lambda: batches.undo(batch))


@login_required
@require_POST
def discard(request: HttpRequest, pk: int) -> HttpResponse:
    """Throw it away, and begin again."""
    batch = _batch(request, pk)
    try:
        batches.discard(batch)
    except batches.Refused as problem:
        messages.error(request, str(problem))
        return redirect("import", batch.pk)
    messages.info(request, f"{batch.file_name} is thrown away. Nothing of it was stored.")
    return redirect("imports")


def _done(request: HttpRequest, batch: ImportBatch, work: Any) -> HttpResponse:
    try:
        work()
    except batches.Refused as problem:
        messages.error(request, str(problem))
    return redirect("import", batch.pk)


def _batch(request: HttpRequest, pk: int) -> ImportBatch:
    mine = ImportBatch.objects.for_user(request.user).light().select_related("account__institution")
    return get_object_or_404(mine, pk=pk)


def _steps(batch: ImportBatch, kinds: set[str]) -> list[Step]:
    at = _place(batch, kinds)
    return [Step(label, number < at, number == at) for number, label in enumerate(STEPS)]


def _place(batch: ImportBatch, kinds: set[str]) -> int:
    if batch.state in (State.STORED, State.UNDONE, State.UNDOING, State.STORING):
        return len(STEPS) - 1
    if batch.state == State.ASKING:
        return 2 if kinds == {"symbols"} else 1
    return 3 if batch.state in (State.READY, State.REFUSED) else 0


def _review(request: HttpRequest, batch: ImportBatch) -> dict[str, Any]:
    """Every row, or those of one kind, page by page."""
    show = request.GET.get("show", "")
    show = show if show in LABELS else ""
    page = review.page(batch, state=show, number=request.GET.get("page", "1"))
    named = {one["key"]: one for one in batch.symbols}
    currency = batch.account.currency if batch.account else batch.new_account.get("currency", "USD")
    lines = [_line(line, named, currency) for line in page]
    return {"page": page, "lines": lines, "tabs": _tabs(batch, show)}


def _tabs(batch: ImportBatch, show: str) -> list[Tab]:
    here = reverse("import", args=[batch.pk])
    counts = {name: getattr(batch, f"{name}_rows") for name in LABELS}
    tabs = [Tab("All rows", batch.rows, f"{here}#rows", not show)]
    return tabs + [
        Tab(LABELS[name], count, f"{here}?show={name}#rows", show == name) for name, count in counts.items() if count
    ]


def _line(line: dict[str, Any], named: dict[str, Any], currency: str) -> Line:
    key = line.get("key", "")
    return Line(
        row=line["row"],
        label=LABELS[line["state"]],
        tone=TONES[line["state"]],
        day=line.get("day", ""),
        kind=transaction_kind(line["type"], line.get("subtype", "")) if "type" in line else "",
        security=named[key]["label"] if key in named else key,
        description=line.get("name", ""),
        quantity=Decimal(line["quantity"]) if "quantity" in line else None,
        price=Decimal(line["price"]) if "price" in line else None,
        amount=-Decimal(line["amount"]) if "amount" in line else None,
        currency=line.get("currency") or currency,
        why=_why(line),
    )


def _why(line: dict[str, Any]) -> str:
    """Why it is refused or left out, with the column; or what is odd about it."""
    message = line.get("message", "") or "; ".join(line.get("remarks", []))
    return f"{line['column']}: {message}" if line.get("column") else str(message)

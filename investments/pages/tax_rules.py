"""`/tax/rules/`: what wash sales go by: securities that count as one, and how the same lot is read."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from investments import ledger
from investments.kinds import security_label
from investments.models import IdenticalGroup, Security, TaxRules

MOST_NAMED, MOST_SHOWN = 50, 200
RECOMPUTED = "Your lots follow within a minute."


class GroupForm(forms.Form):
    """A group as people write it: tickers or names, one after the other."""

    name = forms.CharField(max_length=60, label="Name", help_text="For yourself: S&P 500 funds.")
    securities = forms.CharField(
        max_length=2000, label="Securities", help_text="Tickers or names, with commas between them: VOO, IVV, SPLG."
    )

    def named(self, known: Sequence[Security]) -> list[int]:
        """The securities meant, each under all of its ids. Raises Refused for a name that nothing has."""
        wanted = [text.strip() for text in self.cleaned_data["securities"].split(",") if text.strip()]
        found: list[int] = []
        for text in wanted[:MOST_NAMED]:
            ids = [one.pk for one in known if text.upper() == one.ticker_symbol.upper()]
            ids = ids or [one.pk for one in known if text.lower() in (one.name.lower(), security_label(one).lower())]
            if not ids:
                raise ledger.Refused(f"You neither hold nor have traded {text[:40]!r}", field="securities")
            found += ids
        return found


@login_required
def tax_rules(request: HttpRequest) -> HttpResponse:
    return _page(request)


@login_required
@require_POST
def read_same_lot(request: HttpRequest) -> HttpResponse:
    """Keep how the owner reads unsettled law."""
    counts = request.POST.get("same_lot") == "on"
    is_new = ledger.read_same_lot(owner=request.user, counts=counts)
    messages.success(request, f"Saved. {RECOMPUTED}" if is_new else "Nothing to change.")
    return redirect("tax_rules")


@login_required
@require_POST
def save_group(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """A new group, or one as it is from now on; else the page again with what is wrong."""
    group = None if pk is None else get_object_or_404(IdenticalGroup.objects.for_user(request.user), pk=pk)
    form = GroupForm(request.POST, auto_id=_ids(pk))
    if form.is_valid() and _saved(request, form, group):
        messages.success(request, f"Saved. {RECOMPUTED}")
        return redirect("tax_rules")
    return _page(request, refused=form, of=pk, status=422)


@login_required
@require_POST
def forget_group(request: HttpRequest, pk: int) -> HttpResponse:
    """The group's securities are different ones again."""
    group = get_object_or_404(IdenticalGroup.objects.for_user(request.user), pk=pk)
    ledger.forget_identical(group=group)
    messages.success(request, f"{group.name} is no group any more. {RECOMPUTED}")
    return redirect("tax_rules")


def _saved(request: HttpRequest, form: GroupForm, group: IdenticalGroup | None) -> bool:
    try:
        ids = form.named(list(ledger.may_be_identical(request.user)))
        name = form.cleaned_data["name"]
        ledger.declare_identical(owner=request.user, name=name, security_ids=ids, group=group)
    except ledger.Refused as refused:
        form.add_error(refused.field, str(refused))
        return False
    return True


def _page(
    request: HttpRequest, *, refused: GroupForm | None = None, of: int | None = None, status: int = 200
) -> HttpResponse:
    groups = IdenticalGroup.objects.for_user(request.user).prefetch_related("members__security")
    rules = TaxRules.objects.for_user(request.user).first()
    known = list(ledger.may_be_identical(request.user)[: MOST_SHOWN + 1])
    context = {
        "same_lot": bool(rules and rules.same_lot),
        "groups": [_group(group, refused if group.pk == of else None) for group in groups],
        "new": refused if refused and of is None else GroupForm(auto_id=_ids(None)),
        "known": sorted({security_label(one) for one in known[:MOST_SHOWN]}),
        "has_more": len(known) > MOST_SHOWN,
    }
    return render(request, "investments/tax_rules.html", context, status=status)


def _group(group: IdenticalGroup, refused: GroupForm | None) -> dict[str, Any]:
    labels = list(dict.fromkeys(security_label(member.security) for member in group.members.all()))
    names = list(dict.fromkeys(member.security.ticker_symbol or member.security.name for member in group.members.all()))
    initial = {"name": group.name, "securities": ", ".join(names)}
    return {"group": group, "labels": labels, "form": refused or GroupForm(initial=initial, auto_id=_ids(group.pk))}


def _ids(pk: int | None) -> str:
    """Ids of fields that are another group's nowhere on the page."""
    return f"group-{pk or 'new'}-%s"

"""On the settings page: which lots a sale closes, account by account."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from investments import ledger
from investments.models import Account


class LotMethodsForm(forms.Form):
    """A choice for each of these accounts, under `account-<id>`."""

    def __init__(self, *args: Any, accounts: QuerySet[Account], **kwargs: Any) -> None:
        super().__init__(*args, prefix="account", **kwargs)
        for account in accounts:
            self.fields[str(account.pk)] = forms.ChoiceField(
                label=f"{account.name}, {account.institution.name}",
                choices=Account.LotMethod.choices,
                initial=account.lot_method,
            )

    def save(self) -> int:
        """Returns how many accounts have another rule now; one change of the ledger, whose lots follow."""
        chosen: dict[str, list[int]] = {}
        for pk, method in self.cleaned_data.items():
            chosen.setdefault(method, []).append(int(pk))
        with ledger.together():
            return sum(ledger.choose_lot_method(account_ids=ids, method=method) for method, ids in chosen.items())


def lot_methods_form(request: HttpRequest) -> LotMethodsForm:
    """The form over the user's open accounts, filled in with what was posted to it."""
    accounts = Account.objects.for_user(request.user).open().select_related("institution")  # type: ignore[arg-type]
    is_posted = request.method == "POST" and request.resolver_match and request.resolver_match.url_name == "lot_methods"
    return LotMethodsForm(request.POST if is_posted else None, accounts=accounts)


@login_required
@require_POST
def lot_methods(request: HttpRequest) -> HttpResponse:
    form = lot_methods_form(request)
    if not form.is_valid():
        messages.error(request, "Choose a lot method for each account.")
    elif changed := form.save():
        plural = "1 account" if changed == 1 else f"{changed} accounts"
        messages.success(request, f"Saved. The lots of {plural} are worked out anew.")
    else:
        messages.info(request, "Nothing to change.")
    return redirect("settings")

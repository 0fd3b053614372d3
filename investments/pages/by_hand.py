"""`/connections/by-hand/`: open an account that nobody reports, and close it again."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_POST

from investments import ledger, manual
from investments.models import Account
from investments.models.security import PRIVATE_SOURCES
from portfolio_site.lib.money import is_currency


class AccountForm(forms.Form):
    name = forms.CharField(label="Name", max_length=200, help_text="As you call it: Old 401(k), Grandmother's shares.")
    subtype = forms.ChoiceField(
        label="Kind", choices=manual.ACCOUNT_KINDS, help_text="Decides how its gains are taxed, and nothing else."
    )
    currency = forms.CharField(label="Currency", max_length=3, help_text="Its code: USD, EUR, GBP.")

    def clean_currency(self) -> str:
        code = str(self.cleaned_data["currency"]).strip().upper()
        if not is_currency(code):
            raise forms.ValidationError("This is not the code of a currency.")
        return code


def kept_by_hand(user: Any) -> QuerySet[Account]:
    """The user's open accounts that no connection keeps, imported ones too, with their value."""
    return Account.objects.for_user(user).open().filter(source__in=PRIVATE_SOURCES).with_value()


@login_required
def open_account(request: HttpRequest) -> HttpResponse:
    """Opens it, and goes on to the first thing that happened in it."""
    form = AccountForm(request.POST or None, initial={"currency": request.user.base_currency})  # type: ignore[union-attr]
    if request.method == "POST" and form.is_valid():
        account = manual.open_account(owner_id=request.user.pk, **form.cleaned_data)  # type: ignore[arg-type]
        messages.success(request, f"{account.name} is open. Add what was bought or paid in; what it holds follows.")
        return redirect(f"{reverse('transaction_add')}?{urlencode({'account': account.pk})}")
    return render(request, "investments/account_by_hand.html", {"form": form})


@login_required
@require_POST
def close_account(request: HttpRequest, pk: int) -> HttpResponse:
    """It counts no more, and its past stays."""
    account = get_object_or_404(kept_by_hand(request.user), pk=pk)
    ledger.close_accounts(account_ids=[account.pk])
    messages.success(request, f"{account.name} is closed. Its history stays.")
    return redirect("connections")

"""Where operators put prices and corporate actions right: first what it would do is shown, then it is done."""

import hashlib
from typing import Any, Final

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from history.market.corrections import BadCorrection, Corrected, correct, preview
from history.models import Correction, PriceDoubt
from portfolio_site.lib.machine_written import ReadOnlyAdmin

SHOWN: Final = 50
EXAMPLES: Final = (
    "price,AAPL,2014-06-06,645.57",
    "split,AAPL,2014-06-09,7",
    "stock_dividend,CALM,2024-05-01,1.05",
    "cash_dividend,AAPL,2014-08-07,0.47",
    "special_dividend,MSFT,2004-11-15,3",
    "spin_off,GE,2024-04-02,0.25,GEV,0.2",
    "merger,OLD,2024-05-01,0.5,NEW,12.50,40",
    "symbol_change,FB,2022-06-09,META",
    "delisting,GONE,2024-05-01,0",
    "void,AAPL,2014-06-09,split",
    "contract_size,XYZ1260619C00050000,2026-02-02,150",
)


class CorrectionForm(forms.Form):
    """Both are required."""

    lines = forms.CharField(widget=forms.Textarea(attrs={"rows": 8, "cols": 80}))
    reason = forms.CharField(widget=forms.TextInput(attrs={"size": 80}), max_length=2000)


def _digest(form: CorrectionForm) -> str:
    """Of what was shown: other lines have to be shown again before they are applied."""
    return hashlib.sha256(form.cleaned_data["lines"].encode()).hexdigest()


@admin.register(Correction)
class CorrectionAdmin(admin.ModelAdmin):
    list_display = ("made_at", "operator", "kind", "concerned", "day", "before", "after", "accounts", "reason")
    list_filter = ("kind",)
    list_select_related = ("symbol", "security")
    search_fields = ("symbol__symbol", "security__ticker_symbol", "operator", "reason")
    date_hierarchy = "made_at"

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Shows what the lines would do and to whom, and does it once that was confirmed."""
        if not self.has_add_permission(request):
            return HttpResponse(status=403)
        form = CorrectionForm(request.POST or None)
        corrected = self._corrected(request, form) if form.is_valid() else None
        if corrected is not None and request.POST.get("confirmed") == _digest(form):
            return HttpResponseRedirect(reverse("admin:history_correction_changelist"))
        accounts = corrected.accounts() if corrected else []
        context = {
            **self.admin_site.each_context(request),
            "title": "Correct market data",
            "opts": self.opts,
            "form": form,
            "examples": EXAMPLES,
            "corrected": corrected,
            "accounts": accounts[:SHOWN],
            "more": max(0, len(accounts) - SHOWN),
            "digest": _digest(form) if corrected else "",
        }
        return TemplateResponse(request, "admin/history/correction/add.html", context)

    def _corrected(self, request: HttpRequest, form: CorrectionForm) -> Corrected | None:
        text = form.cleaned_data["lines"]
        try:
            if request.POST.get("confirmed") != _digest(form):
                return preview(text=text)
            done = correct(text=text, reason=form.cleaned_data["reason"], operator=request.user.get_username())
        except BadCorrection as error:
            form.add_error("lines", str(error))
            return None
        told = f"{len(done.changes)} corrected; {len(done.account_ids)} accounts will be rebuilt."
        self.message_user(request, told, messages.SUCCESS)
        return done


@admin.register(PriceDoubt)
class PriceDoubtAdmin(ReadOnlyAdmin):
    list_display = ("symbol", "day", "cause", "close", "factor", "provider", "found_at", "settled_at")
    list_filter = ("cause", ("settled_at", admin.EmptyFieldListFilter), "provider")
    list_select_related = ("symbol",)
    search_fields = ("symbol__symbol",)
    date_hierarchy = "found_at"

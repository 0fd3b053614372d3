"""Spin-offs that providers told as splits of an odd ratio: an operator says what came of them, or that it was none."""

from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest

from history.market.corrections import BadCorrection, correct, preview
from history.models import SymbolAction
from investments.models import CorporateAction
from portfolio_site.lib.confirmed import confirmed_action


class SpinOffForm(forms.ModelForm):
    """What the company's own announcement says; checked by doing it and taking it back."""

    units = forms.DecimalField(
        min_value=Decimal("0.000001"), max_digits=18, decimal_places=12, help_text="Of the new share, for each old one."
    )
    successor = forms.CharField(max_length=40, help_text="The new share's symbol; somebody has to hold it already.")
    fraction = forms.DecimalField(
        min_value=0, max_value=1, max_digits=13, decimal_places=12,
        help_text="The share of the cost basis that goes to it (Form 8937), 0 to 1.",
    )  # fmt: skip
    reason = forms.CharField(max_length=2000, help_text="What the next operator reads: where that is written.")

    class Meta:
        model = SymbolAction
        fields: tuple[str, ...] = ()

    def clean(self) -> dict[str, Any]:
        """The fields, if the line they make can be applied."""
        told = super().clean() or {}
        if not self.errors:
            try:
                preview(text=self.line())
            except BadCorrection as error:
                raise forms.ValidationError(str(error)) from None
        return told

    def line(self) -> str:
        """As it is typed under Corrections."""
        told, action = self.cleaned_data, self.instance
        figures = f"{told['units']:f},{told['successor'].strip()},{told['fraction']:f}"
        return f"spin_off,{action.symbol.symbol},{action.ex_date},{figures}"


class IsWaiting(admin.SimpleListFilter):
    """Those that nobody has said anything about."""

    title = "state"
    parameter_name = "waits"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Waits for an operator"), ("no", "Accepted or dismissed")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[SymbolAction]) -> QuerySet[SymbolAction]:
        if self.value() not in ("yes", "no"):
            return queryset
        waiting = Q(accepted=False, voided=False)
        return queryset.filter(waiting if self.value() == "yes" else ~waiting)


@admin.register(SymbolAction)
class SpinOffAdmin(admin.ModelAdmin):
    """Open one to accept it: it is applied and written down as a correction."""

    form = SpinOffForm
    list_display = ("symbol", "ex_date", "ratio", "source", "state", "people")
    list_filter = (IsWaiting, "source")
    list_select_related = ("symbol",)
    search_fields = ("symbol__symbol",)
    readonly_fields = ("symbol", "ex_date", "ratio", "source", "state", "people")
    actions = ("dismiss",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Providers tell them."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """They would be told again."""
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[SymbolAction]:
        """With whether it was accepted, and how many people hold what it is of."""
        known = CorporateAction.objects.filter(
            kind=SymbolAction.Kind.SPIN_OFF, ex_date=OuterRef("ex_date"), voided_at=None,
            security__mapping__symbol=OuterRef("symbol"),
        )  # fmt: skip
        held = Q(symbol__mappings__security__holdings__removed_at__isnull=True)
        people = Count("symbol__mappings__security__holdings__owner", filter=held, distinct=True)
        told = super().get_queryset(request).filter(kind=SymbolAction.Kind.SPIN_OFF)
        return told.annotate(accepted=Exists(known), people=people).order_by("-ex_date", "pk")

    def save_model(self, request: HttpRequest, obj: SymbolAction, form: Any, change: bool) -> None:
        """Applied as a correction: the accounts concerned are rebuilt."""
        correct(text=form.line(), reason=form.cleaned_data["reason"], operator=request.user.get_username())

    @confirmed_action(
        "Dismiss: nothing was spun off", explains="Nothing is applied, and nobody waits for them any more."
    )
    def dismiss(self, request: HttpRequest, queryset: QuerySet[SymbolAction]) -> str:
        """For what was neither a spin-off nor a split."""
        ids = list(queryset.values_list("pk", flat=True))
        return f"{SymbolAction.objects.filter(pk__in=ids).update(voided=True)} dismissed."

    @admin.display
    def state(self, action: Any) -> str:
        """In words."""
        if action.voided:
            return "dismissed"
        return "accepted" if action.accepted else "waits for an operator"

    @admin.display(description="Held by", ordering="people")
    def people(self, action: Any) -> str:
        """How many people it concerns."""
        return f"{action.people} people"

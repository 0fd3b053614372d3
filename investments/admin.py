"""Where operators look into the ledger. What sources wrote is read here; corrections go through the ledger."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Case, CharField, Exists, OuterRef, QuerySet, Value, When
from django.http import HttpRequest

from investments import ledger
from investments.entries import CorporateActionEntry
from investments.ledger.corporate_actions import OPERATOR
from investments.models import Account, CorporateAction, Holding, Institution, Security, Transaction


class LedgerAdmin(admin.ModelAdmin):
    """Rows that only the ledger writes."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Institution)
class InstitutionAdmin(LedgerAdmin):
    list_display = ("name", "external_id", "url")
    search_fields = ("name", "external_id")


@admin.register(Security)
class SecurityAdmin(LedgerAdmin):
    list_display = ("ticker_symbol", "name", "type", "subtype", "close_price", "close_price_as_of", "source")
    list_filter = ("type", "source", "is_cash_equivalent")
    search_fields = ("ticker_symbol", "name", "cusip", "isin", "external_id")


@admin.register(Account)
class AccountAdmin(LedgerAdmin):
    list_display = ("name", "mask", "owner", "institution", "subtype", "sync_state", "synced_at", "ledger_version")
    list_filter = ("sync_state", "source", "type", "institution")
    list_select_related = ("owner", "institution")
    search_fields = ("name", "mask", "external_id", "owner__email")


@admin.register(Holding)
class HoldingAdmin(LedgerAdmin):
    list_display = ("security", "account", "owner", "quantity", "institution_value", "market_value", "removed_at")
    list_filter = ("data_source", ("removed_at", admin.EmptyFieldListFilter), "security__type")
    list_select_related = ("security", "account", "owner")
    search_fields = ("security__ticker_symbol", "security__name", "account__name", "owner__email")


class StandingFilter(admin.SimpleListFilter):
    title = "standing"
    parameter_name = "standing"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("current", "Current"), ("superseded", "Superseded"), ("void", "Void")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Transaction]) -> QuerySet[Transaction]:
        return queryset.filter(standing=self.value()) if self.value() else queryset


class RepairedFilter(admin.SimpleListFilter):
    title = "repaired on the way in"
    parameter_name = "repaired"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Yes"), ("no", "No")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Transaction]) -> QuerySet[Transaction]:
        if self.value() is None:
            return queryset
        return queryset.filter(repairs=[]) if self.value() == "no" else queryset.exclude(repairs=[])


@admin.register(Transaction)
class TransactionAdmin(LedgerAdmin):
    """Every version of every row, and how it stands."""

    list_display = ("date", "account", "type", "subtype", "security", "quantity", "amount", "version", "standing")
    list_filter = (StandingFilter, "source", "type", RepairedFilter)
    list_select_related = ("account", "security")
    search_fields = ("external_id", "name", "security__ticker_symbol", "account__name", "owner__email")
    date_hierarchy = "date"
    readonly_fields = ("standing",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Transaction]:
        superseded = Exists(Transaction.objects.filter(supersedes=OuterRef("pk")))
        standing = Case(
            When(superseded, then=Value("superseded")),
            When(is_void=True, then=Value("void")),
            default=Value("current"),
            output_field=CharField(),
        )
        return super().get_queryset(request).annotate(standing=standing)

    @admin.display(ordering="standing")
    def standing(self, transaction: Any) -> str:
        return str(transaction.standing)


class CorporateActionForm(forms.ModelForm):
    class Meta:
        model = CorporateAction
        fields = ("security", "kind", "ex_date", "ratio", "cash_per_unit", "pay_date")

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if values.get("kind") == CorporateAction.Kind.SPLIT and (values.get("ratio") or 0) <= 0:
            self.add_error("ratio", "A split needs a ratio above zero: 2 for 2-for-1, 0.125 for 1-for-8.")
        return values


@admin.register(CorporateAction)
class CorporateActionAdmin(admin.ModelAdmin):
    """What an operator enters here no provider overwrites; accounts concerned are rebuilt."""

    form = CorporateActionForm
    list_display = ("security", "kind", "ex_date", "ratio", "cash_per_unit", "source")
    list_filter = ("kind", "source")
    search_fields = ("security__ticker_symbol", "security__name")
    autocomplete_fields = ("security",)
    list_select_related = ("security",)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("security", "kind", "ex_date") if obj else ()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: CorporateAction, form: Any, change: bool) -> None:
        entry = CorporateActionEntry(obj.kind, obj.ex_date, obj.ratio, obj.cash_per_unit, obj.pay_date)
        ledger.record_corporate_actions(security_ids=[obj.security_id], actions=[entry], source=OPERATOR)
        obj.pk = CorporateAction.objects.get(security=obj.security_id, kind=obj.kind, ex_date=obj.ex_date).pk

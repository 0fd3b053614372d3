"""Where operators look into the ledger. What sources wrote is read here; corrections go through the ledger."""

from typing import Any

from django.contrib import admin
from django.db.models import Case, CharField, Exists, OuterRef, QuerySet, Value, When
from django.http import HttpRequest

from investments.models import (
    Account,
    CorporateAction,
    Holding,
    IdenticalSecurity,
    Institution,
    LotPick,
    OwnerLots,
    RealizedLot,
    Security,
    TaxLot,
    Transaction,
    WashSale,
)
from portfolio_site.lib.machine_written import EmptyListFilter, ReadOnlyAdmin


@admin.register(Institution)
class InstitutionAdmin(ReadOnlyAdmin):
    list_display = ("name", "external_id", "url")
    search_fields = ("name", "external_id")


@admin.register(Security)
class SecurityAdmin(ReadOnlyAdmin):
    list_display = ("ticker_symbol", "name", "type", "subtype", "close_price", "close_price_as_of", "source")
    list_filter = ("type", "source", "is_cash_equivalent")
    search_fields = ("ticker_symbol", "name", "cusip", "isin", "external_id")


@admin.register(Account)
class AccountAdmin(ReadOnlyAdmin):
    list_display = ("name", "mask", "owner", "institution", "subtype", "sync_state", "synced_at", "ledger_version")
    list_filter = ("sync_state", "source", "type", "institution")
    list_select_related = ("owner", "institution")
    search_fields = ("name", "external_id", "=owner__email")


@admin.register(Holding)
class HoldingAdmin(ReadOnlyAdmin):
    list_display = ("security", "account", "owner", "quantity", "institution_value", "market_value", "removed_at")
    list_filter = ("data_source", ("removed_at", admin.EmptyFieldListFilter), "security__type")
    list_select_related = ("security", "account", "owner")
    search_fields = ("security__ticker_symbol", "security__name", "account__name", "=owner__email")


class StandingFilter(admin.SimpleListFilter):
    title = "standing"
    parameter_name = "standing"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("current", "Current"), ("superseded", "Superseded"), ("void", "Void")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Transaction]) -> QuerySet[Transaction]:
        return queryset.filter(standing=self.value()) if self.value() else queryset


class RepairedFilter(EmptyListFilter):
    title = "repaired on the way in"
    parameter_name = "repaired"
    column = "repairs"
    answers = ("Yes", "No")


@admin.register(Transaction)
class TransactionAdmin(ReadOnlyAdmin):
    """Every version of every row, and how it stands."""

    list_display = ("date", "account", "type", "subtype", "security", "quantity", "amount", "version", "standing")
    list_filter = (StandingFilter, "source", "type", RepairedFilter)
    list_select_related = ("account", "security")
    search_fields = ("external_id", "name", "security__ticker_symbol", "account__name", "=owner__email")
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


@admin.register(CorporateAction)
class CorporateActionAdmin(ReadOnlyAdmin):
    """What operators add, correct or void goes through the corrections of market data, with its reason."""

    list_display = ("security", "kind", "ex_date", "ratio", "cash_per_unit", "successor", "source", "voided_at")
    list_filter = ("kind", "source", ("voided_at", admin.EmptyFieldListFilter))
    search_fields = ("security__ticker_symbol", "security__name")
    list_select_related = ("security", "successor")


@admin.register(TaxLot)
class TaxLotAdmin(ReadOnlyAdmin):
    list_display = ("security", "account", "owner", "opened", "quantity", "cost", "added")
    list_select_related = ("security", "account", "owner")
    search_fields = ("security__ticker_symbol", "account__name", "=owner__email")


@admin.register(RealizedLot)
class RealizedLotAdmin(ReadOnlyAdmin):
    list_display = ("security", "account", "owner", "acquired", "closed", "quantity", "proceeds", "basis", "disallowed")
    list_filter = ("is_long_term", "is_short")
    list_select_related = ("security", "account", "owner")
    search_fields = ("security__ticker_symbol", "account__name", "=owner__email")
    date_hierarchy = "closed"


@admin.register(WashSale)
class WashSaleAdmin(ReadOnlyAdmin):
    list_display = ("security", "account", "owner", "sold_on", "bought_on", "quantity", "amount", "is_permanent")
    list_select_related = ("security", "account", "owner")
    search_fields = ("security__ticker_symbol", "account__name", "=owner__email")


@admin.register(LotPick)
class LotPickAdmin(ReadOnlyAdmin):
    list_display = ("owner", "account", "sale", "opened_by", "quantity")
    list_select_related = ("owner", "account", "sale", "opened_by")
    search_fields = ("account__name", "=owner__email")


@admin.register(IdenticalSecurity)
class IdenticalSecurityAdmin(ReadOnlyAdmin):
    list_display = ("owner", "group", "security")
    list_select_related = ("owner", "group", "security")
    search_fields = ("=owner__email", "group__name", "security__ticker_symbol")


@admin.register(OwnerLots)
class OwnerLotsAdmin(ReadOnlyAdmin):
    """Whose lots follow their ledger, and what went wrong where they do not."""

    list_display = ("owner", "processed_version", "tried_version", "computed_at", "error")
    list_filter = (("error", admin.EmptyFieldListFilter),)
    list_select_related = ("owner",)
    search_fields = ("=owner__email", "error")

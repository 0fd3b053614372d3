"""Where operators look after symbols, prices and histories."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import mark_safe

from history import claims
from history.models import AccountHistory, Anomaly, FxRate, MarketSymbol, Price, SecurityMapping, SymbolAction

RECENT = 10


class ReadOnlyAdmin(admin.ModelAdmin):
    """For rows that only the machinery writes."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class SymbolActionInline(admin.TabularInline):
    model = SymbolAction
    extra = 0
    can_delete = False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(MarketSymbol)
class MarketSymbolAdmin(admin.ModelAdmin):
    list_display = ("symbol", "exchange", "kind", "currency", "active", "priced_from", "priced_to", "securities")
    list_filter = ("kind", "active", "currency")
    search_fields = ("symbol",)
    readonly_fields = ("priced_from", "priced_to", "claimed_until", "recent_closes")
    inlines = (SymbolActionInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[MarketSymbol]:
        return super().get_queryset(request).annotate(securities=Count("mappings"))

    @admin.display(ordering="securities")
    def securities(self, symbol: Any) -> int:
        """How many securities it prices."""
        count: int = symbol.securities
        return count

    @admin.display(description="Recent closes, as traded")
    def recent_closes(self, symbol: MarketSymbol) -> str:
        """Prices have a key of two columns, which the admin has no pages for; `load_prices` corrects them."""
        recent = Price.objects.filter(symbol=symbol).order_by("-day")[:RECENT]
        rows = ((price.day, f"{price.close.normalize():f}", price.source) for price in recent)
        return format_html_join(mark_safe("<br>"), "{} {} ({})", rows) or "-"


@admin.register(SecurityMapping)
class SecurityMappingAdmin(admin.ModelAdmin):
    list_display = ("security", "symbol", "method", "confidence", "mapped_at")
    list_filter = ("method",)
    list_select_related = ("security", "symbol")
    search_fields = ("security__ticker_symbol", "security__name", "symbol__symbol")
    raw_id_fields = ("security", "symbol")


@admin.register(FxRate)
class FxRateAdmin(admin.ModelAdmin):
    list_display = ("base", "quote", "day", "rate", "source")
    list_filter = ("base", "quote")
    date_hierarchy = "day"


@admin.register(AccountHistory)
class AccountHistoryAdmin(ReadOnlyAdmin):
    list_display = ("account", "owner", "state", "progress", "quality", "first_day", "last_day", "attempts", "error")
    list_filter = ("state",)
    list_select_related = ("account", "owner")
    search_fields = ("account__name", "owner__email", "error")
    actions = ("rebuild",)

    @admin.action(description="Rebuild from the ledger")
    def rebuild(self, request: HttpRequest, histories: QuerySet[AccountHistory]) -> None:
        count = claims.restart(account_ids=histories.values_list("pk", flat=True))
        self.message_user(request, f"{count} histories will be rebuilt within a minute.", messages.SUCCESS)


@admin.register(Anomaly)
class AnomalyAdmin(ReadOnlyAdmin):
    list_display = ("account", "owner", "kind", "security", "day", "size")
    list_filter = ("kind",)
    list_select_related = ("account", "owner", "security")
    search_fields = ("account__name", "owner__email", "security__ticker_symbol")
    date_hierarchy = "day"

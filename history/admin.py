"""Where operators look after symbols, prices and histories."""

from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import mark_safe

from history import admin_corrections, admin_mapping, admin_spin_offs, claims  # noqa: F401 -- registers
from history.models import (
    AccountHistory,
    Anomaly,
    BenchmarkSector,
    FxRate,
    MarketSymbol,
    Price,
    ProviderUsage,
    SecurityMapping,
    SnapshotRun,
    SnapshotShard,
    StoreUsage,
    SymbolAction,
)
from history.providers import REGISTRY
from history.providers.resilience import is_open
from history.snapshots import open_run
from history.tasks import enqueue_backfill, enqueue_snapshot
from portfolio_site.lib.confirmed import confirmed_action
from portfolio_site.lib.machine_written import ReadOnlyAdmin, ReadOnlyInline

RECENT = 10


class SymbolActionInline(ReadOnlyInline):
    model = SymbolAction


@admin.register(MarketSymbol)
class MarketSymbolAdmin(admin.ModelAdmin):
    list_display = ("symbol", "exchange", "kind", "currency", "active", "priced_from", "priced_to", "securities")
    list_filter = ("kind", "active", "currency")
    search_fields = ("symbol",)
    readonly_fields = ("priced_from", "priced_to", "claimed_until", "recent_closes")
    inlines = (SymbolActionInline,)
    actions = ("fetch_missing",)

    @confirmed_action(
        "Fetch missing prices",
        explains="Providers are asked for the days of the last two years that nobody was asked for yet.",
    )
    def fetch_missing(self, request: HttpRequest, symbols: QuerySet[MarketSymbol]) -> str:
        ids = list(symbols.order_by("pk").values_list("pk", flat=True))
        transaction.on_commit(lambda: enqueue_backfill(ids))
        return f"{len(ids)} symbols are asked for now; the histories that change are rebuilt."

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


@admin.register(BenchmarkSector)
class BenchmarkSectorAdmin(admin.ModelAdmin):
    """The sector weights of an index, as its provider publishes them: what Brinson's attribution stands on."""

    list_display = ("benchmark", "since", "sector", "weight", "proxy")
    list_filter = ("benchmark", "since")


@admin.register(ProviderUsage)
class ProviderUsageAdmin(ReadOnlyAdmin):
    """What was asked and spent, and what may be; the licence says what may be shown to whom."""

    list_display = ("day", "provider", "calls", "failed", "rejected", "cost", "budget", "answers", "licence")
    list_filter = ("provider",)
    date_hierarchy = "day"

    @admin.display(description="Budget of the day")
    def budget(self, usage: ProviderUsage) -> str:
        """Of all providers together."""
        return f"${settings.PROVIDER_DAILY_BUDGET}" if settings.PROVIDER_DAILY_BUDGET else "no limit"

    @admin.display(description="Asked now", boolean=True)
    def answers(self, usage: ProviderUsage) -> bool | None:
        """No: it has failed three times in a row and is left alone for a minute. Unknown for days that are over."""
        return not is_open(usage.provider) if usage.day == timezone.now().date() else None

    @admin.display
    def licence(self, usage: ProviderUsage) -> str:
        """The provider's terms in a line."""
        return str(getattr(REGISTRY.get(usage.provider), "licence", ""))


@admin.register(StoreUsage)
class StoreUsageAdmin(ReadOnlyAdmin):
    list_display = ("day", "wanted", "fetched", "hit_rate")
    date_hierarchy = "day"

    @admin.display(description="Known already")
    def hit_rate(self, usage: StoreUsage) -> str:
        """The share of prices that cost nothing."""
        return f"{1 - usage.fetched / usage.wanted:.2%}" if usage.wanted else "-"


@admin.register(AccountHistory)
class AccountHistoryAdmin(ReadOnlyAdmin):
    list_display = ("account", "owner", "state", "progress", "quality", "first_day", "last_day", "attempts", "error")
    list_filter = ("state",)
    list_select_related = ("account", "owner")
    search_fields = ("account__name", "=owner__email", "error")
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
    search_fields = ("account__name", "=owner__email", "security__ticker_symbol")
    date_hierarchy = "day"


class SnapshotShardInline(ReadOnlyInline):
    model = SnapshotShard
    fields = ("number", "first_account", "last_account", "state", "rows", "changed", "left", "seconds", "error")


@admin.register(SnapshotRun)
class SnapshotRunAdmin(ReadOnlyAdmin):
    list_display = (
        "day", "state", "trigger", "rows", "changed", "left", "unconverted", "missing_prices", "duration_seconds",
        "finished_at", "runs", "error",
    )  # fmt: skip
    list_filter = ("state", "trigger")
    date_hierarchy = "day"
    inlines = (SnapshotShardInline,)
    actions = ("run_again",)

    @admin.action(description="Run these days again")
    def run_again(self, request: HttpRequest, runs: QuerySet[SnapshotRun]) -> None:
        again = [open_run(day=run.day, trigger=SnapshotRun.Trigger.OPERATOR).pk for run in runs.order_by("day")]
        transaction.on_commit(lambda: [enqueue_snapshot(run_id) for run_id in again])
        self.message_user(request, f"{len(again)} days will be run again within a minute.", messages.SUCCESS)

"""Where operators see how connections stand, and set them going again. Tokens are never shown."""

from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest

from plaid_link import tasks
from plaid_link.models import Item, LinkedAccount, SyncRun


class ReadOnlyAdmin(admin.ModelAdmin):
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class LinkedAccountInline(admin.TabularInline):
    model = LinkedAccount
    fields = ("account", "owner")
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Item)
class ItemAdmin(ReadOnlyAdmin):
    list_display = ("item_id", "institution", "owner", "status", "error_code", "last_synced_at", "next_try_at")
    list_filter = ("status", "error_code", "institution")
    list_select_related = ("institution", "owner")
    search_fields = ("item_id", "owner__email", "institution__name")
    exclude = ("access_token_encrypted",)
    inlines = (LinkedAccountInline,)
    actions = ("sync_now", "disconnect")

    # Admin actions ask for the right to view; the rows themselves are written by the machinery.
    @admin.action(description="Sync now", permissions=["view"])
    def sync_now(self, request: HttpRequest, queryset: QuerySet[Item]) -> None:
        items = list(queryset.connected().values_list("pk", flat=True))
        for item_id in items:
            transaction.on_commit(partial(tasks.sync_item.delay, item_id, SyncRun.Trigger.OPERATOR), robust=True)
        self.message_user(request, f"{len(items)} items queued.", messages.SUCCESS)

    @admin.action(description="Disconnect, keep the data", permissions=["view"])
    def disconnect(self, request: HttpRequest, queryset: QuerySet[Item]) -> None:
        items = list(queryset.connected().values_list("pk", flat=True))
        for item_id in items:
            transaction.on_commit(partial(tasks.remove_item.delay, item_id), robust=True)
        self.message_user(request, f"{len(items)} items are being disconnected.", messages.SUCCESS)


class FindingsFilter(admin.SimpleListFilter):
    title = "findings"
    parameter_name = "findings"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("some", "Some"), ("none", "None")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[SyncRun]) -> QuerySet[SyncRun]:
        if self.value() is None:
            return queryset
        return queryset.filter(findings=[]) if self.value() == "none" else queryset.exclude(findings=[])


@admin.register(SyncRun)
class SyncRunAdmin(ReadOnlyAdmin):
    list_display = (
        "started_at",
        "item",
        "owner",
        "trigger",
        "state",
        "securities",
        "holdings",
        "transactions",
        "error_code",
        "seconds",
    )
    list_filter = ("state", "trigger", "error_code", FindingsFilter)
    list_select_related = ("item__institution", "owner")
    search_fields = ("item__item_id", "owner__email")
    date_hierarchy = "started_at"

    @admin.display(description="Seconds")
    def seconds(self, run: SyncRun) -> str:
        return f"{(run.finished_at - run.started_at).total_seconds():.1f}" if run.finished_at else ""

"""Where operators see how connections stand, and set them going again. Tokens are never shown."""

import json
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.html import format_html

from plaid_link import tasks
from plaid_link.models import Item, LinkedAccount, SyncRun, WebhookEvent
from plaid_link.webhooks.metrics import webhook_metrics
from plaid_link.webhooks.replay import replay
from portfolio_site.lib.queues import send_on_commit


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
            send_on_commit(tasks.sync_item, item_id, SyncRun.Trigger.OPERATOR)
        self.message_user(request, f"{len(items)} items queued.", messages.SUCCESS)

    @admin.action(description="Disconnect, keep the data", permissions=["view"])
    def disconnect(self, request: HttpRequest, queryset: QuerySet[Item]) -> None:
        items = list(queryset.connected().values_list("pk", flat=True))
        for item_id in items:
            send_on_commit(tasks.remove_item, item_id)
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


@admin.register(WebhookEvent)
class WebhookEventAdmin(ReadOnlyAdmin):
    list_display = (
        "received_at",
        "webhook_type",
        "webhook_code",
        "item_external_id",
        "status",
        "attempts",
        "duration_ms",
        "error",
        "replay_of",
    )
    list_filter = ("status", "webhook_type", "webhook_code", "environment", "received_at")
    list_select_related = ("replay_of",)
    search_fields = ("item_external_id", "id")
    date_hierarchy = "received_at"
    exclude = ("payload",)
    readonly_fields = ("pretty_payload",)
    actions = ("replay_events",)
    change_list_template = "admin/plaid_link/webhookevent/change_list.html"

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().changelist_view(request, {"metrics": webhook_metrics(), **(extra_context or {})})

    @admin.display(description="Payload")
    def pretty_payload(self, event: WebhookEvent) -> str:
        return format_html("<pre>{}</pre>", json.dumps(event.payload, indent=2, ensure_ascii=False))

    @admin.action(description="Replay: handle again", permissions=["view"])
    def replay_events(self, request: HttpRequest, queryset: QuerySet[WebhookEvent]) -> HttpResponse | None:
        """Asks first; then each event is queued anew, and the admin's log says by whom."""
        if "confirmed" not in request.POST:
            context = {
                **self.admin_site.each_context(request),
                "title": "Replay webhooks",
                "opts": self.opts,
                "events": queryset,
                "checkbox": admin.helpers.ACTION_CHECKBOX_NAME,
            }
            return TemplateResponse(request, "admin/plaid_link/webhookevent/replay.html", context)
        events = list(queryset.order_by("id"))
        queued = replay(events)
        for event in events:
            self.log_change(request, event, "Replayed")
        self.message_user(request, f"{queued} webhooks are handled again.", messages.SUCCESS)
        return None

"""Where operators see how connections stand, and set them going again. Tokens are never shown."""

import json
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html

from plaid_link import health, link, tasks
from plaid_link.models import Item, LinkedAccount, SyncRun, UnplacedAccount, WebhookEvent
from plaid_link.webhooks.metrics import webhook_metrics
from plaid_link.webhooks.replay import replay
from portfolio_site.lib.confirmed import confirmed_action
from portfolio_site.lib.machine_written import EmptyListFilter, ReadOnlyAdmin, ReadOnlyInline
from portfolio_site.lib.queues import send_on_commit


class UnplacedAccountInline(ReadOnlyInline):
    model = UnplacedAccount
    fields = ("external_id", "name", "mask", "subtype", "candidates", "same_as", "asked_at")


class LinkedAccountInline(ReadOnlyInline):
    model = LinkedAccount
    fields = ("account", "owner")


@admin.register(Item)
class ItemAdmin(ReadOnlyAdmin):
    list_display = ("item_id", "institution", "owner", "status", "error_code", "last_synced_at", "next_try_at")
    list_filter = ("status", "error_code", "institution")
    list_select_related = ("institution", "owner")
    search_fields = ("item_id", "=owner__email", "institution__name")
    exclude = ("access_token_encrypted",)
    inlines = (LinkedAccountInline, UnplacedAccountInline)
    actions = ("sync_now", "ask_for_sign_in", "disconnect")

    @confirmed_action("Sync now", explains="Each is read at once, from 30 days before its last good sync.")
    def sync_now(self, request: HttpRequest, queryset: QuerySet[Item]) -> str:
        items = list(queryset.connected().values_list("pk", flat=True))
        asked_at = timezone.now().isoformat()
        for item_id in items:
            send_on_commit(tasks.sync_item, item_id, SyncRun.Trigger.OPERATOR, asked_at)
        return f"{len(items)} items queued."

    @confirmed_action(
        "Mark for re-auth",
        explains="Their users are asked to sign in at the institution again. A good sync or a new sign-in clears it.",
    )
    def ask_for_sign_in(self, request: HttpRequest, queryset: QuerySet[Item]) -> str:
        items = list(queryset.connected())
        for item in items:
            health.report(item=item, code="ITEM_LOGIN_REQUIRED")
        return f"{len(items)} users are asked to sign in again."

    @confirmed_action(
        "Disconnect, keep the data",
        explains="Nothing is read from them any more, and Plaid forgets them. What was read stays as it is.",
    )
    def disconnect(self, request: HttpRequest, queryset: QuerySet[Item]) -> str:
        items = list(queryset.connected())
        for item in items:
            link.disconnect(item=item, erase=False)
            send_on_commit(tasks.remove_item, item.pk)
        return f"{len(items)} items are being disconnected."


class FindingsFilter(EmptyListFilter):
    title = "findings"
    parameter_name = "findings"
    column = "findings"


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
    search_fields = ("item__item_id", "=owner__email")
    date_hierarchy = "started_at"
    actions = ("read_again",)

    @confirmed_action(
        "Read again",
        explains="The same days of the same items are read once more. The same answer again writes nothing.",
    )
    def read_again(self, request: HttpRequest, queryset: QuerySet[SyncRun]) -> str:
        runs = list(queryset.values_list("pk", flat=True))
        for run_id in runs:
            send_on_commit(tasks.read_again, run_id)
        return f"{len(runs)} runs queued."

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

    @confirmed_action(
        "Replay: handle again",
        explains="Each is handled once more as a new event. What it asks for is done anew; nothing is doubled by it. "
        "Events that still wait are left alone.",
    )
    def replay_events(self, request: HttpRequest, queryset: QuerySet[WebhookEvent]) -> str:
        return f"{replay(list(queryset.order_by('id')))} webhooks are handled again."

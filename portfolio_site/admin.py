"""Users, what they agreed to, proofs of deletion, and the audit trail. Operators read; nobody changes the trail."""

import json
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html

from portfolio_site.lib.confirmed import confirmed_action
from portfolio_site.lib.machine_written import ReadOnlyAdmin
from portfolio_site.models import AuditEntry, Consent, DeletionProof, Job, User


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    list_display = ("at", "operation", "table_name", "row_id", "actor_id", "subject_id", "role", "request_id")
    list_filter = ("table_name", "operation", "role")
    search_fields = ("=row_id", "=request_id", "=actor_id", "=subject_id")
    fields = (
        "at",
        "operation",
        "table_name",
        "row_id",
        "actor_id",
        "subject_id",
        "role",
        "request_id",
        "was",
        "became",
    )
    readonly_fields = fields
    show_full_result_count = False

    @admin.display(description="Old")
    def was(self, entry: AuditEntry) -> str:
        return _shown(entry.old)

    @admin.display(description="New")
    def became(self, entry: AuditEntry) -> str:
        return _shown(entry.new)


def _shown(values: Any) -> str:
    return format_html("<pre>{}</pre>", json.dumps(values, indent=1)) if values else "-"


@admin.register(User)
class UserAdmin(ReadOnlyAdmin):
    list_display = ("email", "is_active", "is_staff", "date_joined", "last_login", "deletion_requested_at")
    list_filter = ("is_active", "is_staff", "deletion_requested_at")
    search_fields = ("=email",)
    fields = (
        "email", "first_name", "is_active", "is_staff", "base_currency", "time_zone", "date_joined", "last_login",
        "deletion_requested_at",
    )  # fmt: skip
    actions = ("give_back",)

    @confirmed_action(
        "Give the account back", explains="These people can sign in again, and are not deleted. They link anew."
    )
    def give_back(self, request: HttpRequest, queryset: QuerySet[User]) -> str:
        from portfolio_site import privacy

        restored = sum(privacy.restore(pk) for pk in queryset.values_list("pk", flat=True))
        return f"{restored} given back."


@admin.register(Consent)
class ConsentAdmin(ReadOnlyAdmin):
    list_display = ("owner", "document", "version", "given_at")
    list_filter = ("document", "version")
    search_fields = ("=owner__email",)


@admin.register(DeletionProof)
class DeletionProofAdmin(ReadOnlyAdmin):
    list_display = ("user_id", "requested_at", "deleted_at", "email_digest")
    search_fields = ("=user_id", "=email_digest")


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "kind", "owner", "state", "progress", "error", "finished_at")
    list_filter = ("kind", "state")
    search_fields = ("=id", "=owner__email")

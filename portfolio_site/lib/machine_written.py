"""The admin of rows that only the machinery writes: operators look at them and act on them, and change none by hand."""

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # no generic while it runs
    """Rows are listed and shown; what may be done to them is an action of its own."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReadOnlyInline(admin.TabularInline):  # type: ignore[type-arg]
    """Rows that belong to the one that is shown, below it."""

    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class EmptyListFilter(admin.SimpleListFilter):
    """Whether a column that holds a JSON list has anything in it; a subclass names the column and the two answers."""

    column: ClassVar[str]
    answers: ClassVar[tuple[str, str]] = ("Some", "None")

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(answer.lower(), answer) for answer in self.answers]

    def queryset(self, request: HttpRequest, queryset: "QuerySet[Any]") -> "QuerySet[Any]":
        if self.value() is None:
            return queryset
        some, _ = self.lookups(request, None)
        empty: dict[str, list[Any]] = {self.column: []}
        return queryset.exclude(**empty) if self.value() == some[0] else queryset.filter(**empty)

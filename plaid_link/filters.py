"""Which connections are looked at."""

from typing import Any

import django_filters
from django.db.models import QuerySet

from investments.filters import ACCOUNT_LABEL, SOURCE_LABEL, AccountsFilter, SourceFilter
from plaid_link.models import Item


class ItemFilter(django_filters.FilterSet):
    filter_account = AccountsFilter(field_name="linked_accounts__account", label=ACCOUNT_LABEL)
    source_filter = SourceFilter(field_name="linked_accounts__account__source", label=SOURCE_LABEL)

    class Meta:
        model = Item
        fields: list[str] = []

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Each item once, however many of its accounts are meant."""
        return super().filter_queryset(queryset).distinct()

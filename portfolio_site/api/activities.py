"""`GET /api/portfolio/activities`: what happened in the caller's accounts, of whatever kind, as one feed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC
from heapq import merge
from typing import Any

from django.db.models import CharField, DateTimeField, ExpressionWrapper, F, Q, QuerySet, Value
from django.db.models.functions import Cast, Coalesce
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from investments.api.transactions import EXAMPLE, TransactionSerializer
from investments.filters import FIRST_ID, LAST_ID, SOURCE_FILTERS, selected_accounts
from investments.models import Transaction
from plaid_link.models import SyncRun
from portfolio_site.lib.queries import Query

ORDER = ("-at", "-stream", "-pk")
DIVIDENDS = ("dividend", "qualified dividend", "non-qualified dividend", "dividend reinvestment")
KINDS = ("transaction", "dividend", "sync")
SYNC = {
    "item_id": "BVRwjGXq5ps6ENPKXnmEiX4kLWJ1bzTkb7Rb9",
    "institution": "Fidelity",
    "trigger": "webhook",
    "state": "succeeded",
    "securities": 1,
    "holdings": 3,
    "transactions": 2,
    "error": "",
}
PAGE = {
    "items": [
        {"kind": "sync", "at": "2026-11-20T21:15:02Z", "transaction": None, "sync": SYNC},
        {"kind": "transaction", "at": "2026-10-05T00:00:00Z", "transaction": EXAMPLE, "sync": None},
    ],
    "next_cursor": None,
    "has_more": False,
    "total_count": 2,
}


@dataclass(frozen=True, slots=True)
class Feed:
    """Several querysets, each with `at` and `stream`, read as one list; as much of a queryset as pages need."""

    streams: Sequence["QuerySet[Any]"]

    @property
    def query(self) -> Any:
        return self.streams[0].query

    def count(self) -> int:
        return sum(stream.count() for stream in self.streams)

    def order_by(self, *terms: str) -> "Feed":
        return Feed([stream.order_by(*terms) for stream in self.streams])

    def filter(self, condition: Q) -> "Feed":
        return Feed([stream.filter(condition) for stream in self.streams])

    def __getitem__(self, page: slice) -> list[Any]:
        """The first rows of all streams together: as many of each are enough."""
        rows = merge(*(stream[page] for stream in self.streams), key=_place, reverse=True)
        return list(rows)[page]


def _place(row: Any) -> tuple[Any, str, int]:
    return row.at, row.stream, row.pk


class ActivityQuery(Query):
    filter_account = serializers.ListField(
        child=serializers.IntegerField(min_value=FIRST_ID, max_value=LAST_ID),
        required=False,
        help_text="An account id; repeat it for several. An id that is not yours answers 404.",
    )
    source_filter = serializers.ChoiceField(choices=SOURCE_FILTERS, default="all")
    kind = serializers.ChoiceField(choices=KINDS, required=False, help_text="Only these.")


class SyncSerializer(serializers.ModelSerializer[SyncRun]):
    item_id = serializers.CharField(source="item.item_id")
    institution = serializers.CharField(source="item.institution.name")

    class Meta:
        model = SyncRun
        fields = list(SYNC)
        read_only_fields = fields


class ActivitySerializer(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=KINDS)
    at = serializers.DateTimeField(help_text="Of a transaction without a time: the beginning of its day, UTC.")
    transaction = TransactionSerializer(allow_null=True)
    sync = SyncSerializer(allow_null=True)

    def to_representation(self, row: Any) -> dict[str, Any]:
        booked = isinstance(row, Transaction)
        kind = ("dividend" if row.subtype.lower() in DIVIDENDS else "transaction") if booked else "sync"
        at = serializers.DateTimeField(default_timezone=UTC).to_representation(row.at)
        return {
            "kind": kind,
            "at": at,
            "transaction": TransactionSerializer(row).data if booked else None,
            "sync": None if booked else SyncSerializer(row).data,
        }


class ActivityPageSerializer(serializers.Serializer[Any]):
    items = ActivitySerializer(many=True)
    next_cursor = serializers.CharField(allow_null=True)
    has_more = serializers.BooleanField()
    total_count = serializers.IntegerField(required=False, help_text="Left out with `count=false`.")


class ActivitiesView(generics.GenericAPIView[Any]):
    serializer_class = ActivitySerializer
    queryset = Transaction.objects.none()
    filter_backends = ()
    asked_as_list = True

    @extend_schema(
        tags=["portfolio"],
        operation_id="portfolio_activities",
        summary="What happened",
        parameters=[ActivityQuery],
        responses=ActivityPageSerializer,
        examples=[OpenApiExample("A sync, and a purchase before it", value=PAGE)],
    )
    def get(self, request: Request) -> Response:
        """Transactions, dividends and syncs as one feed, newest first."""
        query = ActivityQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        asked: dict[str, Any] = query.validated_data
        accounts = selected_accounts(
            user_id=request.user.pk, account_ids=asked.get("filter_account"), source=asked["source_filter"]
        )
        streams = [_booked(accounts, asked.get("kind"))] if asked.get("kind") != "sync" else []
        streams += [_syncs(request.user, accounts)] if asked.get("kind", "sync") == "sync" else []
        page: Any = self.paginate_queryset(Feed(streams).order_by(*ORDER))  # type: ignore[arg-type]
        return self.get_paginated_response(ActivitySerializer(page, many=True).data)


def _booked(accounts: Sequence[int], kind: str | None) -> "QuerySet[Any]":
    day = Cast("date", DateTimeField())
    rows = Transaction.objects.current().filter(account__in=accounts).select_related("account", "security")
    paid = Q(subtype__in=DIVIDENDS)
    chosen = rows.filter(paid) if kind == "dividend" else rows.exclude(paid) if kind == "transaction" else rows
    at = ExpressionWrapper(Coalesce("executed_at", day), output_field=DateTimeField())
    return chosen.annotate(at=at, stream=Value("transaction", CharField()))


def _syncs(user: Any, accounts: Sequence[int]) -> "QuerySet[Any]":
    runs = SyncRun.objects.filter(owner=user, item__linked_accounts__account__in=accounts).distinct()
    return runs.select_related("item__institution").annotate(at=F("started_at"), stream=Value("sync", CharField()))

"""Shapes of the Plaid routes, for the schema and for connection status."""

from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from investments.models import Account
from plaid_link.health import advice
from plaid_link.models import Item

UPSERTS = {"securities": 10, "holdings": 24, "investment_transactions": 42}
CONNECTION = {
    "id": 5,
    "item_id": "BVRwjGXq5ps6ENPKXnmEiX4kLWJ1bzTkb7Rb9",
    "institution": "Fidelity",
    "status": "ok",
    "error_code": "",
    "message": "",
    "created_at": "2026-11-01T15:00:00Z",
    "last_synced_at": "2026-11-20T21:15:02Z",
    "next_try_at": None,
    "consent_expires_at": None,
    "refresh_allowed_at": None,
    "accounts": [
        {
            "id": 12,
            "name": "Brokerage",
            "official_name": "Individual Brokerage Account",
            "mask": "4821",
            "type": "investment",
            "subtype": "brokerage",
            "sync_state": "ok",
            "synced_at": "2026-11-20T21:15:02Z",
        }
    ],
    "questions": [],
}


def _answers(name: str, **body: Any) -> Any:
    """Shows `body` in the schema as what the route answers."""
    return extend_schema_serializer(examples=[OpenApiExample(name, value=body, status_codes=["200", "202"])])


class ErrorSerializer(serializers.Serializer[Any]):
    error = serializers.CharField()


class UserNamedSerializer(serializers.Serializer[Any]):
    user_id = serializers.IntegerField(min_value=1)


class LinkTokenRequestSerializer(UserNamedSerializer):
    item_id = serializers.CharField(
        required=False, allow_blank=True, help_text="The connection to repair, instead of a new one."
    )
    add_accounts = serializers.BooleanField(required=False, help_text="Let the user choose its accounts anew.")


@_answers("A link token", status="success", link_token="link-sandbox-af1a0311-da53-4636-b754-dd15cc058176")
class LinkTokenSerializer(serializers.Serializer[Any]):
    status = serializers.ChoiceField(choices=["success"])
    link_token = serializers.CharField()


class ExchangeRequestSerializer(UserNamedSerializer):
    public_token = serializers.CharField()


@_answers("Linked", status="success", item_id=CONNECTION["item_id"], job_id="0f8fad5b-d9cb-469f-a165-70867728950e")
class ExchangedSerializer(serializers.Serializer[Any]):
    status = serializers.ChoiceField(choices=["success"])
    item_id = serializers.CharField()
    job_id = serializers.UUIDField(help_text="Follow it at /api/jobs/{id}.")


@extend_schema_field(
    {"anyOf": [{"type": "string", "format": "date"}, {"type": "string", "maxLength": 0}, {"type": "null"}]}
)
class OptionalDay(serializers.DateField):
    """A day, or nothing in any way."""


class RangeRequestSerializer(serializers.Serializer[Any]):
    start_date = OptionalDay(required=False)
    end_date = OptionalDay(required=False)


class RefreshRequestSerializer(RangeRequestSerializer):
    user_id = serializers.IntegerField(min_value=1)
    item_id = serializers.CharField()


class UpsertsSerializer(serializers.Serializer[Any]):
    securities = serializers.IntegerField(min_value=0)
    holdings = serializers.IntegerField(min_value=0)
    investment_transactions = serializers.IntegerField(min_value=0)


@_answers("Rows changed", status="success", upserts=UPSERTS)
class RefreshedSerializer(serializers.Serializer[Any]):
    status = serializers.ChoiceField(choices=["success"])
    upserts = UpsertsSerializer()


class SummarySerializer(UpsertsSerializer):
    items = serializers.IntegerField(min_value=0, help_text="Items synced.")
    failed = serializers.IntegerField(min_value=1, required=False, help_text="Items skipped; left out when none was.")


class RangeSerializer(serializers.Serializer[Any]):
    start_date = serializers.DateField()
    end_date = serializers.DateField()


@_answers(
    "Three items",
    status="success",
    summary={**UPSERTS, "items": 3},
    range={"start_date": "2026-01-28", "end_date": "2026-02-27"},
)
class RefreshedAllSerializer(serializers.Serializer[Any]):
    status = serializers.ChoiceField(choices=["success"])
    summary = SummarySerializer()
    range = RangeSerializer()


@_answers("Queued", job_id="0f8fad5b-d9cb-469f-a165-70867728950e")
class JobStartedSerializer(serializers.Serializer[Any]):
    job_id = serializers.UUIDField(help_text="Follow it at /api/jobs/{id}.")


class ConnectedAccountSerializer(serializers.ModelSerializer[Account]):
    class Meta:
        model = Account
        fields = ["id", "name", "official_name", "mask", "type", "subtype", "sync_state", "synced_at"]
        read_only_fields = fields


class CandidateSerializer(serializers.ModelSerializer[Account]):
    class Meta:
        model = Account
        fields = ["id", "name", "official_name", "mask", "type", "subtype"]
        read_only_fields = fields


class QuestionSerializer(serializers.Serializer[Any]):
    """An account that the connection lists and that may be one of the candidates; nothing of it is written yet."""

    id = serializers.IntegerField(source="unplaced.pk", help_text="Answer at /api/portfolio/unplaced-accounts/{id}.")
    name = serializers.CharField(source="unplaced.name")
    official_name = serializers.CharField(source="unplaced.official_name")
    mask = serializers.CharField(source="unplaced.mask")
    type = serializers.CharField(source="unplaced.type")
    subtype = serializers.CharField(source="unplaced.subtype")
    asked_at = serializers.DateTimeField(source="unplaced.asked_at")
    candidates = CandidateSerializer(many=True)


@extend_schema_field(OpenApiTypes.INT)
class OwnAccountField(serializers.PrimaryKeyRelatedField[Account]):
    def get_queryset(self) -> QuerySet[Account]:
        return Account.objects.for_user(self.context["request"].user)


class PlaceAccountSerializer(serializers.Serializer[Any]):
    same_as = OwnAccountField(allow_null=True, help_text="One of the candidates; null for a new account.")


class ConnectionSerializer(serializers.ModelSerializer[Item]):
    """An item with its health. `message` is for the user, and empty when all is well."""

    institution = serializers.CharField(source="institution.name")
    message = serializers.SerializerMethodField()
    refresh_allowed_at = serializers.SerializerMethodField(help_text="When it may be refreshed again; null for now.")
    accounts = serializers.SerializerMethodField()
    questions = serializers.SerializerMethodField()

    class Meta:
        model = Item
        fields = [
            "id",
            "item_id",
            "institution",
            "status",
            "error_code",
            "message",
            "created_at",
            "last_synced_at",
            "next_try_at",
            "consent_expires_at",
            "refresh_allowed_at",
            "accounts",
            "questions",
        ]
        read_only_fields = fields

    def get_message(self, item: Item) -> str:
        return advice(item, timezone.now())

    def get_refresh_allowed_at(self, item: Item) -> datetime | None:
        return item.refresh_allowed_at(timezone.now())

    def get_accounts(self, item: Item) -> list[dict[str, Any]]:
        accounts = [linked.account for linked in item.linked_accounts.all()]
        return list(ConnectedAccountSerializer(accounts, many=True).data)

    @extend_schema_field(QuestionSerializer(many=True))
    def get_questions(self, item: Item) -> list[dict[str, Any]]:
        return list(QuestionSerializer(self.context["questions"].get(item.pk, []), many=True).data)


@_answers("One connection", mode="aggregation", data_sources=["plaid"], items=[CONNECTION])
class ConnectionStatusSerializer(serializers.Serializer[Any]):
    mode = serializers.ChoiceField(choices=["aggregation"])
    data_sources = serializers.ListField(child=serializers.CharField())
    items = ConnectionSerializer(many=True)

"""Shapes of the Plaid routes, for the schema and for connection status."""

from datetime import datetime
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
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
}


def _answers(name: str, **body: Any) -> Any:
    """Shows `body` in the schema as what the route answers."""
    return extend_schema_serializer(examples=[OpenApiExample(name, value=body, status_codes=["200", "202"])])


class ErrorSerializer(serializers.Serializer[Any]):
    error = serializers.CharField()


class UserNamedSerializer(serializers.Serializer[Any]):
    user_id = serializers.IntegerField(min_value=1)


class LinkTokenRequestSerializer(UserNamedSerializer):
    item_id = serializers.CharField(required=False, help_text="The connection to repair, instead of a new one.")


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


class RangeRequestSerializer(serializers.Serializer[Any]):
    start_date = serializers.DateField(required=False)
    end_date = serializers.DateField(required=False)


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


class ConnectionSerializer(serializers.ModelSerializer[Item]):
    """An item with its health. `message` is for the user, and empty when all is well."""

    institution = serializers.CharField(source="institution.name")
    message = serializers.SerializerMethodField()
    refresh_allowed_at = serializers.SerializerMethodField(help_text="When it may be refreshed again; null for now.")
    accounts = serializers.SerializerMethodField()

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
        ]
        read_only_fields = fields

    def get_message(self, item: Item) -> str:
        return advice(item, timezone.now())

    def get_refresh_allowed_at(self, item: Item) -> datetime | None:
        return item.refresh_allowed_at(timezone.now())

    def get_accounts(self, item: Item) -> list[dict[str, Any]]:
        accounts = [linked.account for linked in item.linked_accounts.all()]
        return list(ConnectedAccountSerializer(accounts, many=True).data)


@_answers("One connection", mode="aggregation", data_sources=["plaid"], items=[CONNECTION])
class ConnectionStatusSerializer(serializers.Serializer[Any]):
    mode = serializers.ChoiceField(choices=["aggregation"])
    data_sources = serializers.ListField(child=serializers.CharField())
    items = ConnectionSerializer(many=True)

"""Shapes of the Plaid routes, for the schema and for connection status."""

from typing import Any

from rest_framework import serializers

from investments.models import Account
from plaid_link.models import Item


class ErrorSerializer(serializers.Serializer[Any]):
    error = serializers.CharField()


class LinkTokenRequestSerializer(serializers.Serializer[Any]):
    user_id = serializers.IntegerField(min_value=1)


class LinkTokenSerializer(serializers.Serializer[Any]):
    status = serializers.ChoiceField(choices=["success"])
    link_token = serializers.CharField()


class ExchangeRequestSerializer(LinkTokenRequestSerializer):
    public_token = serializers.CharField()


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


class RefreshedSerializer(serializers.Serializer[Any]):
    status = serializers.ChoiceField(choices=["success"])
    upserts = UpsertsSerializer()


class SummarySerializer(UpsertsSerializer):
    items = serializers.IntegerField(min_value=0, help_text="Items synced.")
    failed = serializers.IntegerField(min_value=1, required=False, help_text="Items skipped; left out when none was.")


class RangeSerializer(serializers.Serializer[Any]):
    start_date = serializers.DateField()
    end_date = serializers.DateField()


class RefreshedAllSerializer(serializers.Serializer[Any]):
    status = serializers.ChoiceField(choices=["success"])
    summary = SummarySerializer()
    range = RangeSerializer()


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
    message = serializers.CharField(source="error_message")
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
            "accounts",
        ]
        read_only_fields = fields

    def get_accounts(self, item: Item) -> list[dict[str, Any]]:
        accounts = [linked.account for linked in item.linked_accounts.all()]
        return list(ConnectedAccountSerializer(accounts, many=True).data)


class ConnectionStatusSerializer(serializers.Serializer[Any]):
    mode = serializers.ChoiceField(choices=["aggregation"])
    data_sources = serializers.ListField(child=serializers.CharField())
    items = ConnectionSerializer(many=True)

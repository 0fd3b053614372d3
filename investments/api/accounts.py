"""`GET /api/investments/accounts`."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import mixins, serializers, viewsets

from investments.api.numbers import MoneyText
from investments.filters import AccountFilter
from investments.models import Account, Institution

INSTITUTION = {"id": 3, "name": "Fidelity", "url": "https://www.fidelity.com", "primary_color": "#2f8f4e"}
EXAMPLE = {
    "id": 12,
    "name": "Brokerage",
    "official_name": "Individual Brokerage Account",
    "mask": "4821",
    "type": "investment",
    "subtype": "brokerage",
    "currency": "USD",
    "source": "plaid",
    "institution": INSTITUTION,
    "balances": {"current": "152340.22", "available": "1043.10", "limit": None},
    "value": "152340.22",
    "uninvested_cash": "1043.10",
    "is_tax_advantaged": False,
    "lot_method": "fifo",
    "income_preference": "cash",
    "health": {
        "state": "ok",
        "label": "Up to date",
        "needs_attention": False,
        "synced_at": "2026-11-20T21:15:02Z",
    },
    "opened_at": "2026-11-01T15:00:00Z",
}


class InstitutionSerializer(serializers.ModelSerializer[Institution]):
    url = serializers.CharField(allow_blank=True)

    class Meta:
        model = Institution
        fields = ["id", "name", "url", "primary_color"]
        read_only_fields = fields


class BalancesSerializer(serializers.Serializer[Account]):
    """As the institution last said; null where it does not say."""

    current = MoneyText(source="balance_current", allow_null=True)
    available = MoneyText(source="balance_available", allow_null=True)
    limit = MoneyText(source="balance_limit", allow_null=True)


class AccountHealthSerializer(serializers.Serializer[Account]):
    state = serializers.ChoiceField(source="sync_state", choices=Account.SyncState.choices)
    label = serializers.CharField(source="get_sync_state_display", help_text="The state in words.")
    needs_attention = serializers.BooleanField(help_text="Whether only the owner can put it right.")
    synced_at = serializers.DateTimeField(allow_null=True, help_text="The last good sync.")


@extend_schema_serializer(examples=[OpenApiExample("A brokerage account", value=EXAMPLE)])
class AccountSerializer(serializers.ModelSerializer[Account]):
    institution = InstitutionSerializer()
    balances = BalancesSerializer(source="*")
    value = MoneyText(help_text="Holdings at their current value and cash, in the account's currency.")
    uninvested_cash = MoneyText(help_text="Cash that no holding carries.")
    is_tax_advantaged = serializers.BooleanField()
    lot_method = serializers.ChoiceField(choices=Account.LotMethod.choices)
    income_preference = serializers.ChoiceField(choices=Account.IncomePreference.choices)
    health = AccountHealthSerializer(source="*")

    class Meta:
        model = Account
        fields = list(EXAMPLE)
        read_only_fields = fields


@extend_schema(tags=["investments"], summary="Accounts")
class AccountViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[Account]):
    """Your open accounts with institution, balances, current value and the health of their source."""

    queryset = Account.objects.all()
    serializer_class = AccountSerializer
    filterset_class = AccountFilter

    def get_queryset(self) -> QuerySet[Account, Any]:
        accounts = Account.objects.for_user(self.request.user).open().with_value()
        return accounts.select_related("institution").order_by("institution__name", "name", "pk")

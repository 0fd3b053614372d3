"""`GET /api/investments/transactions`."""

from typing import Any

from django.db.models import QuerySet, Value
from django.db.models.functions import Coalesce
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import mixins, serializers, viewsets

from investments.api.numbers import MoneyText, QuantityText
from investments.api.securities import SECURITY, SecuritySerializer
from investments.filters import TransactionFilter
from investments.models import Transaction

EXAMPLE = {
    "id": 9314,
    "account_id": 12,
    "account_name": "Brokerage",
    "security": SECURITY,
    "external_id": "oq99Pz97joHQem4BNjXECev1E4B6L6sRzwANW",
    "type": "buy",
    "subtype": "buy",
    "date": "2026-10-05",
    "settles_on": "2026-10-06",
    "executed_at": None,
    "name": "BUY Apple Inc.",
    "quantity": "10",
    "price": "227.5",
    "amount": "2279.95",
    "fees": "4.95",
    "currency": "USD",
    "source": "plaid",
    "repairs": [],
    "version": 1,
    "is_correction": False,
    "is_void": False,
    "recorded_at": "2026-10-05T21:15:02Z",
}


@extend_schema_serializer(examples=[OpenApiExample("A purchase", value=EXAMPLE)])
class TransactionSerializer(serializers.ModelSerializer[Transaction]):
    account_name = serializers.CharField(source="account.name")
    security = SecuritySerializer(allow_null=True)
    quantity = QuantityText(help_text="Signed change of units; options in contracts.")
    price = QuantityText()
    amount = MoneyText(help_text="Above zero: cash left the account. Fees are included.")
    fees = MoneyText()
    repairs = serializers.ListField(child=serializers.CharField(), help_text="What was put right on the way in.")

    class Meta:
        model = Transaction
        fields = list(EXAMPLE)
        read_only_fields = fields


@extend_schema(tags=["investments"], summary="Transactions")
class TransactionViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[Transaction]):
    """The ledger as it stands, newest first: corrected and voided versions are left out."""

    queryset = Transaction.objects.all()
    serializer_class = TransactionSerializer
    filterset_class = TransactionFilter

    def get_queryset(self) -> QuerySet[Transaction, Any]:
        ledger = Transaction.objects.for_user(self.request.user).current().newest_first()
        # A cursor cannot follow a null, and rows of cash have no security.
        symbol = Coalesce("security__ticker_symbol", Value(""))
        return ledger.select_related("account", "security").annotate(symbol=symbol)

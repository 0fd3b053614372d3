"""`/api/v1/reconciliation`: where transactions and holdings part, and the opening balance that brings them together."""

from decimal import Decimal
from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from investments import reconcile
from investments.api.numbers import MoneyText, QuantityText
from investments.api.securities import SECURITY, SecuritySerializer
from investments.filters import FIRST_ID, LAST_ID
from investments.ledger import Refused
from investments.models import Transaction
from portfolio_site.lib.sessions import today

DIFFERENCE = {
    "account_id": 12,
    "account_name": "Brokerage",
    "security": SECURITY,
    "held": "90",
    "derived": "20",
    "difference": "70",
    "cause": "missing_transactions",
    "explanation": "Bought before the first transaction that the institution lists.",
    "opening": "70",
    "before": "2024-11-21",
    "cost": "900.00",
}
OPENING = {"account_id": 12, "security_id": 7, "quantity": "70", "date": "2023-03-01", "cost": "900.00"}


class DifferenceSerializer(serializers.Serializer[reconcile.Difference]):
    account_id = serializers.IntegerField(source="account.pk")
    account_name = serializers.CharField(source="account.name")
    security = SecuritySerializer()
    held = QuantityText(help_text="What the brokerage says.")
    derived = QuantityText(help_text="What the transactions come to.")
    difference = QuantityText()
    cause = serializers.ChoiceField(choices=reconcile.CAUSES)
    explanation = serializers.SerializerMethodField()
    opening = QuantityText(allow_null=True, help_text="Units of an opening balance that would explain it.")
    before = serializers.DateField(allow_null=True, help_text="The latest day of such an opening balance.")
    cost = MoneyText(allow_null=True, help_text="What the brokerage's basis leaves for it.")

    def get_explanation(self, difference: reconcile.Difference) -> str:
        return reconcile.describe(difference.cause)


class DifferencesSerializer(serializers.Serializer[Any]):
    items = DifferenceSerializer(many=True)


class OpeningSerializer(serializers.Serializer[Any]):
    """An opening balance: units that were there before the first transaction."""

    account_id = serializers.IntegerField(min_value=FIRST_ID, max_value=LAST_ID)
    security_id = serializers.IntegerField(min_value=FIRST_ID, max_value=LAST_ID)
    quantity = serializers.DecimalField(max_digits=30, decimal_places=12)
    date = serializers.DateField(help_text="When they were bought.")
    cost = serializers.DecimalField(
        max_digits=20, decimal_places=6, min_value=Decimal(0), allow_null=True, default=None,
        help_text="What they cost, in the security's currency; left out: not known.",
    )  # fmt: skip


class OpenedSerializer(serializers.Serializer[Transaction]):
    transaction_id = serializers.IntegerField(source="pk")


class ReconciliationView(APIView):
    @extend_schema(
        tags=["tax"],
        summary="Reconciliation",
        responses=DifferencesSerializer,
        examples=[OpenApiExample("A difference", value={"items": [DIFFERENCE]}, response_only=True)],
    )
    def get(self, request: Request) -> Response:
        """Where your transactions and your brokerages' holdings part, and why; sales of what was never bought."""
        found = reconcile.differences(owner_id=request.user.pk, today=today())
        return Response(DifferencesSerializer({"items": found}).data)

    @extend_schema(
        tags=["tax"],
        summary="Accept an opening balance",
        request=OpeningSerializer,
        responses={201: OpenedSerializer},
        examples=[
            OpenApiExample("What was there before", value=OPENING, request_only=True),
            OpenApiExample("Recorded", value={"transaction_id": 9500}, response_only=True, status_codes=["201"]),
        ],
    )
    def post(self, request: Request) -> Response:
        """Record it as a transaction, which can be corrected or voided like any other. Twice the same is once."""
        told = OpeningSerializer(data=request.data)
        told.is_valid(raise_exception=True)
        return Response(OpenedSerializer(accept(request.user, told.validated_data)).data, status=201)


def accept(user: Any, told: dict[str, Any]) -> Transaction:
    """The opening balance as recorded. Raises NotFound, ValidationError."""
    found = reconcile.owned(owner=user, account_id=told["account_id"], security_id=told["security_id"])
    if found is None:
        raise NotFound
    account, security = found
    if not told["quantity"]:
        raise ValidationError({"quantity": ["Not zero."]})
    try:
        return reconcile.accept_opening(
            account=account, security=security, quantity=told["quantity"], on=told["date"], cost=told["cost"]
        )
    except Refused as refused:
        raise ValidationError({refused.field: [str(refused)]}) from refused

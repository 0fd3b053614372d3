"""Which lots sales close: the rule of an account, and the lots that one sale names."""

from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from investments import ledger
from investments.api.numbers import QuantityText
from investments.filters import FIRST_ID, LAST_ID
from investments.models import Account, LotPick, Transaction

PICKS = {"picks": [{"opened_by": 9314, "quantity": "6"}]}


class LotMethodSerializer(serializers.Serializer[Account]):
    lot_method = serializers.ChoiceField(choices=Account.LotMethod.choices)


class PickSerializer(serializers.Serializer[LotPick]):
    opened_by = serializers.IntegerField(
        source="opened_by_id", min_value=FIRST_ID, max_value=LAST_ID, help_text="The transaction that opened the lot."
    )
    quantity = serializers.DecimalField(max_digits=30, decimal_places=12, help_text="Units, above zero.")


class PickedSerializer(PickSerializer):
    quantity = QuantityText()  # type: ignore[assignment]


class PicksSerializer(serializers.Serializer[Any]):
    picks = PickSerializer(many=True, max_length=500)


class PickedListSerializer(serializers.Serializer[Any]):
    picks = PickedSerializer(many=True)


class LotMethodView(APIView):
    @extend_schema(
        tags=["tax"],
        summary="Choose the lot method",
        request=LotMethodSerializer,
        responses=LotMethodSerializer,
        examples=[OpenApiExample("Highest cost first", value={"lot_method": "hifo"})],
    )
    def put(self, request: Request, pk: int) -> Response:
        """Which lots the account's sales close. All of its lots and gains follow, within a minute."""
        account = get_object_or_404(Account.objects.for_user(request.user), pk=pk)
        told = LotMethodSerializer(data=request.data)
        told.is_valid(raise_exception=True)
        ledger.choose_lot_method(account_ids=[account.pk], method=told.validated_data["lot_method"])
        return Response(told.data)


class LotPicksView(APIView):
    @extend_schema(
        tags=["tax"],
        summary="Lots that a sale names",
        responses=PickedListSerializer,
        examples=[OpenApiExample("Six of one lot", value=PICKS)],
    )
    def get(self, request: Request, pk: int) -> Response:
        """Empty where the account's rule decides."""
        return self._answer(self._sale(request, pk))

    @extend_schema(
        tags=["tax"],
        summary="Name the lots that a sale closes",
        request=PicksSerializer,
        responses=PickedListSerializer,
        examples=[OpenApiExample("Six of one lot", value=PICKS)],
    )
    def put(self, request: Request, pk: int) -> Response:
        """Replaces what was named before. What you leave unnamed, or an empty list, is for the account's rule."""
        sale = self._sale(request, pk)
        told = PicksSerializer(data=request.data)
        told.is_valid(raise_exception=True)
        picks = {pick["opened_by_id"]: pick["quantity"] for pick in told.validated_data["picks"]}
        try:
            ledger.pick_lots(sale=sale, picks=picks)
        except ledger.Refused as refused:
            raise ValidationError({refused.field: [str(refused)]}) from refused
        return self._answer(sale)

    def _sale(self, request: Request, pk: int) -> Transaction:
        row = get_object_or_404(Transaction.objects.for_user(request.user), pk=pk)
        return row.versions().latest("version")

    def _answer(self, sale: Transaction) -> Response:
        picks = LotPick.objects.for_user(self.request.user).filter(sale__in=sale.versions().values("pk"))
        return Response(PickedListSerializer({"picks": picks}).data)

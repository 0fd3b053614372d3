"""`GET /api/investments/holdings`: a list, or groups with subtotals."""

from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet
from django_filters.utils import translate_validation
from drf_spectacular.utils import OpenApiExample, PolymorphicProxySerializer, extend_schema
from rest_framework import serializers, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from investments.api.accounts import INSTITUTION, InstitutionSerializer
from investments.api.numbers import MoneyText, QuantityText, plain_text
from investments.api.securities import SECURITY, SecuritySerializer, security_told
from investments.filters import AccountFilter, HoldingFilter
from investments.grouping import AccountGroup, InstitutionGroup, by_institution, totals
from investments.models import Account, Holding
from portfolio_site.lib.money import exact
from portfolio_site.lib.pagination import check_parameters
from portfolio_site.lib.queries import StrictFilterBackend

EXAMPLE: dict[str, Any] = {
    "id": 77,
    "account_id": 12,
    "account_name": "Brokerage",
    "institution_id": 3,
    "security": SECURITY,
    "quantity": "10.5",
    "price": "227.5",
    "priced_on": "2026-11-20",
    "value": "2388.75",
    "day_change": "-12.60",
    "cost_basis": "1890.00",
    "unrealized_gain": "498.75",
    "institution_price": "227.5",
    "institution_price_as_of": "2026-11-20",
    "institution_value": "2388.75",
    "data_source": "plaid",
    "source_metadata": {},
    "updated_at": "2026-11-20T21:15:02Z",
}
SUBTOTAL = {
    "currency": "USD",
    "value": "3431.85",
    "cash": "1043.10",
    "cost_basis": "1890.00",
    "unrealized_gain": "498.75",
    "day_change": "-12.60",
    "holdings": 1,
    "unknown_basis": 0,
}
GROUPS = {
    "groups": [
        {
            "institution": INSTITUTION,
            "accounts": [
                {"account_id": 12, "account_name": "Brokerage", "holdings": [EXAMPLE], "subtotal": SUBTOTAL},
            ],
            "subtotals": [SUBTOTAL],
        }
    ],
    "totals": [SUBTOTAL],
}


TIMESTAMP = serializers.DateTimeField()


# The fields document; rows are written by hand, for there may be hundreds and a page waits.
class HoldingSerializer(serializers.ModelSerializer[Holding]):
    account_name = serializers.CharField(source="account.name")
    institution_id = serializers.IntegerField(source="account.institution_id")
    security = SecuritySerializer()
    quantity = QuantityText(help_text="Signed units; options in contracts, short positions below zero.")
    price = QuantityText(source="current_price", help_text="What `value` is reckoned with.")
    value = MoneyText(allow_null=True, help_text="In the account's currency; null without an exchange rate.")
    day_change = MoneyText(allow_null=True)
    cost_basis = MoneyText(
        source="basis",
        allow_null=True,
        help_text="Of the whole position, in the account's currency; null when unknown.",
    )
    unrealized_gain = MoneyText(allow_null=True, help_text="Value less cost basis; null when either is unknown.")
    institution_price = QuantityText()
    institution_value = MoneyText()
    source_metadata = serializers.DictField(help_text="What was repaired on the way in, and why.")

    class Meta:
        model = Holding
        fields = list(EXAMPLE)
        read_only_fields = fields

    def to_representation(self, holding: Holding) -> dict[str, Any]:
        return {
            "id": holding.pk,
            "account_id": holding.account_id,
            "account_name": holding.account.name,
            "institution_id": holding.account.institution_id,
            "security": security_told(holding.security),
            "quantity": plain_text(holding.quantity),
            "price": plain_text(holding.current_price),
            "priced_on": _day(holding.priced_on),
            "value": _money(holding.value),
            "day_change": _money(holding.day_change),
            "cost_basis": _money(holding.basis),
            "unrealized_gain": _money(holding.unrealized_gain),
            "institution_price": plain_text(holding.institution_price),
            "institution_price_as_of": _day(holding.institution_price_as_of),
            "institution_value": exact(holding.institution_value),
            "data_source": holding.data_source,
            "source_metadata": holding.source_metadata,
            "updated_at": TIMESTAMP.to_representation(holding.updated_at),
        }


def _money(amount: Decimal | None) -> str | None:
    return None if amount is None else exact(amount)


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


class SubtotalSerializer(serializers.Serializer[Any]):
    """Sums in one currency. Gain and basis cover the holdings whose basis is known."""

    currency = serializers.CharField()
    value = MoneyText(help_text="Holdings and cash.")
    cash = MoneyText()
    cost_basis = MoneyText()
    unrealized_gain = MoneyText(source="gain")
    day_change = MoneyText()
    holdings = serializers.IntegerField(help_text="Positions, cash left out.")
    unknown_basis = serializers.IntegerField(help_text="Positions whose cost basis nobody knows.")


class AccountGroupSerializer(serializers.Serializer[AccountGroup]):
    account_id = serializers.IntegerField(source="account.pk")
    account_name = serializers.CharField(source="account.name")
    holdings = HoldingSerializer(many=True)
    subtotal = SubtotalSerializer()


class InstitutionGroupSerializer(serializers.Serializer[InstitutionGroup]):
    institution = InstitutionSerializer()
    accounts = AccountGroupSerializer(many=True)
    subtotals = SubtotalSerializer(many=True, help_text="One per currency.")


class HoldingGroupsSerializer(serializers.Serializer[Any]):
    groups = InstitutionGroupSerializer(many=True)
    totals = SubtotalSerializer(many=True, help_text="Over all groups, one per currency.")


class HoldingPageSerializer(serializers.Serializer[Any]):
    items = HoldingSerializer(many=True)
    next_cursor = serializers.CharField(allow_null=True)
    has_more = serializers.BooleanField()
    total_count = serializers.IntegerField(required=False, help_text="Left out with `count=false`.")


HOLDINGS = PolymorphicProxySerializer(
    component_name="Holdings",
    serializers=[HoldingPageSerializer, HoldingGroupsSerializer],
    resource_type_field_name=None,
    many=False,
)
PAGE = {"items": [EXAMPLE], "next_cursor": None, "has_more": False, "total_count": 1}


class HoldingViewSet(viewsets.GenericViewSet[Holding]):
    queryset = Holding.objects.all()
    serializer_class = HoldingSerializer
    filterset_class = HoldingFilter

    def get_queryset(self) -> QuerySet[Holding, Any]:
        held = Holding.objects.for_user(self.request.user).held()
        return held.select_related("account", "security").order_by("security__ticker_symbol", "security__name", "pk")

    @extend_schema(
        tags=["investments"],
        summary="Holdings",
        operation_id="investments_holdings_list",
        responses=HOLDINGS,
        examples=[
            OpenApiExample("A list", value=PAGE, response_only=True),
            OpenApiExample("`group_by=institution`", value=GROUPS, response_only=True),
        ],
    )
    def list(self, request: Request) -> Response:
        """What is in your accounts now. `group_by=institution` answers groups with subtotals instead of a page."""
        chosen: HoldingFilter = StrictFilterBackend().get_filterset(request, self.get_queryset(), self)
        if not chosen.is_valid():
            raise translate_validation(chosen.errors)
        if chosen.grouped:
            check_parameters(request)
            return Response(self._groups(chosen))
        return self.get_paginated_response(self.get_serializer(self.paginate_queryset(chosen.qs), many=True).data)

    def _groups(self, chosen: HoldingFilter) -> dict[str, Any]:
        open_accounts = Account.objects.for_user(self.request.user).open().select_related("institution")
        groups = by_institution(
            holdings=chosen.qs,
            accounts=AccountFilter(chosen.data, queryset=open_accounts, request=self.request).qs,
            whole_accounts=not chosen.narrowed,
            show_cash=chosen.cash_shown,
        )
        return HoldingGroupsSerializer({"groups": groups, "totals": totals(groups)}).data

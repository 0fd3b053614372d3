"""`GET /api/portfolio/account-breakdown`."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from history.api.portfolio import PortfolioView, RoundedMoney
from history.breakdown import AccountShare, account_shares
from history.filters import ScopeQuery
from history.valuation import total_worth

SHARE = {
    "account_id": 12,
    "account_name": "Brokerage",
    "account_type": "brokerage",
    "institution_name": "Fidelity",
    "portfolio_value": "152340.22",
    "percentage": 100.0,
}
EXAMPLE = {"currency": "USD", "account_breakdown": [SHARE], "total_accounts": 1, "total_value": "152340.22"}


class AccountShareSerializer(serializers.Serializer[AccountShare]):
    account_id = serializers.IntegerField()
    account_name = serializers.CharField()
    account_type = serializers.CharField(help_text="The subtype where the institution tells one.")
    institution_name = serializers.CharField()
    portfolio_value = RoundedMoney(source="value", allow_null=True, help_text="Null without an exchange rate.")
    percentage = serializers.SerializerMethodField(help_text="Of the total; null where that is not above zero.")

    def get_percentage(self, share: AccountShare) -> float | None:
        return None if share.fraction is None else round(share.fraction * 100, 4)


class BreakdownSerializer(serializers.Serializer[Any]):
    currency = serializers.CharField()
    account_breakdown = AccountShareSerializer(many=True)
    total_accounts = serializers.IntegerField()
    total_value = RoundedMoney()


class BreakdownView(PortfolioView):
    @extend_schema(
        tags=["portfolio"],
        summary="Value by account",
        parameters=[ScopeQuery],
        responses=BreakdownSerializer,
        examples=[OpenApiExample("One account", value=EXAMPLE)],
    )
    def get(self, request: Request) -> Response:
        """Your open accounts with what each is worth, greatest first."""
        worths = self.worths()
        total = total_worth(worths, base_currency=self.currency).value
        shares = account_shares(worths=worths, total_value=total)
        answer = {"currency": self.currency, "account_breakdown": shares}
        sums = {"total_accounts": len(shares), "total_value": total}
        return Response(BreakdownSerializer({**answer, **sums}, context={"currency": self.currency}).data)

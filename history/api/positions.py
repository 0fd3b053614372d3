"""`GET /api/portfolio/positions`, also known as `/api/portfolio/aggregated`."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from history.api.portfolio import PortfolioView, RoundedMoney
from history.filters import ScopeQuery
from history.positions import AccountPart, Position, positions
from history.valuation import total_worth
from investments.api.numbers import QuantityText

PART = {
    "account_id": 12,
    "account_name": "Brokerage",
    "institution_name": "Fidelity",
    "qty": "10.5",
    "market_value": "2388.75",
    "cost_basis": "1890.00",
    "data_source": "plaid",
}
POSITION = {
    "asset_id": 41,
    "symbol": "AAPL",
    "exchange": "XNAS",
    "asset_class": "equity",
    "avg_entry_price": "180",
    "qty": "10.5",
    "side": "long",
    "market_value": "2388.75",
    "cost_basis": "1890.00",
    "unrealized_pl": "498.75",
    "unrealized_plpc": 0.263889,
    "current_price": "227.5",
    "priced_on": "2026-11-20",
    "change_today": -0.005247,
    "name": "Apple Inc.",
    "weight": 0.69605,
    "data_source": "plaid",
    "source_metadata": {},
    "accounts": [PART],
}
EXAMPLE = {
    "items": [POSITION],
    "next_cursor": None,
    "has_more": False,
    "total_count": 1,
    "currency": "USD",
    "cash": "1043.10",
    "total_value": "3431.85",
}
RATIO_PLACES = 6
PRICE_PLACES = 6


class RatioField(serializers.FloatField):
    def to_representation(self, value: float) -> float:
        return round(value, RATIO_PLACES)


class AveragePrice(QuantityText):
    def to_representation(self, value: Any) -> str:
        return super().to_representation(round(value, PRICE_PLACES))


class AccountPartSerializer(serializers.Serializer[AccountPart]):
    account_id = serializers.IntegerField()
    account_name = serializers.CharField()
    institution_name = serializers.CharField()
    qty = QuantityText(source="quantity")
    market_value = RoundedMoney(allow_null=True)
    cost_basis = RoundedMoney(allow_null=True)
    data_source = serializers.CharField()


class PositionSerializer(serializers.Serializer[Position]):
    asset_id = serializers.IntegerField(source="security_id")
    symbol = serializers.CharField(allow_blank=True)
    exchange = serializers.CharField(allow_blank=True)
    asset_class = serializers.CharField()
    avg_entry_price = AveragePrice(source="average_price", allow_null=True, help_text="Per unit, in the base currency.")
    qty = QuantityText(source="quantity", help_text="Signed; options in contracts.")
    side = serializers.ChoiceField(choices=["long", "short"])
    market_value = RoundedMoney(allow_null=True)
    cost_basis = RoundedMoney(allow_null=True, help_text="Null where the basis of any part is unknown.")
    unrealized_pl = RoundedMoney(source="gain", allow_null=True)
    unrealized_plpc = RatioField(source="gain_fraction", allow_null=True, help_text="A fraction of the cost basis.")
    current_price = QuantityText(help_text="In the security's own currency.")
    priced_on = serializers.DateField(allow_null=True)
    change_today = RatioField(allow_null=True, help_text="A fraction, since the close before the last session.")
    name = serializers.CharField()
    weight = RatioField(allow_null=True, help_text="Share of the total value, cash included: 0 to 1.")
    data_source = serializers.CharField(help_text="The source of all its accounts, or `mixed`.")
    source_metadata = serializers.DictField(help_text="What the sources had to say, by account id.")
    accounts = AccountPartSerializer(many=True)


class PositionsSerializer(serializers.Serializer[Any]):
    items = PositionSerializer(many=True)
    next_cursor = serializers.CharField(allow_null=True, help_text="Always null: positions come on one page.")
    has_more = serializers.BooleanField()
    total_count = serializers.IntegerField()
    currency = serializers.CharField()
    cash = RoundedMoney(
        help_text="Not a position, but part of the total and of the weights; money-market funds are positions."
    )
    total_value = RoundedMoney()


class PositionsView(PortfolioView):
    @extend_schema(
        tags=["portfolio"],
        summary="Positions over all accounts",
        parameters=[ScopeQuery],
        responses=PositionsSerializer,
        examples=[OpenApiExample("One position", value=EXAMPLE)],
    )
    def get(self, request: Request) -> Response:
        """One row per symbol, greatest first, with the accounts that hold it."""
        worths = self.worths()
        total = total_worth(worths, base_currency=self.currency)
        rows = positions(worths=worths, total_value=total.value)
        page = {"items": rows, "next_cursor": None, "has_more": False, "total_count": len(rows)}
        figures = {"currency": self.currency, "cash": total.uninvested, "total_value": total.value}
        return Response(PositionsSerializer({**page, **figures}, context={"currency": self.currency}).data)

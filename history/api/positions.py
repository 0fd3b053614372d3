"""`GET /api/portfolio/positions`, also known as `/api/portfolio/aggregated`."""

from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any

import orjson
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from history.api.portfolio import PortfolioView, RoundedMoney, rounded_text
from history.filters import ScopeQuery
from history.positions import AccountPart, Position, positions
from history.valuation import total_worth
from investments.api.numbers import QuantityText, plain_text

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


# The serializers only document: `written` writes the same, at a sixth of the cost.
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
    def get(self, request: Request) -> HttpResponse:
        """One row per symbol, greatest first, with the accounts that hold it."""
        worths = self.worths()
        total = total_worth(worths, base_currency=self.currency)
        rows = positions(worths=worths, total_value=total.value)
        money = partial(rounded_text, currency=self.currency)
        body = {
            "items": [written(row, money) for row in rows],
            "next_cursor": None,
            "has_more": False,
            "total_count": len(rows),
            "currency": self.currency,
            "cash": money(total.uninvested),
            "total_value": money(total.value),
        }
        return HttpResponse(orjson.dumps(body), content_type="application/json")


Money = Callable[[Decimal | None], str | None]


def written(position: Position, money: Money) -> dict[str, Any]:
    """As PositionSerializer writes it; `money` rounds an amount of the base currency and writes it."""
    average = position.average_price
    return {
        "asset_id": position.security_id,
        "symbol": position.symbol,
        "exchange": position.exchange,
        "asset_class": position.asset_class,
        "avg_entry_price": None if average is None else plain_text(round(average, PRICE_PLACES)),
        "qty": plain_text(position.quantity),
        "side": position.side,
        "market_value": money(position.market_value),
        "cost_basis": money(position.cost_basis),
        "unrealized_pl": money(position.gain),
        "unrealized_plpc": _ratio(position.gain_fraction),
        "current_price": plain_text(position.current_price),
        "priced_on": position.priced_on,
        "change_today": _ratio(position.change_today),
        "name": position.name,
        "weight": _ratio(position.weight),
        "data_source": position.data_source,
        "source_metadata": position.source_metadata,
        "accounts": [_part(part, money) for part in position.accounts],
    }


def _part(part: AccountPart, money: Money) -> dict[str, Any]:
    return {
        "account_id": part.account_id,
        "account_name": part.account_name,
        "institution_name": part.institution_name,
        "qty": plain_text(part.quantity),
        "market_value": money(part.market_value),
        "cost_basis": money(part.cost_basis),
        "data_source": part.data_source,
    }


def _ratio(value: float | None) -> float | None:
    return None if value is None else round(value, RATIO_PLACES)

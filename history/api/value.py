"""`GET /api/portfolio/value`."""

from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from history.api.portfolio import PortfolioView, RoundedMoney
from history.filters import ScopeQuery
from history.valuation import Worth, total_worth
from portfolio_site.lib.sessions import last_closed_session

EXAMPLE = {
    "currency": "USD",
    "total": "152340.22",
    "cash": "1043.10",
    "day_change": "-812.44",
    "day_change_percent": -0.5305,
    "open": None,
    "high": None,
    "low": None,
    "as_of": "2026-11-20",
    "freshness": {"state": "current", "newest_price": "2026-11-20", "oldest_price": "2026-11-20"},
    "positions": 42,
    "missing_rates": [],
}


class FreshnessSerializer(serializers.Serializer[Worth]):
    state = serializers.SerializerMethodField()
    newest_price = serializers.DateField(source="as_of", allow_null=True)
    oldest_price = serializers.DateField(allow_null=True, help_text="The most outdated price in the total.")

    def get_state(self, worth: Worth) -> str:
        """`current`: priced at the last close or after it; `stale`: before; `unpriced`: nothing has a price."""
        if worth.as_of is None:
            return "unpriced"
        return "current" if worth.as_of >= last_closed_session(timezone.now()) else "stale"


class ValueSerializer(serializers.Serializer[Worth]):
    currency = serializers.CharField()
    total = RoundedMoney(source="value", help_text="All holdings and cash.")
    cash = RoundedMoney()
    day_change = RoundedMoney(allow_null=True, help_text="Since the close before the last session.")
    day_change_percent = serializers.SerializerMethodField(help_text="Of the positions that have a change.")
    open = RoundedMoney(default=None, allow_null=True, help_text="Null without quotes during the day; so high and low.")
    high = RoundedMoney(default=None, allow_null=True)
    low = RoundedMoney(default=None, allow_null=True)
    as_of = serializers.DateField(allow_null=True)
    freshness = FreshnessSerializer(source="*")
    positions = serializers.IntegerField(help_text="Holdings that are not cash.")
    missing_rates = serializers.ListField(
        child=serializers.CharField(), help_text="Currencies without a rate: what is in them is not in the figures."
    )

    def get_day_change_percent(self, worth: Worth) -> float | None:
        fraction = worth.day_change_fraction
        return None if fraction is None else round(float(fraction) * 100, 4)


class ValueView(PortfolioView):
    @extend_schema(
        tags=["portfolio"],
        summary="Value now",
        parameters=[ScopeQuery],
        responses=ValueSerializer,
        examples=[OpenApiExample("A portfolio", value=EXAMPLE)],
    )
    def get(self, request: Request) -> Response:
        """Total, cash and day change in your base currency, and how fresh the prices are."""
        worth = total_worth(self.worths(), base_currency=self.currency)
        return Response(ValueSerializer(worth, context={"currency": self.currency}).data)

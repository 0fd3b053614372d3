"""`GET /api/portfolio/value`."""

from dataclasses import dataclass

from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from history.api.portfolio import PortfolioView, RoundedMoney
from history.filters import ScopeQuery
from history.intraday import DayRange, day_range, session_minutes
from history.valuation import Worth, total_worth
from history.watched import watch
from portfolio_site.lib.sessions import last_closed_session

EXAMPLE = {
    "currency": "USD",
    "total": "152340.22",
    "cash": "1043.10",
    "day_change": "-812.44",
    "day_change_percent": -0.5305,
    "open": "153020.10",
    "high": "153391.87",
    "low": "152204.65",
    "as_of": "2026-11-20",
    "freshness": {"state": "current", "newest_price": "2026-11-20", "oldest_price": "2026-11-20"},
    "positions": 42,
    "missing_rates": [],
}


@dataclass(frozen=True, slots=True)
class Value:
    """A portfolio now, and where it has been today."""

    worth: Worth
    day: DayRange


class FreshnessSerializer(serializers.Serializer[Worth]):
    state = serializers.SerializerMethodField()
    newest_price = serializers.DateField(source="as_of", allow_null=True)
    oldest_price = serializers.DateField(allow_null=True, help_text="The most outdated price in the total.")

    def get_state(self, worth: Worth) -> str:
        """`current`: priced at the last close or after it; `stale`: before; `unpriced`: nothing has a price."""
        if worth.as_of is None:
            return "unpriced"
        return "current" if worth.as_of >= last_closed_session(timezone.now()) else "stale"


class ValueSerializer(serializers.Serializer[Value]):
    currency = serializers.CharField(source="worth.currency")
    total = RoundedMoney(source="worth.value", help_text="All holdings and cash.")
    cash = RoundedMoney(source="worth.cash", help_text="Money, and what counts as it: money-market funds.")
    day_change = RoundedMoney(
        source="worth.day_change", allow_null=True, help_text="Since the close before the last session."
    )
    day_change_percent = serializers.SerializerMethodField(help_text="Of the positions that have a change.")
    open = RoundedMoney(
        source="day.open",
        allow_null=True,
        help_text="The total within five minutes of the opening of the running or last session. Null where nobody "
        "looked then: minutes are recorded of who looks.",
    )
    high = RoundedMoney(
        source="day.high", allow_null=True, help_text="Of the recorded minutes and now; null where there are none."
    )
    low = RoundedMoney(source="day.low", allow_null=True, help_text="As `high`.")
    as_of = serializers.DateField(source="worth.as_of", allow_null=True)
    freshness = FreshnessSerializer(source="worth")
    positions = serializers.IntegerField(source="worth.positions", help_text="Holdings that are not cash.")
    missing_rates = serializers.ListField(
        source="worth.missing_rates",
        child=serializers.CharField(),
        help_text="Currencies without a rate: what is in them is not in the figures.",
    )

    def get_day_change_percent(self, value: Value) -> float | None:
        fraction = value.worth.day_change_fraction
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
        watch(user_id=request.user.pk)
        worths = self.worths()
        worth = total_worth(worths, base_currency=self.currency)
        session = session_minutes(account_ids=[one.account_id for one in worths], base_currency=self.currency)
        value = Value(worth, day_range(session, now=worth.value, as_of=worth.as_of))
        return Response(ValueSerializer(value, context={"currency": self.currency}).data)

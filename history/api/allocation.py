"""`GET /api/portfolio/allocation` and `/cash-stock-bond-allocation`."""

from collections.abc import Sequence
from typing import Any

import orjson
from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from history.allocation import Pieces, pieces
from history.api.conditional import conditional
from history.api.portfolio import PortfolioView, RoundedMoney
from history.core.allocation import Slice
from history.core.versions import named
from history.filters import AllocationQuery, ScopeQuery
from history.valuation import Worth, total_worth

SLICE = {"label": "Stocks", "value": "104230.10", "weight": 0.6842, "unpriced": False}
EXAMPLE = {
    "currency": "USD",
    "total": "152340.22",
    "version": "allocation@1",
    "slices": [SLICE, {"label": "Cash", "value": "48110.12", "weight": 0.3158, "unpriced": False}],
    "without_value": 0,
    "missing_rates": [],
}


BROAD_EXAMPLE = EXAMPLE | {
    "slices": [
        {"label": "cash", "value": "48110.12", "weight": 0.3158, "unpriced": False},
        {"label": "stock", "value": "104230.10", "weight": 0.6842, "unpriced": False},
        {"label": "bond", "value": "0.00", "weight": 0.0, "unpriced": False},
        {"label": "other", "value": "0.00", "weight": 0.0, "unpriced": False},
    ]
}


class SliceSerializer(serializers.Serializer[Slice]):
    label = serializers.CharField()
    value = RoundedMoney(help_text="In the base currency; below zero for shorts.")
    weight = serializers.FloatField(allow_null=True, help_text="Of the total, as a fraction; null where that is none.")
    unpriced = serializers.BooleanField(help_text="Some of it is valued at a price of before the last session.")


class AllocationSerializer(serializers.Serializer[Any]):
    currency = serializers.CharField()
    total = RoundedMoney()
    version = serializers.CharField(help_text="The method and its version.")
    slices = SliceSerializer(many=True)
    without_value = serializers.IntegerField(help_text="Holdings without a price or a rate, which count nowhere.")
    missing_rates = serializers.ListField(child=serializers.CharField())


class _AllocationView(PortfolioView):
    def answer(self, request: Request, by: str | None) -> HttpResponseBase:
        worths = self.worths()
        worth = total_worth(worths, base_currency=self.currency)
        found = pieces(worths=worths)
        slices = found.broad(worth.value) if by is None else found.slices(by, worth.value)
        return conditional(request, orjson.dumps(_written(found, worth, slices)))


class AllocationView(_AllocationView):
    @extend_schema(
        tags=["portfolio"],
        summary="What the value is made of",
        parameters=[AllocationQuery],
        responses={200: AllocationSerializer, 304: None},
        examples=[OpenApiExample("Stocks and cash", value=EXAMPLE, status_codes=["200"])],
    )
    def get(self, request: Request) -> HttpResponseBase:
        """Slices that add up to the total, greatest first. Funds are not looked through."""
        return self.answer(request, self.query(AllocationQuery).validated_data["by"])


class BroadAllocationView(_AllocationView):
    @extend_schema(
        tags=["portfolio"],
        summary="Cash, stocks and bonds",
        parameters=[ScopeQuery],
        responses={200: AllocationSerializer, 304: None},
        examples=[OpenApiExample("Stocks and cash", value=BROAD_EXAMPLE, status_codes=["200"])],
    )
    def get(self, request: Request) -> HttpResponseBase:
        """Always the four slices `cash`, `stock`, `bond` and `other` (options, crypto), in this order.

        Funds are not looked through: one whose name says bonds counts as bonds, any other as stock.
        """
        return self.answer(request, None)


def _written(found: Pieces, worth: Worth, slices: Sequence[Slice]) -> Any:
    answer = {
        "currency": worth.currency,
        "total": worth.value,
        "version": named("allocation"),
        "slices": slices,
        "without_value": found.missing,
        "missing_rates": worth.missing_rates,
    }
    return AllocationSerializer(answer, context={"currency": worth.currency}).data

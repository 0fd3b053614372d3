"""`GET /api/portfolio/anomalies`."""

from typing import Any

from django.urls import reverse
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from history.api.portfolio import PortfolioView
from history.filters import ScopeQuery
from history.models import Anomaly
from history.reconstruction.anomalies import FIXES, REPORTED_UNITS, Told, anomalies, page_of

ANOMALY = {
    "account_id": 12,
    "account_name": "Brokerage",
    "kind": "negative_units",
    "day": "2025-03-04",
    "security_id": 31,
    "security": "AAPL",
    "size": "-10",
    "unit": "units",
    "title": "A sale of AAPL is missing",
    "detail": "10 more were bought after 4 Mar 2025 than are there now.",
    "fix": "sale",
    "advice": "Add the sale or the transfer that took them out; or a split, if there was one.",
    "url": "/transactions/add/?account=12",
    "endpoint": None,
}
EXAMPLE = {"items": [ANOMALY], "total_count": 1}


class AnomalySerializer(serializers.Serializer[Told]):
    account_id = serializers.IntegerField()
    account_name = serializers.CharField()
    kind = serializers.ChoiceField(choices=Anomaly.Kind.choices)
    day = serializers.DateField(help_text="The first day concerned, or the worst of a snapshot.")
    security_id = serializers.IntegerField(allow_null=True)
    security = serializers.CharField(allow_blank=True, help_text="Its ticker or name; empty for cash.")
    size = serializers.SerializerMethodField()
    unit = serializers.CharField(help_text="`units`, or the currency of the account.")
    title = serializers.CharField()
    detail = serializers.CharField()
    fix = serializers.ChoiceField(choices=sorted({fix for fix, _ in (*FIXES.values(), REPORTED_UNITS)}))
    advice = serializers.CharField(help_text="What puts it right, in words.")
    url = serializers.SerializerMethodField(help_text="The page on which it is put right, or looked at.")
    endpoint = serializers.SerializerMethodField(help_text="What to POST an opening balance to; null where none helps.")

    def get_size(self, told: Told) -> str:
        return f"{told.size.normalize():f}"

    def get_url(self, told: Told) -> str:
        return page_of(told)

    def get_endpoint(self, told: Told) -> str | None:
        return reverse("api-reconciliation") if told.fix == "opening_balance" else None


class AnomaliesSerializer(serializers.Serializer[Any]):
    items = AnomalySerializer(many=True)
    total_count = serializers.IntegerField()


class AnomaliesView(PortfolioView):
    @extend_schema(
        tags=["portfolio"],
        summary="What does not add up",
        parameters=[ScopeQuery],
        responses=AnomaliesSerializer,
        examples=[OpenApiExample("A purchase is missing", value=EXAMPLE)],
    )
    def get(self, request: Request) -> Response:
        """What in the past of your accounts does not add up, the newest first, with what puts it right."""
        found = anomalies(account_ids=self.account_ids())
        return Response(AnomaliesSerializer({"items": found, "total_count": len(found)}).data)

"""`GET /api/portfolio/history`: columns over days."""

import hashlib
from typing import Any

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response, patch_cache_control
from django.utils.http import quote_etag
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from history.api.portfolio import PortfolioView
from history.filters import HistoryQuery
from history.models import AccountDay
from history.series import totals_json
from history.valuation import market_today

EXAMPLE = {
    "currency": "USD",
    "dates": ["2026-11-19", "2026-11-20"],
    "value": ["153152.66", "152340.22"],
    "cash": ["1043.10", "1043.10"],
    "cost_basis": ["120400.00", "120400.00"],
    "net_flow": ["0.00", "0.00"],
    "income": ["0.00", "0.00"],
    "fees": ["0.00", "0.00"],
    "gain": ["0.00", "-812.44"],
    "twrr": [1.0, 0.99469528],
    "quality": [1.0, 1.0],
    "snapshot_type": ["reconstructed", "eod"],
    "missing_rates": [],
}


class MoneyColumn(serializers.ListField):
    child = serializers.DecimalField(max_digits=None, decimal_places=2, allow_null=True)


class HistorySerializer(serializers.Serializer[Any]):
    """Equally long columns, one entry a calendar day. Only documents: the database writes the JSON."""

    currency = serializers.CharField()
    dates = serializers.ListField(child=serializers.DateField())
    value = MoneyColumn(help_text="Null on a day that lacks an exchange rate.")
    cash = MoneyColumn()
    cost_basis = MoneyColumn(help_text="Null where the basis of any part is unknown.")
    net_flow = MoneyColumn(help_text="Money and assets that came in (above zero) or went out.")
    income = MoneyColumn()
    fees = MoneyColumn()
    gain = MoneyColumn(help_text="Value less the first value less flows since.")
    twrr = serializers.ListField(child=serializers.FloatField(), help_text="Time-weighted index: 1 on the first day.")
    quality = serializers.ListField(
        child=serializers.FloatField(), help_text="Share of value with a real close, 0 to 1."
    )
    snapshot_type = serializers.ListField(child=serializers.ChoiceField(choices=AccountDay.SnapshotType.labels))
    missing_rates = serializers.ListField(child=serializers.CharField())


class HistoryView(PortfolioView):
    @extend_schema(
        tags=["portfolio"],
        summary="Value over time",
        parameters=[HistoryQuery],
        responses={200: HistorySerializer, 304: None},
        examples=[OpenApiExample("Two days", value=EXAMPLE, status_codes=["200"])],
    )
    def get(self, request: Request) -> HttpResponseBase:
        """Your accounts in total, a day each, up to today. Answers 304 to `If-None-Match` when nothing has changed."""
        query = self.query(HistoryQuery)
        content = totals_json(
            account_ids=query.account_ids(user_id=request.user.pk),
            period=query.days(today=market_today()),
            base_currency=self.currency,
        )
        return _conditional(request, content.encode())


def _conditional(request: Request, content: bytes) -> HttpResponseBase:
    etag = quote_etag(hashlib.sha256(content).hexdigest()[:32])
    response = HttpResponse(content, content_type="application/json", headers={"ETag": etag})
    patch_cache_control(response, private=True, no_cache=True)
    return get_conditional_response(request._request, etag=etag, response=response) or response

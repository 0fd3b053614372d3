"""`GET /api/portfolio/attribution`: which parts made the return of a period."""

from decimal import Decimal
from typing import Any

import orjson
from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from history.analytics.active_return import ActiveReturn, NoSectorWeights, Segment, active_return
from history.analytics.attribution import Attribution, Contribution, Gains, attribution, read_gains
from history.api.conditional import conditional
from history.api.portfolio import PortfolioView
from history.core.attribution import METHOD
from history.core.versions import named
from history.filters import AttributionQuery
from history.valuation import market_today
from portfolio_site.lib.money import displayed

EXAMPLE = {
    "by": "sector",
    "currency": "USD",
    "from": "2025-11-20",
    "to": "2026-11-20",
    "total": 0.1204,
    "method": METHOD,
    "version": "contribution@1",
    "contributions": [
        {"label": "Technology", "contribution": 0.1004, "gain": "12044.10", "weight": 0.62, "return": 0.171},
        {"label": "Cash", "contribution": 0.02, "gain": "2400.00", "weight": 0.38, "return": 0.052},
    ],
}


class ContributionSerializer(serializers.Serializer[Any]):
    label = serializers.CharField()
    contribution = serializers.FloatField(help_text="To the return of the period, as a fraction.")
    gain = serializers.CharField(help_text="In the base currency.")
    weight = serializers.FloatField(allow_null=True, required=False, help_text="Mean share of the value.")
    security_id = serializers.IntegerField(required=False, help_text="Of a trade.")
    account_id = serializers.IntegerField(required=False, help_text="Of a trade.")
    date = serializers.DateField(required=False, help_text="Of a trade.")
    units = serializers.FloatField(required=False, help_text="Of a trade, split-adjusted; below zero for sales.")

    def get_fields(self) -> Any:
        fields = super().get_fields()
        words = "The part's own time-weighted return."
        fields["return"] = serializers.FloatField(allow_null=True, required=False, help_text=words)
        return fields


class SegmentSerializer(serializers.Serializer[Any]):
    sector = serializers.CharField(source="label")
    weight = serializers.FloatField(help_text="Mean share of our capital.")
    benchmark_weight = serializers.FloatField(help_text="0: not in the benchmark; all it made is allocation.")
    allocation = serializers.FloatField()
    selection = serializers.FloatField()
    interaction = serializers.FloatField()


class BrinsonSerializer(serializers.Serializer[Any]):
    benchmark = serializers.CharField()
    weights_since = serializers.DateField(allow_null=True, help_text="The newest set of weights that counts.")
    reason = serializers.CharField(help_text="Why there are no effects; empty where there are.")
    total = serializers.FloatField(allow_null=True, help_text="Our return.")
    benchmark_total = serializers.FloatField(allow_null=True, help_text="Of the funds that stand for its sectors.")
    excess = serializers.FloatField(allow_null=True, help_text="The effects add up to it.")
    method = serializers.CharField()
    version = serializers.CharField()
    sectors = SegmentSerializer(many=True)


class AttributionSerializer(serializers.Serializer[Any]):
    by = serializers.CharField()
    currency = serializers.CharField()
    to = serializers.DateField(allow_null=True)
    total = serializers.FloatField(help_text="The time-weighted return; the contributions add up to it.")
    method = serializers.CharField(help_text="How days are linked.")
    version = serializers.CharField()
    contributions = ContributionSerializer(many=True)
    brinson = BrinsonSerializer(required=False, help_text="Asked for by `benchmark`, with `by=sector`.")

    def get_fields(self) -> Any:
        fields = super().get_fields()
        fields["from"] = serializers.DateField(allow_null=True)
        return fields


class AttributionView(PortfolioView):
    @extend_schema(
        tags=["portfolio"],
        summary="Where the return came from",
        parameters=[AttributionQuery],
        responses={200: AttributionSerializer, 304: None},
        examples=[OpenApiExample("Two sectors", value=EXAMPLE, status_codes=["200"])],
    )
    def get(self, request: Request) -> HttpResponseBase:
        """Contributions, greatest first; they add up to the return of the period.

        By `trade`, each purchase and sale with what its units have made since, and one part for all the rest. By
        `sector` with a `benchmark`, Brinson's allocation, selection and interaction beside its sector weights.
        """
        query = self.query(AttributionQuery)
        gains = read_gains(
            account_ids=query.account_ids(user_id=request.user.pk),
            period=query.days(today=market_today()),
            base_currency=self.currency,
        )
        by, benchmark = query.validated_data["by"], query.validated_data.get("benchmark", "")
        if gains is None:
            return conditional(request, orjson.dumps(_nothing(by, self.currency)))
        written = _written(attribution(gains, by=by, currency=self.currency))
        if benchmark:
            written["brinson"] = self._brinson(gains, benchmark)
        return conditional(request, orjson.dumps(written))

    def _brinson(self, gains: Gains, benchmark: str) -> dict[str, Any]:
        try:
            return _effects(active_return(gains, benchmark=benchmark, currency=self.currency))
        except NoSectorWeights as none:
            nothing = dict.fromkeys(("weights_since", "total", "benchmark_total", "excess"))
            told: dict[str, Any] = {"benchmark": benchmark.upper(), "reason": str(none), "sectors": []}
            return told | nothing | {"method": METHOD, "version": named("brinson")}


def _nothing(by: str, currency: str) -> dict[str, Any]:
    version = named("trade_contribution" if by == "trade" else "contribution")
    none: dict[str, Any] = {"from": None, "to": None, "total": 0.0, "method": METHOD, "contributions": []}
    return {"by": by, "currency": currency, "version": version} | none


def _effects(found: ActiveReturn) -> dict[str, Any]:
    return {
        "benchmark": found.benchmark,
        "weights_since": found.since.isoformat(),
        "reason": "",
        "total": found.portfolio,
        "benchmark_total": found.returned,
        "excess": found.excess,
        "method": found.method,
        "version": found.version,
        "sectors": [_segment(part) for part in found.segments],
    }


def _segment(part: Segment) -> dict[str, Any]:
    return {
        "sector": part.label,
        "weight": part.ours,
        "benchmark_weight": part.theirs,
        "allocation": part.allocation,
        "selection": part.selection,
        "interaction": part.interaction,
    }


def _written(found: Attribution) -> dict[str, Any]:
    return {
        "by": found.by,
        "currency": found.currency,
        "from": found.first.isoformat(),
        "to": found.last.isoformat(),
        "total": found.total,
        "method": found.method,
        "version": found.version,
        "contributions": [_part(part, found.currency) for part in found.parts],
    }


def _part(part: Contribution, currency: str) -> dict[str, Any]:
    told: dict[str, Any] = {
        "label": part.label,
        "contribution": part.contribution,
        "gain": str(displayed(Decimal(str(part.gain)), currency)),
    }
    if part.day is None:
        return told | {"weight": part.weight, "return": part.return_}
    return told | {
        "date": part.day.isoformat(),
        "units": part.units,
        "security_id": part.security_id,
        "account_id": int(part.key),
    }

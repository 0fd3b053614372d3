"""`GET /api/portfolio/analytics` and `/api/v1/calculation-versions`: figures, each with the version of its method."""

from decimal import Decimal
from typing import Any

import numpy as np
import orjson
from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from history.analytics.period import Analytics, analytics
from history.api.conditional import conditional
from history.api.portfolio import PortfolioView
from history.core.performance import Assumptions, Figure
from history.core.scores import Score
from history.core.versions import VERSIONS, named
from history.filters import AnalyticsQuery
from history.market.benchmarks import UnknownBenchmark
from history.valuation import market_today
from portfolio_site.lib.money import displayed

EMPTY = (
    "figures", "money", "drawdown", "value_at_risk", "scores", "correlation", "months", "years", "series",
    "rolling_volatility",
)  # fmt: skip
MONEY = ("gain", "gain_before_charges", "charges")
TOLD = {"value": 0.1204, "version": "twrr@2", "reason": ""}
WITHHELD = {"value": None, "version": "sharpe@1", "reason": "needs 30 days, has 22"}
VERSION = {
    "name": "twrr@2",
    "method": "twrr",
    "number": 2,
    "since": "2026-11-21",
    "words": "Time-weighted, flows at the start of the day, linked geometrically",
}
EXAMPLE = {
    "currency": "USD",
    "from": "2026-10-20",
    "to": "2026-11-20",
    "sessions": 22,
    "benchmark": "SPY",
    "assumptions": {"risk_free": 0.0, "minimum": 0.0, "sessions_per_year": 252},
    "figures": {"twrr": TOLD, "sharpe": WITHHELD},
    "money": {"gain": {"value": "22488.53", "version": "gain@1", "reason": ""}},
    "drawdown": {"peak": "2026-11-16", "trough": "2026-11-18", "recovery": None},
    "value_at_risk": {"sessions": 252, "computed_at": None},
    "scores": {
        "risk": {
            "value": 2.03,
            "version": "risk_score@1",
            "sentence": "Risk is low: 14% in the largest holding counts for most of it.",
            "parts": [
                {
                    "name": "concentration",
                    "figure": 0.141,
                    "points": 2.03,
                    "weight": 0.2,
                    "words": "14% in the largest holding",
                }
            ],
        },
        "diversification": None,
    },
    "correlation": {"labels": ["AAPL", "VTI"], "matrix": [[1.0, 0.71], [0.71, 1.0]]},
    "months": {"2026-10": 0.027, "2026-11": 0.0168},
    "years": {"2026": 0.0442},
    "series": {
        "dates": ["2026-11-19", "2026-11-20"],
        "twrr": [1.0, 1.0081],
        "drawdown": [0.0, 0.0],
        "benchmark": [1.0, 1.0012],
    },
    "rolling_volatility": {"30": {"dates": [], "values": [], "version": "rolling_volatility@1"}},
    "missing_rates": [],
}


class FigureSerializer(serializers.Serializer[Figure]):
    value = serializers.FloatField(allow_null=True, help_text="A fraction or a ratio; null where it is withheld.")
    version = serializers.CharField(help_text="The method and its version, see /api/v1/calculation-versions.")
    reason = serializers.CharField(allow_blank=True, help_text="Why there is no value.")


class MoneySerializer(FigureSerializer):
    value = serializers.CharField(allow_null=True, help_text="In the base currency.")  # type: ignore[assignment]


class PartSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    figure = serializers.FloatField()
    points = serializers.FloatField(help_text="0 to 10.")
    weight = serializers.FloatField(help_text="In the score.")
    words = serializers.CharField()


class ScoreSerializer(serializers.Serializer[Any]):
    value = serializers.FloatField(help_text="0 to 10.")
    version = serializers.CharField()
    sentence = serializers.CharField(help_text="What drives it.")
    parts = PartSerializer(many=True)


class AnalyticsSerializer(serializers.Serializer[Any]):
    """Only documents: the answer leaves as it is computed."""

    currency = serializers.CharField()
    to = serializers.DateField(allow_null=True)
    sessions = serializers.IntegerField(help_text="Returns that risk is told from.")
    benchmark = serializers.CharField(allow_null=True)
    assumptions = serializers.DictField(child=serializers.FloatField())
    figures = serializers.DictField(child=FigureSerializer())
    money = serializers.DictField(child=MoneySerializer())
    drawdown = serializers.DictField(help_text="Days of its peak, trough and recovery; null where there is none.")
    value_at_risk = serializers.DictField(help_text="Sessions it is told from, and when it was computed if kept.")
    scores = serializers.DictField(child=ScoreSerializer(allow_null=True))
    correlation = serializers.DictField(help_text="Labels and matrix of the greatest holdings.")
    months = serializers.DictField(child=serializers.FloatField())
    years = serializers.DictField(child=serializers.FloatField())
    series = serializers.DictField(help_text="By day: dates, twrr, drawdown, benchmark.")
    rolling_volatility = serializers.DictField(help_text="By window of sessions: dates and values.")
    missing_rates = serializers.ListField(child=serializers.CharField())

    def get_fields(self) -> Any:
        fields = super().get_fields()
        fields["from"] = serializers.DateField(allow_null=True)
        return fields


class AnalyticsView(PortfolioView):
    @extend_schema(
        tags=["portfolio"],
        summary="Returns, risk and scores",
        parameters=[AnalyticsQuery],
        responses={200: AnalyticsSerializer, 304: None},
        examples=[OpenApiExample("A month", value=EXAMPLE, status_codes=["200"])],
    )
    def get(self, request: Request) -> HttpResponseBase:
        """Every figure of the period with the version of its method; where one is withheld, the reason.

        Value at risk looks at the last 252 sessions, scores at the holdings of today, whatever the period.
        """
        query = self.query(AnalyticsQuery)
        told = query.validated_data
        try:
            found = analytics(
                account_ids=query.account_ids(user_id=request.user.pk),
                period=query.days(today=market_today()),
                base_currency=self.currency,
                benchmark=told.get("benchmark", ""),
                assumed=Assumptions(told["risk_free"], told["minimum"]),
                twrr=told["twrr"],
            )
        except UnknownBenchmark:
            words = f"No price of {told['benchmark']} is known."
            raise serializers.ValidationError({"benchmark": [words]}) from None
        content = _nothing(self.currency) if found is None else _written(found)
        return conditional(request, orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY))


class VersionSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(help_text="What figures name.")
    method = serializers.CharField()
    number = serializers.IntegerField()
    since = serializers.DateField()
    words = serializers.CharField()


class VersionsView(APIView):
    @extend_schema(
        tags=["portfolio"],
        summary="How figures are computed",
        responses=VersionSerializer(many=True),
        examples=[OpenApiExample("One version", value=VERSION, response_only=True)],
    )
    def get(self, request: Request) -> Response:
        """Every method with all its versions; the last of each is current."""
        return Response(VersionSerializer(VERSIONS.values(), many=True).data)


def _nothing(currency: str) -> dict[str, Any]:
    head = {"currency": currency, "from": None, "to": None, "sessions": 0, "benchmark": None, "assumptions": {}}
    return {**head, **{name: {} for name in EMPTY}, "missing_rates": []}


def _written(found: Analytics) -> dict[str, Any]:
    performance, lines = found.performance, found.lines
    figures = found.figures
    return {
        "currency": found.currency,
        "from": lines.first.isoformat(),
        "to": lines.last.isoformat(),
        "sessions": int(performance.session_returns.size),
        "benchmark": found.benchmark.symbol if found.benchmark else None,
        "assumptions": {
            "risk_free": found.assumed.risk_free, "minimum": found.assumed.minimum, "sessions_per_year": 252,
        },
        "figures": {name: _figure(figure) for name, figure in figures.items() if name not in MONEY},
        "money": {name: _money(figures[name], found.currency) for name in MONEY},
        "drawdown": _drawdown(found),
        "value_at_risk": {"sessions": found.value_at_risk.sessions, "computed_at": found.value_at_risk.computed_at},
        "scores": _scores(found),
        "correlation": _correlation(found),
        "months": performance.months,
        "years": performance.years,
        "series": _series(found),
        "rolling_volatility": _rolling(found),
        "missing_rates": list(lines.missing_rates),
    }  # fmt: skip


def _figure(figure: Figure) -> dict[str, Any]:
    return {"value": figure.value, "version": figure.version, "reason": figure.reason}


def _money(figure: Figure, currency: str) -> dict[str, Any]:
    value = None if figure.value is None else str(displayed(Decimal(str(figure.value)), currency))
    return {"value": value, "version": figure.version, "reason": figure.reason}


def _drawdown(found: Analytics) -> dict[str, Any]:
    days = [day.isoformat() for day in found.lines.line.days]
    peak, trough, recovery = found.performance.deepest or (None, None, None)
    told = {"peak": peak, "trough": trough, "recovery": recovery}
    return {name: None if place is None else days[place] for name, place in told.items()}


def _scores(found: Analytics) -> dict[str, Any]:
    def score(method: str, told: Score | None) -> dict[str, Any] | None:
        if told is None:
            return None
        parts = [
            {"name": part.name, "figure": part.figure, "points": part.points, "weight": part.weight,
             "words": part.words} for part in told.parts
        ]  # fmt: skip
        return {"value": told.value, "version": named(method), "sentence": told.sentence, "parts": parts}

    return {
        "risk": score("risk_score", found.scores.risk),
        "diversification": score("diversification_score", found.scores.diversification),
    }


def _correlation(found: Analytics) -> dict[str, Any]:
    told = found.correlation
    return {
        "labels": told.labels,
        "matrix": [[None if np.isnan(each) else each for each in row] for row in told.matrix.tolist()],
        "average": told.average,
        "version": told.version,
    }


def _series(found: Analytics) -> dict[str, Any]:
    line, beside = found.lines.line, found.benchmark
    index = None if beside is None else [None if np.isnan(each) else each for each in beside.index.tolist()]
    return {
        "dates": [day.isoformat() for day in line.days],
        "twrr": found.performance.index.tolist(),
        "drawdown": found.performance.drawdown.tolist(),
        "benchmark": index,
    }


def _rolling(found: Analytics) -> dict[str, Any]:
    days, performance = found.lines.line.days, found.performance
    told = {}
    for window, values in performance.rolling.items():
        ends = performance.session_days[performance.session_days.size - values.size :]
        told[str(window)] = {
            "dates": [days[end].isoformat() for end in ends.tolist()],
            "values": values.tolist(),
            "version": named("rolling_volatility"),
        }
    return told

"""`/health` says that the process lives; `/health/ready` what it can reach."""

from collections.abc import Callable
from typing import Any

from django.core.cache import cache
from django.db import DatabaseError, connection
from django.db.models import Max
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from redis.exceptions import RedisError
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from history import canary
from history.models import MarketSymbol
from history.partitions import partitions_are_well
from portfolio_site.lib import heartbeat
from portfolio_site.lib.sessions import last_closed_session, previous_session

READY = {
    "status": "ready",
    "checks": {
        "database": "ok",
        "redis": "ok",
        "worker": "ok",
        "beat": "ok",
        "partitions": "ok",
        "prices": "ok",
        "canary": "ok",
    },
}


class HealthSerializer(serializers.Serializer[dict[str, Any]]):
    status = serializers.ChoiceField(choices=["ok"])


class ReadinessSerializer(serializers.Serializer[dict[str, Any]]):
    status = serializers.ChoiceField(choices=["ready", "degraded", "unavailable"])
    checks = serializers.DictField(child=serializers.ChoiceField(choices=["ok", "late", "down", "unknown"]))


class OpenView(APIView):
    """Asked by machines that do not sign in."""

    authentication_classes = ()
    permission_classes = ()
    throttle_classes = ()


class LiveView(OpenView):
    @extend_schema(tags=["health"], summary="Is the process alive?", operation_id="health", responses=HealthSerializer)
    def get(self, request: Request) -> Response:
        """Answers without touching the database or Redis."""
        return Response({"status": "ok"})


class ReadyView(OpenView):
    @extend_schema(
        tags=["health"],
        summary="Can it serve?",
        operation_id="health_ready",
        responses={
            200: ReadinessSerializer,
            503: OpenApiResponse(ReadinessSerializer, description="The database cannot be reached."),
        },
        examples=[OpenApiExample("All is well", value=READY, status_codes=["200"])],
    )
    def get(self, request: Request) -> Response:
        """503 without the database. Without Redis or a worker pages and API go on, so that is `degraded`, not down.

        `worker` and `beat` are late when they have shown no life for a minute; `prices` when no symbol was asked for
        the session before the last; `partitions` when rows lie in a default partition, or next year has none.
        `canary` is down when figures that are known come out otherwise, and late when nobody has computed them for 15
        minutes. `unknown`: nothing was ever seen of it.
        """
        checks = {"database": _answer(_ask_database), "redis": _answer(_ask_redis)}
        for process in ("worker", "beat"):
            checks[process] = _alive(process) if checks["redis"] == "ok" else "unknown"
        if checks["database"] == "down":
            return Response({"status": "unavailable", "checks": checks}, status=503)
        checks |= {"partitions": _partitions(), "prices": _prices()}
        checks["canary"] = canary.state() if checks["redis"] == "ok" else "unknown"
        healthy = all(check in {"ok", "unknown"} for check in checks.values())
        return Response({"status": "ready" if healthy else "degraded", "checks": checks})


def _answer(question: Callable[[], object]) -> str:
    try:
        question()
    except (DatabaseError, RedisError, OSError):
        return "down"
    return "ok"


def _ask_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _ask_redis() -> None:
    cache.get("health")


def _partitions() -> str:
    try:
        return "ok" if partitions_are_well() else "late"
    except DatabaseError:
        return "unknown"


def _prices() -> str:
    try:
        asked = MarketSymbol.objects.filter(active=True).aggregate(last=Max("priced_to"))["last"]
    except DatabaseError:
        return "unknown"
    if asked is None:
        return "unknown"
    return "ok" if asked >= previous_session(last_closed_session(timezone.now())) else "late"


def _alive(process: str) -> str:
    age = heartbeat.age(process)
    if age is None:
        return "unknown"
    return "ok" if age < heartbeat.LATE_AFTER_SECONDS else "late"

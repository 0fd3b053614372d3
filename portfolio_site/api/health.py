"""`/health` says that the process lives; `/health/ready` what it can reach."""

from collections.abc import Callable
from typing import Any

from django.core.cache import cache
from django.db import DatabaseError, connection
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from redis.exceptions import RedisError
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portfolio_site.lib import heartbeat

READY = {"status": "ready", "checks": {"database": "ok", "redis": "ok", "worker": "ok"}}


class HealthSerializer(serializers.Serializer[dict[str, Any]]):
    status = serializers.ChoiceField(choices=["ok"])


class ReadinessSerializer(serializers.Serializer[dict[str, Any]]):
    status = serializers.ChoiceField(choices=["ready", "degraded", "unavailable"])
    checks = serializers.DictField(child=serializers.ChoiceField(choices=["ok", "late", "down", "unknown"]))


class OpenView(APIView):
    """Asked by machines that do not sign in."""

    authentication_classes = ()
    permission_classes = ()


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
        """503 without the database. Without Redis or a worker pages and API go on, so that is `degraded`, not down."""
        checks = {"database": _answer(_ask_database), "redis": _answer(_ask_redis)}
        checks["worker"] = _worker() if checks["redis"] == "ok" else "unknown"
        if checks["database"] == "down":
            return Response({"status": "unavailable", "checks": checks}, status=503)
        healthy = checks["redis"] == "ok" and checks["worker"] in {"ok", "unknown"}
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


def _worker() -> str:
    age = heartbeat.age("worker")
    if age is None:
        return "unknown"
    return "ok" if age < heartbeat.LATE_AFTER_SECONDS else "late"

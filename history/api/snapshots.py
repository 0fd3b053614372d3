"""`/api/portfolio/snapshots/...`: how the nightly job does, and running a day of it."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import IsAdminUser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from history.models import SnapshotRun
from history.snapshots import DayNotOver, day_due, due_at, open_run
from history.tasks import enqueue_snapshot

RUN = {
    "day": "2026-11-19",
    "state": "done",
    "trigger": "nightly",
    "runs": 1,
    "due_at": "2026-11-20T09:00:00Z",
    "started_at": "2026-11-20T09:00:01Z",
    "finished_at": "2026-11-20T09:00:36Z",
    "duration_seconds": 35.2,
    "lag_seconds": 36.0,
    "rows": 1500000,
    "changed": 1500000,
    "left": 12,
    "unconverted": 0,
    "missing_prices": 3,
    "error": "",
}
STATUS = {"day_due": "2026-11-19", "due_at": "2026-11-20T09:00:00Z", "late": False, "last": RUN}


class RunSerializer(serializers.ModelSerializer[SnapshotRun]):
    duration_seconds = serializers.FloatField(allow_null=True, help_text="Null while it runs.")
    lag_seconds = serializers.SerializerMethodField(help_text="From when it was due to when it was done, or to now.")

    class Meta:
        model = SnapshotRun
        fields = (
            "day", "state", "trigger", "runs", "due_at", "started_at", "finished_at", "duration_seconds",
            "lag_seconds", "rows", "changed", "left", "unconverted", "missing_prices", "error",
        )  # fmt: skip

    def get_lag_seconds(self, run: SnapshotRun) -> float:
        return run.lag_seconds(self.context["now"])


class StatusSerializer(serializers.Serializer[dict[str, Any]]):
    day_due = serializers.DateField(help_text="The last day whose snapshot should be there.")
    due_at = serializers.DateTimeField(help_text="When it was due.")
    late = serializers.BooleanField(help_text="Whether that day has no snapshot yet.")
    last = RunSerializer(allow_null=True, help_text="The newest run; null before the first.")


class RunQuery(serializers.Serializer[Any]):
    day = serializers.DateField(required=False, help_text="YYYY-MM-DD; without it the last day that is due.")


def _status(now: datetime) -> dict[str, Any]:
    due = day_due(now)
    last = SnapshotRun.objects.first()
    done = SnapshotRun.objects.filter(day=due, state=SnapshotRun.State.DONE).exists()
    return {"day_due": due, "due_at": due_at(due), "late": not done, "last": last}


class SnapshotStatusView(APIView):
    @extend_schema(
        tags=["portfolio"],
        summary="How the nightly snapshot does",
        responses=StatusSerializer,
        examples=[OpenApiExample("All is well", value=STATUS)],
    )
    def get(self, request: Request) -> Response:
        """The last run, its rows, duration and lag. It counts accounts of everybody and names none."""
        now = timezone.now()
        return Response(StatusSerializer(_status(now), context={"now": now}).data)


class SnapshotRunView(APIView):
    permission_classes = (IsAdminUser,)

    @extend_schema(
        tags=["portfolio"],
        summary="Run the snapshot of a day",
        request=RunQuery,
        responses={
            202: OpenApiResponse(RunSerializer, description="Queued, or under way already."),
            403: OpenApiResponse(description="For staff only."),
        },
        examples=[
            OpenApiExample("A day", value={"day": "2026-11-19"}, request_only=True),
            OpenApiExample("Queued", value=RUN, response_only=True, status_codes=["202"]),
        ],
    )
    def post(self, request: Request) -> Response:
        """For staff. Running a day again writes only what differs."""
        query = RunQuery(data=request.data)
        query.is_valid(raise_exception=True)
        now = timezone.now()
        day = query.validated_data.get("day") or day_due(now)
        try:
            run = open_run(day=day, trigger=SnapshotRun.Trigger.OPERATOR, now=now)
        except DayNotOver as error:
            raise ValidationError({"day": [str(error)]}) from None
        transaction.on_commit(lambda: enqueue_snapshot(run.pk))
        return Response(RunSerializer(run, context={"now": now}).data, status=202)

"""`GET /api/jobs/{id}`: how far work in the background is."""

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import mixins, serializers, viewsets

from portfolio_site.models import Job


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "A reconstruction under way",
            value={
                "id": "0f8fad5b-d9cb-469f-a165-70867728950e",
                "kind": "reconstruction",
                "state": "running",
                "progress": 0.4,
                "message": "2 of 5 accounts",
                "result": None,
                "error": "",
                "created_at": "2026-11-20T21:00:00Z",
                "started_at": "2026-11-20T21:00:01Z",
                "finished_at": None,
            },
        )
    ]
)
class JobSerializer(serializers.ModelSerializer[Job]):
    state = serializers.ChoiceField(choices=Job.State.choices)
    progress = serializers.FloatField(min_value=0, max_value=1)
    result = serializers.DictField(allow_null=True, help_text="What came of it, once it has succeeded.")

    class Meta:
        model = Job
        fields = [
            "id",
            "kind",
            "state",
            "progress",
            "message",
            "result",
            "error",
            "created_at",
            "started_at",
            "finished_at",
        ]
        read_only_fields = fields


@extend_schema(tags=["jobs"], summary="State of a job")
class JobViewSet(mixins.RetrieveModelMixin, viewsets.GenericViewSet[Job]):
    """State, progress from 0 to 1, and the result or the error of one of your jobs."""

    queryset = Job.objects.all()
    serializer_class = JobSerializer

    def get_queryset(self) -> QuerySet[Job]:
        return Job.objects.for_user(self.request.user)

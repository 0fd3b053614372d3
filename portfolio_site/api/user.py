"""`/api/v1/user`: take away all that is yours, and have it deleted."""

from typing import Any

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portfolio_site import privacy
from portfolio_site.models import Job, UserExport

QUEUED = {"job_id": "0f8fad5b-d9cb-469f-a165-70867728950e"}
LEAVING = {"deleted_for_good_at": "2026-12-20T21:00:00Z"}


class ExportQueuedSerializer(serializers.Serializer[Any]):
    job_id = serializers.UUIDField(help_text="Follow it at /api/jobs/{id}; once it has succeeded, ask here again.")


class LeavingSerializer(serializers.Serializer[Any]):
    deleted_for_good_at = serializers.DateTimeField()


class ExportView(APIView):
    throttle_scope = "bulk"

    @extend_schema(
        tags=["privacy"],
        operation_id="v1_user_export",
        summary="All of your data",
        responses={
            (200, "application/zip"): OpenApiResponse(OpenApiTypes.BINARY, description="The zip."),
            202: OpenApiResponse(ExportQueuedSerializer, description="It is being made."),
        },
        examples=[
            OpenApiExample("Being made", value=QUEUED, status_codes=["202"], response_only=True),
            OpenApiExample("The zip", value="PK...", status_codes=["200"], media_type="application/zip"),
        ],
    )
    def get(self, request: Request) -> HttpResponseBase:
        """Everything that we keep of you, as one zip. Asked first, a job makes it; for a day it is answered at once."""
        export = privacy.request_export(request.user)
        if export.job.state != Job.State.SUCCEEDED:
            return Response({"job_id": str(export.job_id)}, status=202)
        content = UserExport.objects.values_list("content", flat=True).get(pk=export.pk)
        name = f"longview-{export.created_at:%Y-%m-%d}.zip"
        headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-store"}
        return HttpResponse(bytes(content), content_type="application/zip", headers=headers)


class UserView(APIView):
    @extend_schema(
        tags=["privacy"],
        operation_id="v1_user_delete",
        summary="Delete your account",
        parameters=[
            OpenApiParameter("confirm", str, required=True, description="Your e-mail address, so that it is meant.")
        ],
        responses={202: LeavingSerializer},
        examples=[OpenApiExample("Thirty days from now", value=LEAVING, status_codes=["202"])],
    )
    def delete(self, request: Request) -> Response:
        """Signs you out everywhere and disconnects your institutions now; deletes everything for good in 30 days."""
        if request.query_params.get("confirm", "").strip().lower() != request.user.email:
            raise ValidationError({"confirm": ["Your e-mail address, so that it is meant."]})
        return Response(LeavingSerializer({"deleted_for_good_at": privacy.request_deletion(request.user)}).data, 202)

"""`/api/portfolio/reconstruction`: how far the history of each account is, and starting it again."""

from typing import Any

from django.db import transaction
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from history import claims
from history.api.portfolio import PortfolioView
from history.filters import ScopeQuery
from history.models import AccountHistory
from history.reconstruction.progress import AccountProgress, overall_progress, reconstruction_progress
from history.tasks import enqueue_rebuild

ACCOUNT = {
    "account_id": 12,
    "account_name": "Brokerage",
    "state": "running",
    "progress": 0.4,
    "behind": True,
    "first_day": "2024-11-20",
    "last_day": "2026-11-19",
    "days_done": 730,
    "quality": 0.98,
    "anomalies": 0,
    "unmapped": 1,
    "error": "",
}
EXAMPLE = {"progress": 0.4, "accounts": [ACCOUNT]}
ANSWER = OpenApiExample("One account under way", value=EXAMPLE, response_only=True, status_codes=["200", "202"])


class AccountProgressSerializer(serializers.Serializer[AccountProgress]):
    account_id = serializers.IntegerField()
    account_name = serializers.CharField(source="name")
    state = serializers.ChoiceField(choices=AccountHistory.State.choices)
    progress = serializers.FloatField(min_value=0, max_value=1)
    behind = serializers.BooleanField(help_text="Transactions or holdings have changed since.")
    first_day = serializers.DateField(allow_null=True)
    last_day = serializers.DateField(allow_null=True)
    days_done = serializers.IntegerField()
    quality = serializers.FloatField(allow_null=True, help_text="0 to 1: the share of value priced by a real close.")
    anomalies = serializers.IntegerField(help_text="What did not add up.")
    unmapped = serializers.IntegerField(help_text="Securities that only the brokerage prices.")
    error = serializers.CharField(allow_blank=True)


class ReconstructionSerializer(serializers.Serializer[Any]):
    progress = serializers.FloatField(min_value=0, max_value=1, help_text="Over all the accounts.")
    accounts = AccountProgressSerializer(many=True)


class ReconstructionView(PortfolioView):
    @extend_schema(
        tags=["portfolio"],
        summary="Progress of history",
        parameters=[ScopeQuery],
        responses=ReconstructionSerializer,
        examples=[ANSWER],
    )
    def get(self, request: Request) -> Response:
        """Per open account: state, progress, days, quality, and what could not be mapped."""
        return Response(self._progress(self.account_ids()))

    @extend_schema(
        tags=["portfolio"],
        summary="Rebuild history",
        request=ScopeQuery,
        responses={202: OpenApiResponse(ReconstructionSerializer, description="Queued.")},
        examples=[ANSWER, OpenApiExample("One account", value={"filter_account": [12]}, request_only=True)],
    )
    def post(self, request: Request) -> Response:
        """Starts the history of your accounts, or of those named, again from their transactions."""
        query = ScopeQuery(data=request.data)
        query.is_valid(raise_exception=True)
        account_ids = query.account_ids(user_id=request.user.pk)
        claims.restart(account_ids=account_ids)
        transaction.on_commit(lambda: enqueue_rebuild(account_ids))
        return Response(self._progress(account_ids), status=202)

    def _progress(self, account_ids: list[int]) -> dict[str, Any]:
        accounts = reconstruction_progress(user_id=self.request.user.pk, account_ids=account_ids)
        return ReconstructionSerializer({"progress": overall_progress(accounts), "accounts": accounts}).data

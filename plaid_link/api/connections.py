"""What is linked and how it stands, and the button that syncs it all."""

from django.db.models import Prefetch, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import generics
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from plaid_link import jobs, placing
from plaid_link.api import serializers
from plaid_link.filters import ItemFilter
from plaid_link.link import NotACandidate, place_account
from plaid_link.models import Item, LinkedAccount, UnplacedAccount

# The only one so far: accounts are read at other institutions, nothing is held with us.
MODE = "aggregation"


class ConnectionStatusView(generics.GenericAPIView[Item]):
    """Linked institutions with their health, last sync and accounts; what is disconnected too."""

    queryset = Item.objects.none()
    serializer_class = serializers.ConnectionStatusSerializer
    filterset_class = ItemFilter
    pagination_class = None
    asked_as_list = True

    def get_queryset(self) -> QuerySet[Item]:
        accounts = LinkedAccount.objects.select_related("account").order_by("account__name", "pk")
        items = Item.objects.for_user(self.request.user).with_questions().select_related("institution")
        return items.prefetch_related(Prefetch("linked_accounts", accounts))

    @extend_schema(tags=["portfolio"], summary="Health of connections")
    def get(self, request: Request) -> Response:
        """Linked institutions with their health, last sync and accounts; what is disconnected too."""
        items = list(self.filter_queryset(self.get_queryset()))
        sources = sorted({linked.account.source for item in items for linked in item.linked_accounts.all()})
        status = {"mode": MODE, "data_sources": sources, "items": items}
        asked = placing.questions([item.pk for item in items])
        context = {**self.get_serializer_context(), "questions": asked}
        return Response(self.get_serializer_class()(status, context=context).data)


class PlaceAccountView(generics.GenericAPIView[UnplacedAccount]):
    queryset = UnplacedAccount.objects.none()
    serializer_class = serializers.PlaceAccountSerializer
    filter_backends = ()

    def get_queryset(self) -> QuerySet[UnplacedAccount]:
        return UnplacedAccount.objects.for_user(self.request.user).waiting().select_for_update()

    @extend_schema(
        tags=["portfolio"],
        summary="Say which account it is",
        responses={202: serializers.JobStartedSerializer},
    )
    def post(self, request: Request, pk: int) -> Response:
        """Answer one of a connection's `questions`: the account that it is, or null for a new one. It is read then."""
        unplaced = self.get_object()
        answer = self.get_serializer(data=request.data)
        answer.is_valid(raise_exception=True)
        try:
            job = place_account(unplaced=unplaced, same_as=answer.validated_data["same_as"])
        except NotACandidate as error:
            raise ValidationError({"same_as": [str(error)]}) from error
        return Response({"job_id": str(job.pk)}, status=202)


class SyncView(APIView):
    @extend_schema(
        tags=["investments"],
        summary="Sync all connections",
        request=None,
        responses={202: serializers.JobStartedSerializer},
    )
    def post(self, request: Request) -> Response:
        """All of your items as one job; the one under way where there is one."""
        job = jobs.queue_sync(user_id=request.user.pk)
        return Response({"job_id": str(job.pk)}, status=202)


class RefreshView(SyncView):
    @extend_schema(
        tags=["portfolio"],
        summary="Refresh the portfolio",
        request=None,
        responses={202: serializers.JobStartedSerializer},
    )
    def post(self, request: Request) -> Response:
        """The same as `POST /api/investments/sync`: histories and values follow what it finds."""
        return super().post(request)

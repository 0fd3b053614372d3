"""What is linked and how it stands, and the button that syncs it all."""

from django.db.models import Prefetch, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from plaid_link import jobs
from plaid_link.api import serializers
from plaid_link.filters import ItemFilter
from plaid_link.models import Item, LinkedAccount

# The only one so far: accounts are read at other institutions, nothing is held with us.
MODE = "aggregation"


class ConnectionStatusView(generics.GenericAPIView[Item]):
    """Linked institutions with their health, last sync and accounts; what is disconnected too."""

    queryset = Item.objects.none()
    serializer_class = serializers.ConnectionStatusSerializer
    filterset_class = ItemFilter
    pagination_class = None

    def get_queryset(self) -> QuerySet[Item]:
        accounts = LinkedAccount.objects.select_related("account").order_by("account__name", "pk")
        items = Item.objects.for_user(self.request.user).select_related("institution")
        return items.prefetch_related(Prefetch("linked_accounts", accounts))

    @extend_schema(tags=["portfolio"], summary="Health of connections")
    def get(self, request: Request) -> Response:
        """Linked institutions with their health, last sync and accounts; what is disconnected too."""
        items = list(self.filter_queryset(self.get_queryset()))
        sources = sorted({linked.account.source for item in items for linked in item.linked_accounts.all()})
        status = {"mode": MODE, "data_sources": sources, "items": items}
        return Response(self.get_serializer(status).data)


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

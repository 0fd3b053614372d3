"""`POST /api/plaid/investments/...`: the four routes of the contract."""

import logging
from dataclasses import asdict
from datetime import date
from typing import Any

from django.db import transaction
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from plaid_link.api import contract, serializers
from plaid_link.link import create_link_token, exchange_public_token
from plaid_link.models import Item, SyncRun
from plaid_link.snapshots import Upserts
from plaid_link.sources.base import SourceError
from plaid_link.sync import sync_item
from portfolio_site.lib import rls

logger = logging.getLogger(__name__)

NOT_FOUND = "Investments account not found"


def _errors(*statuses: int) -> dict[int, Any]:
    return dict.fromkeys(statuses, serializers.ErrorSerializer)


class GenerateLinkTokenView(contract.PlaidRoute):
    @extend_schema(
        tags=["plaid"],
        summary="Token to open Plaid Link with",
        request=serializers.LinkTokenRequestSerializer,
        responses={200: serializers.LinkTokenSerializer, **_errors(400, 401, 404, 500)},
    )
    def post(self, request: Request) -> Response:
        """A link token for the user; with an `item_id`, Link repairs that connection (update mode)."""
        (user_id,) = contract.needed(request, "user_id")
        owner_id = contract.user_named(request, user_id)
        item = _item_to_repair(request, owner_id)
        token = create_link_token(user_id=owner_id, item=item, add_accounts=request.data.get("add_accounts") is True)
        return Response({"status": "success", "link_token": token})


class ExchangePublicTokenView(contract.PlaidRoute):
    @extend_schema(
        tags=["plaid"],
        summary="Store what the user linked",
        request=serializers.ExchangeRequestSerializer,
        responses={200: serializers.ExchangedSerializer, **_errors(400, 401, 404, 500)},
    )
    def post(self, request: Request) -> Response:
        """Accounts are stored before this answers; the first sync (24 months) and its history are queued."""
        user_id, public_token = contract.needed(request, "user_id", "public_token")
        linked = exchange_public_token(
            user_id=contract.user_named(request, user_id), public_token=contract.text(public_token, "public_token")
        )
        return Response({"status": "success", "item_id": linked.item.item_id, "job_id": str(linked.job.pk)})


class RefreshView(contract.PlaidRoute):
    @extend_schema(
        tags=["plaid"],
        summary="Sync one item",
        request=serializers.RefreshRequestSerializer,
        responses={200: serializers.RefreshedSerializer, **_errors(400, 401, 404, 500)},
    )
    def post(self, request: Request) -> Response:
        """Counts are rows truly inserted or changed: the same answer twice gives zeros."""
        user_id, item_id = contract.needed(request, "user_id", "item_id")
        start, end = contract.window(request)
        item = _item_of(contract.user_named(request, user_id), contract.text(item_id, "item_id"))
        upserts = sync_item(item=item, trigger=SyncRun.Trigger.USER, start=start, end=end)
        return Response({"status": "success", "upserts": asdict(upserts)})


class RefreshAllView(contract.PlaidRoute):
    @extend_schema(
        tags=["plaid"],
        summary="Sync all items",
        request=serializers.RangeRequestSerializer,
        responses={200: serializers.RefreshedAllSerializer, **_errors(400, 401, 500)},
    )
    def post(self, request: Request) -> Response:
        """Your items; staff: everybody's. An item that fails is skipped, and counted as `failed`."""
        start, end = contract.window(request)
        items = _items_for(request)
        synced = [upserts for item in items if (upserts := _synced(item, start, end)) is not None]
        summary = {**asdict(sum(synced, Upserts())), "items": len(synced)}
        if len(synced) < len(items):
            summary["failed"] = len(items) - len(synced)
        window = {"start_date": start.isoformat(), "end_date": end.isoformat()}
        return Response({"status": "success", "summary": summary, "range": window})


def _item_to_repair(request: Request, user_id: int) -> Item | None:
    """The connected item that the body names, None where it names none. Raises Refused."""
    item_id = request.data.get("item_id")
    if not item_id:
        return None
    item = _item_of(user_id, contract.text(item_id, "item_id"))
    if item.status == Item.Status.DISCONNECTED:
        raise contract.Refused(NOT_FOUND, status=404)
    return item


def _item_of(user_id: int, item_id: str) -> Item:
    with rls.tenant(user_id):
        item = Item.objects.filter(owner_id=user_id, item_id=item_id).first()
    if item is None:
        raise contract.Refused(NOT_FOUND, status=404)
    return item


def _items_for(request: Request) -> list[Item]:
    with transaction.atomic():
        rls.set_tenant(request.user.pk)
        if not request.user.is_staff:
            return list(Item.objects.for_user(request.user).connected())
        rls.set_operator()
        return list(Item.objects.connected())


def _synced(item: Item, start: date, end: date) -> Upserts | None:
    try:
        return sync_item(item=item, trigger=SyncRun.Trigger.USER, start=start, end=end)
    except SourceError as error:
        logger.warning("refresh_all skipped item_id=%s code=%s", item.item_id, error.code)
        return None

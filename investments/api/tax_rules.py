"""`/api/v1/tax/rules` and `/identical-groups`: what wash sales go by, as their owner says."""

from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from investments import ledger
from investments.api.securities import SECURITY, SecuritySerializer
from investments.filters import FIRST_ID, LAST_ID
from investments.models import IdenticalGroup, TaxRules
from portfolio_site.lib.texts import Flag, Text

TOLD = {"name": "S&P 500 funds", "security_ids": [41, 42]}
GROUP = {"id": 3, "name": "S&P 500 funds", "securities": [SECURITY]}


class TaxRulesSerializer(serializers.Serializer[Any]):
    same_lot = Flag(help_text="What is left of a lot replaces the part of it that was sold at a loss.")


class GroupInputSerializer(serializers.Serializer[Any]):
    name = Text(max_length=60)
    security_ids = serializers.ListField(
        child=serializers.IntegerField(min_value=FIRST_ID, max_value=LAST_ID), min_length=2, max_length=200
    )


class GroupSerializer(serializers.Serializer[IdenticalGroup]):
    id = serializers.IntegerField(source="pk")
    name = serializers.CharField()
    securities = serializers.SerializerMethodField()

    @extend_schema_field(SecuritySerializer(many=True))
    def get_securities(self, group: IdenticalGroup) -> Any:
        return SecuritySerializer([member.security for member in group.members.all()], many=True).data


class GroupsSerializer(serializers.Serializer[Any]):
    items = GroupSerializer(many=True)


class TaxRulesView(APIView):
    @extend_schema(
        tags=["tax"],
        summary="Wash-sale rules",
        responses=TaxRulesSerializer,
        examples=[OpenApiExample("As brokers do", value={"same_lot": False})],
    )
    def get(self, request: Request) -> Response:
        """How you read what the law leaves open."""
        rules = TaxRules.objects.for_user(request.user).first() or TaxRules()
        return Response(TaxRulesSerializer(rules).data)

    @extend_schema(
        tags=["tax"],
        summary="Choose the wash-sale rules",
        request=TaxRulesSerializer,
        responses=TaxRulesSerializer,
        examples=[OpenApiExample("The cautious reading", value={"same_lot": True})],
    )
    def put(self, request: Request) -> Response:
        """All of your lots and gains follow, within a minute."""
        told = TaxRulesSerializer(data=request.data)
        told.is_valid(raise_exception=True)
        ledger.read_same_lot(owner=request.user, counts=told.validated_data["same_lot"])
        return Response(told.data)


class IdenticalGroupsView(APIView):
    @extend_schema(
        tags=["tax"],
        summary="Substantially identical securities",
        responses=GroupsSerializer,
        examples=[OpenApiExample("Two funds of one index", value={"items": [GROUP]}, response_only=True)],
    )
    def get(self, request: Request) -> Response:
        """Groups that you have declared; each counts as one security for wash sales."""
        groups = IdenticalGroup.objects.for_user(request.user).prefetch_related("members__security")
        return Response(GroupsSerializer({"items": groups}).data)

    @extend_schema(
        tags=["tax"],
        summary="Declare securities substantially identical",
        request=GroupInputSerializer,
        responses={201: GroupSerializer},
        examples=[
            OpenApiExample("Two funds of one index", value=TOLD, request_only=True),
            OpenApiExample("Declared", value=GROUP, response_only=True, status_codes=["201"]),
        ],
    )
    def post(self, request: Request) -> Response:
        """Securities that you hold, have traded or have entered, each in one group at most."""
        return Response(GroupSerializer(saved(request, None)).data, status=201)


class IdenticalGroupView(APIView):
    @extend_schema(
        tags=["tax"],
        summary="Change a group",
        request=GroupInputSerializer,
        responses=GroupSerializer,
        examples=[
            OpenApiExample("Two funds of one index", value=TOLD, request_only=True),
            OpenApiExample("As it stands", value=GROUP, response_only=True),
        ],
    )
    def put(self, request: Request, pk: int) -> Response:
        """Replaces its name and its securities."""
        return Response(GroupSerializer(saved(request, _group(request, pk))).data)

    @extend_schema(tags=["tax"], summary="Remove a group", responses={204: None})
    def delete(self, request: Request, pk: int) -> Response:
        """Its securities are different ones again."""
        ledger.forget_identical(group=_group(request, pk))
        return Response(status=204)


def _group(request: Request, pk: int) -> IdenticalGroup:
    return get_object_or_404(IdenticalGroup.objects.for_user(request.user), pk=pk)


def saved(request: Request, group: IdenticalGroup | None) -> IdenticalGroup:
    """The group as told. Raises ValidationError, which names the field."""
    told = GroupInputSerializer(data=request.data)
    told.is_valid(raise_exception=True)
    try:
        return ledger.declare_identical(owner=request.user, group=group, **told.validated_data)
    except ledger.Refused as refused:
        field = "security_ids" if refused.field == "securities" else refused.field
        raise ValidationError({field: [str(refused)]}) from refused

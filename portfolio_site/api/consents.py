"""`/api/v1/user/consents`: what the caller agreed to and when, and agreeing to the terms as they are now."""

from typing import Any

from django.conf import settings
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portfolio_site.lib.texts import Text
from portfolio_site.models import Consent, User

AGREED = {"document": "terms", "version": "2026-11", "given_at": "2026-11-02T14:10:31Z"}
CONSENTS = {"terms_version": "2026-11", "has_agreed": True, "items": [AGREED]}
OTHER_VERSION = "The terms are at another version: read /terms/ and send the version that it names."


class ConsentSerializer(serializers.ModelSerializer[Consent]):
    class Meta:
        model = Consent
        fields = ["document", "version", "given_at"]
        read_only_fields = fields


class ConsentsSerializer(serializers.Serializer[Any]):
    terms_version = serializers.CharField(help_text="The version of the terms as they are now; the text is at /terms/.")
    has_agreed = serializers.BooleanField(help_text="Whether you agreed to it. Pages ask before anything else if not.")
    items = ConsentSerializer(many=True, help_text="All that you agreed to, the latest first.")


class AgreeSerializer(serializers.Serializer[Any]):
    version = Text(max_length=20, help_text="`terms_version`: what you have read.")


class ConsentsView(APIView):
    @extend_schema(
        tags=["privacy"],
        operation_id="v1_user_consents",
        summary="What you agreed to",
        responses=ConsentsSerializer,
        examples=[OpenApiExample("Agreed", value=CONSENTS)],
    )
    def get(self, request: Request) -> Response:
        """Every version of the terms that you agreed to, and whether it is the one that holds now."""
        return Response(_consents(request.user))  # type: ignore[arg-type]

    @extend_schema(
        tags=["privacy"],
        operation_id="v1_user_agree",
        summary="Agree to the terms",
        request=AgreeSerializer,
        responses={201: ConsentsSerializer},
        examples=[
            OpenApiExample("What was read", value={"version": "2026-11"}, request_only=True),
            OpenApiExample("Agreed", value=CONSENTS, response_only=True, status_codes=["201"]),
        ],
    )
    def post(self, request: Request) -> Response:
        """To the version that holds now. Agreeing again changes nothing."""
        said = AgreeSerializer(data=request.data)
        said.is_valid(raise_exception=True)
        if said.validated_data["version"] != settings.TERMS_VERSION:
            raise ValidationError({"version": [OTHER_VERSION]})
        user: User = request.user  # type: ignore[assignment]
        user.agree()
        return Response(_consents(user), status=201)


def _consents(user: User) -> dict[str, Any]:
    given = {
        "terms_version": settings.TERMS_VERSION,
        "has_agreed": user.has_agreed,
        "items": Consent.objects.filter(owner=user),
    }
    return dict(ConsentsSerializer(given).data)

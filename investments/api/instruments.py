"""`/api/v1/instruments` and `/api/v1/corporate-actions`: what the caller has or had, and what its companies did."""

from typing import Any

import django_filters
from django.core.validators import RegexValidator
from django.db.models import Q, QuerySet
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiResponse,
    extend_schema,
    extend_schema_serializer,
    inline_serializer,
)
from rest_framework import mixins, serializers, viewsets
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from investments import ledger, manual
from investments.api.numbers import QuantityText
from investments.api.securities import SECURITY, SecuritySerializer
from investments.filters import id_filter, securities_of
from investments.models import CorporateAction, Security
from portfolio_site.lib.errors import PROBLEM_JSON, problem
from portfolio_site.lib.texts import Text

INSTRUMENT = SECURITY | {"cusip": "037833100", "isin": "US0378331005", "sedol": "", "source": "plaid"}
NEW = {"ticker": "HARBOR3", "name": "Harbor Growth Fund III", "type": "other", "currency": "USD"}
ENTERED = INSTRUMENT | {
    "id": 903, "ticker_symbol": "HARBOR3", "name": "Harbor Growth Fund III", "type": "other", "subtype": "",
    "market_identifier_code": "", "sector": "", "industry": "", "cusip": "", "isin": "", "source": "manual",
}  # fmt: skip
KNOWN_ANSWER: Any = (409, PROBLEM_JSON)
ACTION = {
    "id": 77,
    "security": SECURITY,
    "kind": "split",
    "ex_date": "2020-08-31",
    "ratio": "4",
    "cash_per_unit": None,
    "pay_date": None,
    "successor": None,
    "basis_fraction": None,
    "source": "fmp",
}


KNOWN = OpenApiResponse(
    inline_serializer("InstrumentConflict", {"current": serializers.DictField(required=False)}),
    description="You have entered it before, as `current` says. Nothing was changed.",
)


class UpperText(Text):
    """Identifiers, in capitals however they are typed."""

    def to_internal_value(self, data: Any) -> str:
        return super().to_internal_value(data).upper()


class InstrumentFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(method="search", label="Part of a ticker or name.")
    ticker = django_filters.CharFilter(field_name="ticker_symbol", lookup_expr="iexact", label="Ticker.")
    type = django_filters.CharFilter(lookup_expr="iexact", label="Security type.")

    class Meta:
        model = Security
        fields: list[str] = []

    def search(self, queryset: QuerySet[Security], _name: str, text: str) -> QuerySet[Security]:
        return queryset.filter(Q(ticker_symbol__icontains=text) | Q(name__icontains=text))


class CorporateActionFilter(django_filters.FilterSet):
    security = id_filter("security", "Instrument id.")
    kind = django_filters.ChoiceFilter(choices=CorporateAction.Kind.choices, label="What happened.")
    date_from = django_filters.DateFilter(field_name="ex_date", lookup_expr="gte", label="First ex-date.")
    date_to = django_filters.DateFilter(field_name="ex_date", lookup_expr="lte", label="Last ex-date.")

    class Meta:
        model = CorporateAction
        fields: list[str] = []


@extend_schema_serializer(examples=[OpenApiExample("A stock", value=INSTRUMENT)])
class InstrumentSerializer(SecuritySerializer):
    class Meta(SecuritySerializer.Meta):
        fields = list(INSTRUMENT)
        read_only_fields = fields


class NewInstrumentSerializer(serializers.Serializer[Any]):
    """A ticker or a name, or both."""

    ticker = UpperText(max_length=40, allow_blank=True, default="", help_text="As your statement has it.")
    name = Text(max_length=300, allow_blank=True, default="")
    type = serializers.ChoiceField(choices=manual.SECURITY_TYPES)
    currency = Text(min_length=3, max_length=3, default="USD", help_text="ISO 4217: what its prices are in.")
    cusip = UpperText(allow_blank=True, default="", validators=[RegexValidator(r"^([A-Za-z0-9]{9})?$")])
    isin = UpperText(allow_blank=True, default="", validators=[RegexValidator(r"^([A-Za-z0-9]{12})?$")])


@extend_schema_serializer(examples=[OpenApiExample("A split", value=ACTION)])
class CorporateActionSerializer(serializers.ModelSerializer[CorporateAction]):
    security = SecuritySerializer()
    kind = serializers.ChoiceField(choices=CorporateAction.Kind.choices)
    ratio = QuantityText(allow_null=True, help_text="Units after for each unit before.")
    cash_per_unit = QuantityText(allow_null=True)
    successor = SecuritySerializer(allow_null=True, help_text="What is received.")
    basis_fraction = QuantityText(allow_null=True, help_text="Share of the basis that goes to the successor.")

    class Meta:
        model = CorporateAction
        fields = list(ACTION)
        read_only_fields = fields


@extend_schema(tags=["ledger"])
class InstrumentViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Security]):
    queryset = Security.objects.none()
    serializer_class = InstrumentSerializer
    filterset_class = InstrumentFilter

    def get_queryset(self) -> QuerySet[Security]:
        return securities_of(self.request.user).order_by("ticker_symbol", "name", "pk")

    @extend_schema(summary="Instruments", operation_id="v1_instruments_list")
    def list(self, request: Any) -> Any:
        """What you hold, have ever traded or have entered, by ticker."""
        return super().list(request)

    @extend_schema(
        summary="Enter an instrument",
        request=NewInstrumentSerializer,
        responses={201: InstrumentSerializer, KNOWN_ANSWER: KNOWN},
        examples=[
            OpenApiExample("A private fund", value=NEW, request_only=True),
            OpenApiExample("As entered", value=ENTERED, response_only=True, status_codes=["201"]),
        ],
    )
    def create(self, request: Request) -> Response:
        """One that no institution reports, so that transactions may name it. Nobody else sees it."""
        told = NewInstrumentSerializer(data=request.data)
        told.is_valid(raise_exception=True)
        try:
            entered = manual.add_security(owner_id=request.user.pk, **told.validated_data)
        except ledger.Refused as refused:
            raise ValidationError({refused.field: [str(refused)]}) from refused
        except manual.KnownAlready as known:
            body = problem(status=409, detail=str(known), request_id=getattr(request, "request_id", ""))
            body["current"] = InstrumentSerializer(known.security).data
            return Response(body, status=409, content_type=PROBLEM_JSON)
        return Response(InstrumentSerializer(entered).data, status=201)

    @extend_schema(summary="An instrument")
    def retrieve(self, request: Any, pk: int) -> Any:
        """One of them, with its identifiers."""
        return super().retrieve(request, pk=pk)


@extend_schema(tags=["ledger"])
class CorporateActionViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[CorporateAction]
):
    queryset = CorporateAction.objects.none()
    serializer_class = CorporateActionSerializer
    filterset_class = CorporateActionFilter

    def get_queryset(self) -> QuerySet[CorporateAction]:
        happened = CorporateAction.objects.filter(voided_at=None, security__in=securities_of(self.request.user))
        return happened.select_related("security", "successor").order_by("-ex_date", "-pk")

    @extend_schema(summary="Corporate actions", operation_id="v1_corporate_actions_list")
    def list(self, request: Any) -> Any:
        """Splits, dividends, mergers and the like of what you hold or have ever traded, newest first."""
        return super().list(request)

    @extend_schema(summary="A corporate action")
    def retrieve(self, request: Any, pk: int) -> Any:
        """One of them. They are facts for all holders: operators correct them in the admin."""
        return super().retrieve(request, pk=pk)

"""`/api/v1/lots` and `/api/v1/tax/*`: open lots, gains of a year, Form 8949, wash sales."""

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import mixins, serializers, viewsets
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from investments import tax
from investments.api.numbers import MoneyText, QuantityText
from investments.api.securities import SECURITY, SecuritySerializer
from investments.core.form8949 import Part
from investments.filters import FIRST_ID, LAST_ID, AccountsFilter, selected_accounts
from investments.models import RealizedLot, TaxLot, WashSale
from portfolio_site.lib import sessions
from portfolio_site.lib.csv_text import csv_chunks
from portfolio_site.lib.queries import Query

LOT = {
    "id": 5120,
    "account_id": 12,
    "account_name": "Brokerage",
    "security": SECURITY,
    "opened_by": 9314,
    "opened": "2026-10-05",
    "entered": "2026-10-05",
    "quantity": "10",
    "cost": "2279.95",
    "unit_cost": "227.995",
    "wash_sale_added": "0.00",
    "currency": "USD",
    "price": "231.1",
    "unrealized_gain": "31.05",
    "long_term_from": "2027-10-06",
    "days_to_long_term": 319,
}
NO_TERM = {"proceeds": "0.00", "basis": "0.00", "disallowed": "0.00", "gain": "0.00", "count": 0, "without_basis": 0}
TERM = NO_TERM | {"proceeds": "1125.00", "basis": "750.00", "gain": "375.00", "count": 1}
CLOSED = {
    "id": 881,
    "account_id": 12,
    "account_name": "Brokerage",
    "is_tax_advantaged": False,
    "security": SECURITY,
    "acquired": "2026-01-06",
    "closed": "2026-06-02",
    "quantity": "75",
    "proceeds": "1125.00",
    "basis": "750.00",
    "disallowed": "0.00",
    "gain": "375.00",
    "is_short": False,
    "is_long_term": False,
    "currency": "USD",
}
ROW_8949 = {
    "part": "I",
    "description": "75 AAPL",
    "acquired": "2026-01-06",
    "sold": "2026-06-02",
    "proceeds": "1125.00",
    "basis": "750.00",
    "code": "",
    "adjustment": "0.00",
    "gain": "375.00",
}
FOOT = {"proceeds": "1125.00", "basis": "750.00", "adjustment": "0.00", "gain": "375.00", "without_basis": 0}
NO_FOOT = {"proceeds": "0.00", "basis": "0.00", "adjustment": "0.00", "gain": "0.00", "without_basis": 0}
WASHED = {
    "id": 31,
    "account_id": 12,
    "security": SECURITY,
    "sold_by": 9401,
    "sold_on": "2026-06-02",
    "replacement_account_id": 14,
    "replacement_security": SECURITY,
    "bought_by": 9420,
    "bought_on": "2026-06-20",
    "quantity": "10",
    "amount": "300.00",
    "is_permanent": True,
    "currency": "USD",
}
CSV_HEADER = (
    "part", "description", "acquired", "sold", "proceeds", "basis", "code", "adjustment", "gain",
)  # fmt: skip

CSV = "part,description,acquired,sold,proceeds,basis,code,adjustment,gain\r\nI,75 AAPL,2026-01-06,2026-06-02,1125.00,750.00,,0.00,375.00\r\n"  # noqa: E501


class YearQuery(Query):
    """A tax year, and which accounts."""

    year = serializers.IntegerField(min_value=1950, max_value=2200, required=False, help_text="This year unless given.")
    filter_account = serializers.ListField(
        child=serializers.IntegerField(min_value=FIRST_ID, max_value=LAST_ID),
        required=False,
        help_text="An account id; repeat it for several. An id that is not yours answers 404.",
    )

    def chosen(self, user_id: int) -> dict[str, Any]:
        """`year` and `account_ids`. Raises UnknownAccount for an account of somebody else."""
        accounts = selected_accounts(user_id=user_id, account_ids=self.validated_data.get("filter_account"))
        return {"year": self.validated_data.get("year", sessions.today().year), "account_ids": accounts}


class LotFilter(django_filters.FilterSet):
    account_id = AccountsFilter(field_name="account", help_text="Repeat it for several.")
    security_id = django_filters.NumberFilter(field_name="security", min_value=FIRST_ID, max_value=LAST_ID)
    ticker = django_filters.CharFilter(field_name="security__ticker_symbol", lookup_expr="iexact", max_length=40)

    class Meta:
        model = TaxLot
        fields = ["account_id", "security_id", "ticker"]


class LotSerializer(serializers.Serializer[tax.OpenLot]):
    id = serializers.IntegerField(source="lot.pk")
    account_id = serializers.IntegerField(source="lot.account_id")
    account_name = serializers.CharField(source="lot.account.name")
    security = SecuritySerializer(source="lot.security")
    opened_by = serializers.IntegerField(
        source="lot.opened_by_id", allow_null=True, help_text="Null: it was there before the first transaction."
    )
    opened = serializers.DateField(
        source="lot.opened", allow_null=True, help_text="Starts the holding period, wash sales and transfers counted."
    )
    entered = serializers.DateField(source="lot.entered")
    quantity = QuantityText(source="lot.quantity", help_text="Below zero: short.")
    cost = MoneyText(source="lot.cost", allow_null=True)
    unit_cost = QuantityText(source="lot.unit_cost", allow_null=True)
    wash_sale_added = MoneyText(source="lot.added", help_text="Of the cost: losses that wash sales put off.")
    currency = serializers.CharField(source="lot.currency")
    price = QuantityText(allow_null=True)
    unrealized_gain = MoneyText(source="gain", allow_null=True)
    long_term_from = serializers.DateField(allow_null=True)
    days_to_long_term = serializers.IntegerField(allow_null=True, help_text="0: it is long term. Null: not known.")


@extend_schema(
    tags=["tax"],
    summary="Open tax lots",
    responses=LotSerializer,
    examples=[OpenApiExample("A lot", value=LOT, response_only=True)],
)
class LotViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[TaxLot]):
    """What each purchase still holds, by the lot method of its account, wash sales counted."""

    queryset = TaxLot.objects.all()
    serializer_class = LotSerializer  # type: ignore[assignment]
    filterset_class = LotFilter

    def get_queryset(self) -> QuerySet[TaxLot, Any]:
        return tax.open_lots(owner=self.request.user).order_by("account_id", "security_id", "entered", "pk")

    def get_serializer(self, lots: Any, **kwargs: Any) -> Any:
        """Prices are read for a page at once."""
        return LotSerializer(tax.priced(lots, today=sessions.today()), context=self.get_serializer_context(), **kwargs)


class ClosedLotSerializer(serializers.ModelSerializer[RealizedLot]):
    account_name = serializers.CharField(source="account.name")
    is_tax_advantaged = serializers.BooleanField(source="account.is_tax_advantaged")
    security = SecuritySerializer()
    quantity = QuantityText()
    proceeds = MoneyText(allow_null=True)
    basis = MoneyText(allow_null=True)
    disallowed = MoneyText(help_text="Of the loss: put off by a wash sale.")
    gain = MoneyText(allow_null=True, help_text="What counts. Null where proceeds or basis are not known.")

    class Meta:
        model = RealizedLot
        fields = list(CLOSED)
        read_only_fields = fields


class TermSerializer(serializers.Serializer[tax.TermGains]):
    proceeds = MoneyText()
    basis = MoneyText()
    disallowed = MoneyText()
    gain = MoneyText()
    count = serializers.IntegerField()
    without_basis = serializers.IntegerField(help_text="Closings that count nowhere: their basis is not known.")


class YearGainsSerializer(serializers.Serializer[tax.YearGains]):
    currency = serializers.CharField()
    gain = MoneyText(help_text="Short and long term; tax-advantaged accounts left out.")
    short = TermSerializer()
    long = TermSerializer()
    sheltered = TermSerializer()


class GainsSerializer(serializers.Serializer[Any]):
    year = serializers.IntegerField()
    totals = YearGainsSerializer(many=True)
    items = ClosedLotSerializer(many=True)


class YearView(APIView):
    """A figure of one tax year."""

    def chosen(self) -> dict[str, Any]:
        query = YearQuery(data=self.request.query_params)
        query.is_valid(raise_exception=True)
        return query.chosen(self.request.user.pk)

    def closed(self, chosen: dict[str, Any]) -> list[RealizedLot]:
        return list(tax.closings(owner=self.request.user, **chosen))


class GainsView(YearView):
    @extend_schema(
        tags=["tax"],
        summary="Realised gains",
        parameters=[YearQuery],
        responses=GainsSerializer,
        examples=[
            OpenApiExample(
                "A year",
                value={
                    "year": 2026,
                    "totals": [
                        {"currency": "USD", "gain": "375.00", "short": TERM, "long": NO_TERM, "sheltered": NO_TERM}
                    ],
                    "items": [CLOSED],
                },
            )
        ],
    )
    def get(self, request: Request) -> Response:
        """What was closed in the year, latest first, with totals by currency, short and long term."""
        chosen = self.chosen()
        closed = self.closed(chosen)
        told = {"year": chosen["year"], "totals": tax.gains(closed), "items": closed}
        return Response(GainsSerializer(told).data)


class RowSerializer(serializers.Serializer[Any]):
    part = serializers.CharField(source="part.value", help_text="`I` short term, `II` long term.")
    description = serializers.CharField()
    acquired = serializers.DateField(allow_null=True, help_text="Null: before the first transaction, not known.")
    sold = serializers.DateField()
    proceeds = MoneyText(allow_null=True, help_text="Null: of a short of before the first transaction.")
    basis = MoneyText(allow_null=True)
    code = serializers.CharField(help_text="`W` for a wash sale.")
    adjustment = MoneyText()
    gain = MoneyText(allow_null=True)


class FootSerializer(serializers.Serializer[Any]):
    proceeds = MoneyText()
    basis = MoneyText()
    adjustment = MoneyText()
    gain = MoneyText()
    without_basis = serializers.IntegerField()


class Form8949Serializer(serializers.Serializer[tax.Report]):
    year = serializers.IntegerField()
    rows = RowSerializer(many=True)
    short = FootSerializer()
    long = FootSerializer()


class Form8949View(YearView):
    @extend_schema(
        tags=["tax"],
        summary="Form 8949",
        parameters=[YearQuery],
        responses=Form8949Serializer,
        examples=[
            OpenApiExample(
                "A year", value={"year": 2026, "rows": [ROW_8949], "short": FOOT, "long": NO_FOOT}, response_only=True
            )
        ],
    )
    def get(self, request: Request) -> Response:
        """Columns (a) to (h) by part, with totals. Tax-advantaged accounts are left out, other currencies converted."""
        chosen = self.chosen()
        return Response(Form8949Serializer(tax.report(self.closed(chosen), year=chosen["year"])).data)


class Form8949CsvView(YearView):
    @extend_schema(
        tags=["tax"],
        summary="Form 8949 as CSV",
        parameters=[YearQuery],
        responses={(200, "text/csv"): OpenApiTypes.STR},
        examples=[OpenApiExample("A year", value=CSV, media_type="text/csv", response_only=True)],
    )
    def get(self, request: Request) -> HttpResponse:
        """The same rows in the same order."""
        chosen = self.chosen()
        report = tax.report(self.closed(chosen), year=chosen["year"])
        body = b"".join(csv_chunks(CSV_HEADER, (_cells(row) for part in Part for row in report.of(part))))
        name = f"form-8949-{chosen['year']}.csv"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return HttpResponse(body, content_type="text/csv; charset=utf-8", headers=headers)


def _cells(row: Any) -> list[str]:
    def text(value: Any) -> str:
        return "" if value is None else str(value)

    return [
        row.part.value, row.description, text(row.acquired), text(row.sold), text(row.proceeds), text(row.basis),
        row.code, text(row.adjustment), text(row.gain),
    ]  # fmt: skip


class WashSaleSerializer(serializers.ModelSerializer[WashSale]):
    security = SecuritySerializer()
    sold_by = serializers.IntegerField(source="sold_by_id", allow_null=True)
    replacement_security = SecuritySerializer()
    bought_by = serializers.IntegerField(source="bought_by_id", allow_null=True)
    quantity = QuantityText(help_text="Units matched, as of today.")
    amount = MoneyText(help_text="The loss put off.")

    class Meta:
        model = WashSale
        fields = list(WASHED)
        read_only_fields = fields


class WashSalesSerializer(serializers.Serializer[Any]):
    year = serializers.IntegerField()
    items = WashSaleSerializer(many=True)


class WashSalesView(YearView):
    @extend_schema(
        tags=["tax"],
        summary="Wash sales",
        parameters=[YearQuery],
        responses=WashSalesSerializer,
        examples=[OpenApiExample("A year", value={"year": 2026, "items": [WASHED]}, response_only=True)],
    )
    def get(self, request: Request) -> Response:
        """Losses of the year that were put off because the same shares were bought within 30 days, in any account."""
        chosen = self.chosen()
        found = tax.wash_sales(owner=request.user, **chosen)
        return Response(WashSalesSerializer({"year": chosen["year"], "items": found}).data)

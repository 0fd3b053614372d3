"""`/api/v1/income`, its calendar, and what each account's dividends are meant for."""

from datetime import timedelta
from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from history.api.portfolio import PortfolioView, RoundedMoney
from history.filters import ScopeQuery
from history.income import Entry, IncomeReport, SecurityIncome, income_report
from history.income_calendar import calendar_text
from history.valuation import market_today
from investments import ledger
from investments.filters import selected_accounts
from investments.models import Account, Security

APPLE = {"id": 31, "ticker_symbol": "AAPL", "name": "Apple Inc."}
SUMS = {"gross": "1204.11", "withheld": "12.04", "net": "1192.07", "reinvested": "310.00"}
EXAMPLE = {
    "currency": "USD",
    "as_of": "2026-11-20",
    "received": SUMS,
    "by_kind": {"dividend": SUMS},
    "trailing": "1180.40",
    "yield_on_value": 0.0112,
    "yield_on_cost": 0.0158,
    "expected": {
        "total": "1195.20",
        "announced": "26.00",
        "projected": "1169.20",
        "cash": "885.20",
        "reinvested": "310",
    },
    "months": {
        "months": ["2026-11-01", "2026-12-01"],
        "received": ["26.00", "0.00"],
        "announced": ["0.00", "26.00"],
        "projected": ["0.00", "71.50"],
    },
    "securities": [
        {
            "security": APPLE,
            "units": "100",
            "received": SUMS,
            "trailing": "104.00",
            "expected": "104.00",
            "value": "22750.00",
            "cost": "18000.00",
            "yield_on_value": 0.00457,
            "yield_on_cost": 0.00578,
        }
    ],
    "missing_rates": [],
}
ENTRY = {
    "date": "2026-12-10",
    "kind": "pay",
    "status": "announced",
    "security": APPLE,
    "per_unit": "0.26",
    "units": "100",
    "amount": "26.00",
}
AHEAD, BEHIND = timedelta(days=365), timedelta(days=30)


class SecurityNameSerializer(serializers.ModelSerializer[Security]):
    class Meta:
        model = Security
        fields = list(APPLE)
        read_only_fields = fields


class PlainNumber(serializers.DecimalField):
    """A quantity or amount a unit without trailing zeros, at most twelve places."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_digits=None, decimal_places=None, **kwargs)

    def to_representation(self, value: Any) -> str:
        return f"{round(value, 12):f}".rstrip("0").rstrip(".") if round(value, 12) % 1 else f"{value:.0f}"


class IncomeSumsSerializer(serializers.Serializer[Any]):
    gross = RoundedMoney()
    withheld = RoundedMoney(help_text="Taxes and fees taken from it.")
    net = RoundedMoney()
    reinvested = RoundedMoney(help_text="What of it bought more at once.")


class SecurityIncomeSerializer(serializers.Serializer[SecurityIncome]):
    security = SecurityNameSerializer()
    units = PlainNumber()
    received = IncomeSumsSerializer(help_text="In the last 365 days.")
    trailing = RoundedMoney(help_text="What one unit was paid in the last 365 days, times the units of today.")
    expected = RoundedMoney(help_text="Announced and projected for the next 365 days.")
    value = RoundedMoney(allow_null=True)
    cost = RoundedMoney(allow_null=True)
    yield_on_value = serializers.FloatField(allow_null=True, help_text="A fraction of the value, a year.")
    yield_on_cost = serializers.FloatField(allow_null=True)


class ExpectedSerializer(serializers.Serializer[IncomeReport]):
    total = RoundedMoney(source="expected_total")
    announced = RoundedMoney(source="announced_total")
    projected = RoundedMoney(source="projected_total")
    cash = RoundedMoney(source="paid_out", help_text="In accounts whose dividends are meant to be paid out.")
    reinvested = RoundedMoney()


class IncomeMonthsSerializer(serializers.Serializer[Any]):
    """Equally long columns, a year back and a year ahead; gross."""

    months = serializers.ListField(child=serializers.DateField(), help_text="First days.")
    received = serializers.ListField(child=RoundedMoney())
    announced = serializers.ListField(child=RoundedMoney())
    projected = serializers.ListField(child=RoundedMoney())


class IncomeSerializer(serializers.Serializer[IncomeReport]):
    currency = serializers.CharField()
    as_of = serializers.DateField(source="today")
    received = IncomeSumsSerializer(help_text="In the last 365 days, each payment at the rate of its own day.")
    by_kind = serializers.DictField(child=IncomeSumsSerializer())
    trailing = RoundedMoney(help_text="Last year's payments a unit, times today's units.")
    yield_on_value = serializers.FloatField(allow_null=True)
    yield_on_cost = serializers.FloatField(allow_null=True)
    expected = ExpectedSerializer(source="*")
    months = IncomeMonthsSerializer()
    securities = SecurityIncomeSerializer(many=True)
    missing_rates = serializers.ListField(
        child=serializers.CharField(), help_text="Currencies without a rate: what is in them is not in the figures."
    )


class EntrySerializer(serializers.Serializer[Entry]):
    date = serializers.DateField(source="day")
    kind = serializers.ChoiceField(choices=["ex", "pay"], help_text="`ex`: who buys from this day on gets nothing.")
    status = serializers.ChoiceField(choices=["received", "announced", "projected"], source="status.value")
    security = SecurityNameSerializer(allow_null=True)
    per_unit = PlainNumber(allow_null=True)
    units = PlainNumber(allow_null=True)
    amount = RoundedMoney(help_text="Net where it was received, else gross.")


class CalendarSerializer(serializers.Serializer[Any]):
    currency = serializers.CharField()
    items = EntrySerializer(many=True)


class CalendarQuery(ScopeQuery):
    """`from` and `to`."""

    start = serializers.DateField(required=False, help_text="First day; 30 days ago unless given.")
    end = serializers.DateField(required=False, help_text="Last day; a year ahead unless given.")

    def get_fields(self) -> Any:
        # `from` cannot be an attribute in Python.
        fields = super().get_fields()
        fields["from"], fields["to"] = fields.pop("start"), fields.pop("end")
        return fields

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        today = market_today()
        attrs = {"from": today - BEHIND, "to": today + AHEAD, **attrs}
        if attrs["from"] > attrs["to"]:
            raise serializers.ValidationError({"from": ["The range ends before it starts."]})
        return attrs


class PreferenceSerializer(serializers.Serializer[Account]):
    preference = serializers.ChoiceField(
        choices=Account.IncomePreference.choices, source="income_preference", help_text="What dividends are meant for."
    )


class IncomeView(PortfolioView):
    def report(self) -> IncomeReport:
        return income_report(account_ids=self.account_ids(), currency=self.currency)

    @extend_schema(
        tags=["income"],
        summary="Income",
        operation_id="income",
        parameters=[ScopeQuery],
        responses=IncomeSerializer,
        examples=[OpenApiExample("A year of it", value=EXAMPLE)],
    )
    def get(self, request: Request) -> Response:
        """What your accounts received, what is announced, and what a year like the last one will pay."""
        return Response(IncomeSerializer(self.report(), context={"currency": self.currency}).data)


class CalendarView(IncomeView):
    def entries(self) -> list[Entry]:
        days = self.query(CalendarQuery).validated_data
        return self.report().calendar_between(days["from"], days["to"])

    @extend_schema(
        tags=["income"],
        summary="Income calendar",
        operation_id="income_calendar",
        parameters=[CalendarQuery],
        responses=CalendarSerializer,
        examples=[OpenApiExample("A payment", value={"currency": "USD", "items": [ENTRY]})],
    )
    def get(self, request: Request) -> Response:
        """Ex-dates and payments, by day: received within the last year, announced, and projected."""
        body = {"currency": self.currency, "items": self.entries()}
        return Response(CalendarSerializer(body, context={"currency": self.currency}).data)


class CalendarFileView(CalendarView):
    @extend_schema(
        tags=["income"],
        summary="Income calendar as a file",
        operation_id="income_calendar_ics",
        parameters=[CalendarQuery],
        responses={(200, "text/calendar"): OpenApiTypes.STR},
        examples=[OpenApiExample("A calendar", value="BEGIN:VCALENDAR\r\n...", media_type="text/calendar")],
    )
    def get(self, request: Request) -> HttpResponse:  # type: ignore[override]
        """The same as iCalendar. Projected payments are tentative."""
        text = calendar_text(self.entries(), currency=self.currency, now=timezone.now())
        answer = HttpResponse(text, content_type="text/calendar; charset=utf-8")
        answer["Content-Disposition"] = 'attachment; filename="longview-income.ics"'
        return answer


class PreferenceView(PortfolioView):
    @extend_schema(
        tags=["income"],
        summary="Reinvest or pay out",
        operation_id="income_preference",
        request=PreferenceSerializer,
        responses={200: OpenApiResponse(PreferenceSerializer)},
        examples=[OpenApiExample("Reinvest", value={"preference": "reinvest"})],
    )
    def put(self, request: Request, pk: int) -> Response:
        """What the dividends of one of your accounts are meant for. It tells projections apart; nothing is traded."""
        chosen = selected_accounts(user_id=request.user.pk, account_ids=[pk])
        told = PreferenceSerializer(data=request.data)
        told.is_valid(raise_exception=True)
        ledger.prefer_income(account_ids=chosen, preference=told.validated_data["income_preference"])
        return Response({"preference": told.validated_data["income_preference"]})

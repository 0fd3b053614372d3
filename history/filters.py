"""What of a portfolio is looked at, and over which days: query parameters shared by the API and the pages."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from rest_framework import serializers

from history.series import EARLIEST, PERIODS, Period, period_of
from investments.filters import FIRST_ID, LAST_ID, SOURCE_FILTERS, selected_accounts

DEFAULT_PERIOD = "1Y"


class ScopeQuery(serializers.Serializer[Any]):
    """Which accounts: all of the caller's, those named, those of one kind of source."""

    filter_account = serializers.ListField(
        child=serializers.IntegerField(min_value=FIRST_ID, max_value=LAST_ID),
        required=False,
        help_text="An account id; repeat it for several. An id that is not yours answers 404.",
    )
    source_filter = serializers.ChoiceField(
        choices=SOURCE_FILTERS,
        default="all",
        help_text="`external`: linked through an aggregator, imported or kept by hand. `brokerage`: with the broker.",
    )

    def account_ids(self, *, user_id: int) -> list[int]:
        """Ids of the accounts meant. Raises investments.filters.UnknownAccount for one that is not the user's."""
        query: dict[str, Any] = self.validated_data
        named: Sequence[int] | None = query.get("filter_account")
        return selected_accounts(user_id=user_id, account_ids=named, source=query["source_filter"])


class HistoryQuery(ScopeQuery):
    """`period`, or `from` and `to`."""

    period = serializers.ChoiceField(choices=PERIODS, required=False, help_text=f"`{DEFAULT_PERIOD}` unless given.")
    start = serializers.DateField(required=False, help_text="First day, instead of a period.")
    end = serializers.DateField(required=False, help_text="Last day; today unless given.")

    def get_fields(self) -> Any:
        # `from` cannot be an attribute in Python.
        fields = super().get_fields()
        fields["from"], fields["to"] = fields.pop("start"), fields.pop("end")
        return fields

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        ranged = "from" in attrs or "to" in attrs
        if ranged and "period" in attrs:
            raise serializers.ValidationError({"period": ["Give either a period or from and to."]})
        if attrs.get("from", EARLIEST) > attrs.get("to", date.max):
            raise serializers.ValidationError({"from": ["The range ends before it starts."]})
        return attrs

    def days(self, *, today: date) -> Period:
        """The calendar days meant. A range that starts after today is empty but for its own start."""
        query: dict[str, Any] = self.validated_data
        if "from" in query or "to" in query:
            start = query.get("from", EARLIEST)
            return Period(start, query.get("to", max(today, start)))
        return period_of(query.get("period", DEFAULT_PERIOD), today=today)

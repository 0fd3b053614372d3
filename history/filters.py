"""What of a portfolio is looked at, and over which days: query parameters shared by the API and the pages."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from rest_framework import serializers

from history.allocation import DIMENSIONS
from history.analytics.attribution import BY
from history.core.resolution import RESOLUTIONS
from history.core.versions import VERSIONS
from history.series import EARLIEST, PERIODS, Period, period_of
from investments.filters import FIRST_ID, LAST_ID, SOURCE_FILTERS, chosen_accounts, selected_accounts
from portfolio_site.lib.queries import Query

DEFAULT_PERIOD = "1Y"
TWRR_VERSIONS = ("", *sorted(name for name in VERSIONS if name.startswith("twrr@")))


class ScopeQuery(Query):
    """Which accounts: all of the caller's, those named, those of one kind of source."""

    lasting = True

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
        return selected_accounts(user_id=user_id, **self._chosen())

    def chosen(self, sources: Mapping[int, str]) -> list[int]:
        """As `account_ids`, where the sources of all of the user's accounts are known."""
        return chosen_accounts(sources=sources, **self._chosen())

    def _chosen(self) -> dict[str, Any]:
        query: dict[str, Any] = self.validated_data
        return {"account_ids": query.get("filter_account"), "source": query["source_filter"]}


class PeriodQuery(ScopeQuery):
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


class HistoryQuery(PeriodQuery):
    """How a history is told."""

    lasting = True

    benchmark = serializers.CharField(
        required=False, max_length=40, help_text="A symbol, such as SPY: adds its total return over the same days."
    )
    resolution = serializers.ChoiceField(
        choices=RESOLUTIONS,
        default="day",
        help_text="`week` and `month`: the first day and the last of each, with the flows since the row before.",
    )


def _yearly(words: str) -> serializers.FloatField:
    return serializers.FloatField(required=False, default=0.0, min_value=-0.5, max_value=1.0, help_text=words)


class AnalyticsQuery(PeriodQuery):
    """What figures of performance are told against."""

    benchmark = serializers.CharField(
        required=False,
        max_length=40,
        help_text="A symbol, such as SPY: adds beta, alpha and the rest over the same days.",
    )
    risk_free = _yearly("A year's return free of risk, as a fraction: 0 unless given.")
    minimum = _yearly("A year's least acceptable return, for Sortino: 0 unless given.")
    twrr = serializers.ChoiceField(
        choices=TWRR_VERSIONS, default="", help_text="A version of the time-weighted return other than the current."
    )


class AllocationQuery(ScopeQuery):
    by = serializers.ChoiceField(choices=tuple(DIMENSIONS), default="class", help_text="What the value divides by.")


class AttributionQuery(PeriodQuery):
    by = serializers.ChoiceField(choices=BY, default="security", help_text="What contributions are grouped by.")
    benchmark = serializers.CharField(
        required=False,
        max_length=40,
        help_text="A symbol, such as SPY: adds Brinson's effects beside its sector weights, where `by` is `sector`.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs.get("benchmark") and attrs["by"] != "sector":
            raise serializers.ValidationError({"benchmark": ["Effects are told by sector: give by=sector."]})
        return super().validate(attrs)

"""The review queue of securities that could not be mapped for sure."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import mark_safe

from history.market import mapping
from history.market.symbols import TickerTaken
from history.models import MappingReview, SecurityMapping
from history.providers.base import Listing
from portfolio_site.lib.confirmed import confirmed_action

RENAME_FIRST = "Enter the symbol change or the delisting of the other under Corrections first."


class CorrectionForm(forms.ModelForm):
    """The symbol that prices it, where none of the candidates does."""

    symbol = forms.CharField(max_length=40, help_text="As the market has it: AAPL, BRK-B, BTC-USD.")
    exchange = forms.CharField(max_length=20, required=False, help_text="Empty for the United States.")

    class Meta:
        model = MappingReview
        fields: tuple[str, ...] = ()


@admin.register(MappingReview)
class MappingReviewAdmin(admin.ModelAdmin):
    """Accept the best candidate, leave it to the brokerage, or open one and say which symbol it is."""

    form = CorrectionForm
    list_display = ("security", "name", "state", "best", "people", "searched_at", "tries")
    list_filter = ("state", "security__type")
    list_select_related = ("security",)
    search_fields = ("security__ticker_symbol", "security__name", "security__cusip", "security__isin")
    readonly_fields = ("security", "name", "state", "found", "people", "searched_at", "tries")
    actions = ("accept", "ignore")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """The search adds them."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Settled ones stay, so that nobody is asked again."""
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[MappingReview]:
        """With how many people hold it."""
        held = Q(security__holdings__removed_at__isnull=True)
        people = Count("security__holdings__owner", filter=held, distinct=True)
        return super().get_queryset(request).annotate(people=people).order_by("state", "-people", "pk")

    def save_model(self, request: HttpRequest, obj: MappingReview, form: Any, change: bool) -> None:
        """A correction: the accounts concerned are priced anew."""
        listing = Listing(form.cleaned_data["symbol"].strip().upper(), exchange=form.cleaned_data["exchange"].strip())
        try:
            mapping.settle(security=obj.security, listing=listing, method=SecurityMapping.Method.OPERATOR)
        except TickerTaken as error:
            self.message_user(request, f"Not mapped: {error}. {RENAME_FIRST}", messages.ERROR)

    @confirmed_action("Accept the best candidate", explains="The accounts that hold them are priced anew.")
    def accept(self, request: HttpRequest, queryset: QuerySet[MappingReview]) -> str:
        """Those without a candidate are left."""
        rows = [row for row in queryset.select_related("security") if row.candidates]
        taken = []
        for row in rows:
            best = row.candidates[0]
            listing = Listing(best["symbol"], best["name"], best["exchange"], best["currency"])
            method = SecurityMapping.Method.OPERATOR
            try:
                mapping.settle(security=row.security, listing=listing, method=method, confidence=best["confidence"])
            except TickerTaken as error:
                taken.append(str(error))
        refused = f" Not mapped: {'; '.join(taken)}. {RENAME_FIRST}" if taken else ""
        return f"{len(rows) - len(taken)} mapped.{refused}"

    @confirmed_action("Leave to the brokerage", explains="They keep the brokerage's price, and nobody is asked again.")
    def ignore(self, request: HttpRequest, queryset: QuerySet[MappingReview]) -> str:
        """For what no market prices."""
        rows = list(queryset.select_related("security"))
        for row in rows:
            mapping.ignore(review=row)
        return f"{len(rows)} left to the brokerage."

    @admin.display
    def name(self, review: MappingReview) -> str:
        """Of the security."""
        return review.security.name

    @admin.display(description="Best candidate")
    def best(self, review: MappingReview) -> str:
        """With its confidence."""
        if not review.candidates:
            return "-"
        best = review.candidates[0]
        return f"{best['symbol']} {best['confidence']:.0%} {best['name']}"

    @admin.display(description="Held by", ordering="people")
    def people(self, review: Any) -> str:
        """How many people a decision concerns."""
        return f"{review.people} people"

    @admin.display(description="Candidates")
    def found(self, review: MappingReview) -> str:
        """All that were found."""
        rows = (
            (one["symbol"], one["exchange"] or "US", one["currency"], one["name"], f"{one['confidence']:.0%}")
            for one in review.candidates
        )
        return format_html_join(mark_safe("<br>"), "{} ({}, {}) {}: {}", rows) or "none"

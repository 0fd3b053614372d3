"""`GET /api/quote/{symbol}`: the last good price of a symbol, and how fresh it is."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.cache import get_conditional_response, patch_cache_control
from django.utils.http import quote_etag
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import exceptions, serializers
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from history.core.freshness import POLL_SECONDS, Freshness, poll_seconds
from history.market.quotes import LastQuote, claim_due, last_quote
from history.market.symbols import symbol_named
from history.models import MarketSymbol
from history.tasks import enqueue_quotes
from investments.api.numbers import QuantityText
from portfolio_site.lib.queries import Query

ASKED_AGAIN_SECONDS = 2  # a worker has been told to ask: its answer will be there
EXAMPLE = {
    "symbol": "AAPL",
    "exchange": "",
    "currency": "USD",
    "price": "227.5",
    "previous_close": "228.7",
    "change": "-1.2",
    "change_percent": -0.5247,
    "at": "2026-11-20T15:42:07Z",
    "provider": "fmp",
    "session": "regular",
    "delay_minutes": 0,
    "freshness": {"state": "live", "text": "Live 10:42:07 ET"},
    "poll_after_seconds": 30,
}


@dataclass(frozen=True, slots=True)
class Told:
    """A quote with the symbol it is of, at the moment it is told."""

    symbol: MarketSymbol
    quote: LastQuote
    now: datetime
    is_asked_for: bool

    @property
    def freshness(self) -> Freshness:
        return self.quote.freshness(self.now)

    @property
    def poll_after_seconds(self) -> int:
        seconds = poll_seconds(self.now, round_the_clock=self.quote.round_the_clock)
        is_old = self.freshness.state in ("close", "stale") and seconds <= POLL_SECONDS["pre"]
        return ASKED_AGAIN_SECONDS if self.is_asked_for and is_old else seconds


class QuoteQuery(Query):
    """Which listing, where a symbol has several."""

    exchange = serializers.CharField(
        required=False, max_length=20, help_text="Market identifier code. Without it the US listing, if there is one."
    )


class QuoteFreshnessSerializer(serializers.Serializer[Freshness]):
    state = serializers.ChoiceField(choices=["live", "delayed", "close", "stale"])
    text = serializers.CharField(help_text="For people, in New York's time.")


class QuoteSerializer(serializers.Serializer[Told]):
    symbol = serializers.CharField(source="symbol.symbol")
    exchange = serializers.CharField(source="symbol.exchange", allow_blank=True, help_text="Empty for a US listing.")
    currency = serializers.CharField(source="symbol.currency")
    price = QuantityText(source="quote.price")
    previous_close = QuantityText(source="quote.previous_close", allow_null=True)
    change = QuantityText(source="quote.change", allow_null=True, help_text="Since the previous close.")
    change_percent = serializers.SerializerMethodField()
    at = serializers.DateTimeField(source="quote.at", help_text="When the price was made.")
    provider = serializers.CharField(source="quote.provider")
    session = serializers.ChoiceField(
        source="quote.session", choices=["pre", "regular", "post", "closed"], help_text="In which it was made."
    )
    delay_minutes = serializers.IntegerField(source="quote.delay_minutes")
    freshness = QuoteFreshnessSerializer()
    poll_after_seconds = serializers.IntegerField(help_text="When it is worth asking again.")

    def get_change_percent(self, told: Told) -> float | None:
        fraction = told.quote.change_fraction
        return None if fraction is None else round(fraction * 100, 4)


class QuoteView(APIView):
    @extend_schema(
        tags=["market"],
        summary="Last quote",
        parameters=[
            OpenApiParameter("symbol", str, OpenApiParameter.PATH, description="As `AAPL`, `BRK-B` or `BTC-USD`."),
            QuoteQuery,
        ],
        responses={200: QuoteSerializer, 304: None},
        examples=[OpenApiExample("While the market is open", value=EXAMPLE, status_codes=["200"])],
    )
    def get(self, request: Request, symbol: str) -> HttpResponseBase:
        """The last good price, or the last close; answers at once. What is old is asked for meanwhile.

        Answers 304 to `If-None-Match` when nothing has changed, and 404 for a symbol without any price.
        """
        query = QuoteQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        now = timezone.now()
        found = symbol_named(symbol, exchange=query.validated_data.get("exchange"))
        quote = last_quote(found, now=now) if found else None
        due = claim_due([found], now=now) if found and (quote is None or quote.is_due(now)) else []
        if found is None or quote is None:
            _ask(due)  # at once: what answers 404 is rolled back
            raise exceptions.NotFound
        transaction.on_commit(lambda: _ask(due))
        return _conditional(request, QuoteSerializer(Told(found, quote, now, bool(due))).data)


def _ask(due: list[int]) -> None:
    if due:
        enqueue_quotes(due)


def _conditional(request: Request, body: Any) -> HttpResponseBase:
    """The answer with its ETag, or 304. When to ask again is no part of what has changed or not."""
    lasting = {name: value for name, value in body.items() if name != "poll_after_seconds"}
    etag = quote_etag(hashlib.sha256(JSONRenderer().render(lasting)).hexdigest()[:32])
    response = Response(body, headers={"ETag": etag})
    patch_cache_control(response, private=True, no_cache=True)
    return get_conditional_response(request._request, etag=etag, response=response) or response

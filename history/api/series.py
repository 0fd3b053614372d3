"""`GET /api/portfolio/history`: columns over days."""

import gzip
import hashlib
from dataclasses import dataclass
from datetime import date
from typing import Any

import orjson
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response, patch_cache_control, patch_vary_headers
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from history.answers import compressed_answer
from history.api.conditional import conditional
from history.api.portfolio import PortfolioView, RoundedMoney
from history.core.resolution import at_resolution
from history.filters import HistoryQuery
from history.intraday import Session, session_minutes
from history.market.benchmarks import UnknownBenchmark, benchmark_index
from history.models import AccountDay
from history.series import Kept, Period, accounts_of, state_of, totals
from history.valuation import market_today
from history.watched import watch
from portfolio_site.lib import rls

EXAMPLE = {
    "currency": "USD",
    "dates": ["2026-11-19", "2026-11-20"],
    "value": ["153152.66", "152340.22"],
    "cash": ["1043.10", "1043.10"],
    "cost_basis": ["120400.00", "120400.00"],
    "net_flow": ["0.00", "0.00"],
    "income": ["0.00", "0.00"],
    "fees": ["0.00", "0.00"],
    "gain": ["0.00", "-812.44"],
    "twrr": [1.0, 0.99469528],
    "quality": [1.0, 1.0],
    "snapshot_type": ["reconstructed", "eod"],
    "missing_rates": [],
}


class MoneyColumn(serializers.ListField):
    child = serializers.DecimalField(max_digits=None, decimal_places=2, allow_null=True)


class BenchmarkSerializer(serializers.Serializer[Any]):
    symbol = serializers.CharField()
    index = serializers.ListField(
        child=serializers.FloatField(allow_null=True),
        help_text="Total return in the base currency: 1 on the first day, null before the first known price.",
    )


class IntradaySerializer(serializers.Serializer[Session]):
    """The last session by the minute; empty columns where nobody looked, or nothing was priced."""

    session = serializers.DateField(source="day")
    times = serializers.ListField(child=serializers.DateTimeField())
    value = serializers.ListField(child=RoundedMoney(), source="values")
    low = RoundedMoney(allow_null=True)
    high = RoundedMoney(allow_null=True)


class HistorySerializer(serializers.Serializer[Any]):
    """Equally long columns, one entry a day, week or month. Only documents: the columns leave as they are."""

    currency = serializers.CharField()
    dates = serializers.ListField(child=serializers.DateField())
    value = MoneyColumn(help_text="Null on a day that lacks an exchange rate.")
    cash = MoneyColumn()
    cost_basis = MoneyColumn(help_text="Null where the basis of any part is unknown.")
    net_flow = MoneyColumn(help_text="Money and assets that came in (above zero) or went out.")
    income = MoneyColumn()
    fees = MoneyColumn()
    gain = MoneyColumn(help_text="Value less the first value less flows since.")
    twrr = serializers.ListField(child=serializers.FloatField(), help_text="Time-weighted index: 1 on the first day.")
    quality = serializers.ListField(
        child=serializers.FloatField(), help_text="Share of value with a real close, 0 to 1."
    )
    snapshot_type = serializers.ListField(child=serializers.ChoiceField(choices=AccountDay.SnapshotType.labels))
    missing_rates = serializers.ListField(child=serializers.CharField())
    benchmark = BenchmarkSerializer(required=False, help_text="Only where one was asked for.")
    intraday = IntradaySerializer(required=False, help_text="Only with `period=1D`.")


class HistoryView(PortfolioView):
    @extend_schema(
        tags=["portfolio"],
        summary="Value over time",
        parameters=[HistoryQuery],
        responses={200: HistorySerializer, 304: None},
        examples=[OpenApiExample("Two days", value=EXAMPLE, status_codes=["200"])],
    )
    def get(self, request: Request) -> HttpResponseBase:
        """Your accounts in total, a day, week or month each, up to today.

        Answers 304 to `If-None-Match` when nothing has changed.
        """
        query = self.query(HistoryQuery)
        known = {account.account_id: account for account in accounts_of(user_id=request.user.pk)}
        chosen = query.chosen({pk: account.source for pk, account in known.items()})
        asked = Asked(
            user=request.user,
            accounts=[known[pk] for pk in chosen],
            days=query.days(today=market_today()),
            currency=self.currency,
            parameters=query.validated_data,
        )
        if (state := asked.state()) is None:
            return conditional(request, asked.content)
        return _kept(request, hashlib.sha256(state.encode()).hexdigest()[:32], asked)


@dataclass(frozen=True, slots=True)
class Asked:
    """A history as it was asked for, by whom."""

    user: Any
    accounts: list[Kept]
    days: Period
    currency: str
    parameters: dict[str, Any]

    def state(self) -> str | None:
        """A text that differs whenever the answer would; None where only the answer itself tells.

        The hash is this user's in this very database, for what is kept may outlive it.
        """
        if "benchmark" in self.parameters or self.parameters.get("period") == "1D":
            return None
        if (accounts := state_of(self.accounts, base_currency=self.currency)) is None:
            return None
        return f"{self.user.get_session_auth_hash()} {self.days} {self.parameters['resolution']} {accounts}"

    @property
    def content(self) -> bytes:
        """The answer, read in a transaction of the user's."""
        with rls.tenant(self.user.pk):
            return orjson.dumps(self._columns())

    def _columns(self) -> dict[str, Any]:
        ids = [account.account_id for account in self.accounts]
        columns = totals(account_ids=ids, period=self.days, base_currency=self.currency, accounts=self.accounts)
        if symbol := self.parameters.get("benchmark"):
            columns["benchmark"] = _benchmark(columns["dates"], symbol, self.currency)
        columns = at_resolution(columns, self.parameters["resolution"])
        if self.parameters.get("period") == "1D":
            watch(user_id=self.user.pk)
            session = session_minutes(account_ids=ids, base_currency=self.currency)
            columns["intraday"] = IntradaySerializer(session, context={"currency": self.currency}).data
        return columns


def _benchmark(dates: list[str], symbol: str, currency: str) -> dict[str, Any]:
    """The benchmark over the same days."""
    days = [date.fromisoformat(day) for day in dates]
    try:
        index = benchmark_index(symbol=symbol, start=days[0], end=days[-1], base_currency=currency) if days else []
    except UnknownBenchmark:
        raise serializers.ValidationError({"benchmark": [f"No price of {symbol} is known."]}) from None
    return {"symbol": symbol.upper(), "index": index}


def _kept(request: Request, tag: str, asked: Asked) -> HttpResponseBase:
    """304, or the answer as it is kept, which is compressed, for whoever takes it so.

    The tag is weak, for it is the same whether compressed or not.
    """
    response = HttpResponse(content_type="application/json", headers={"ETag": f'W/"{tag}"'})
    patch_vary_headers(response, ("Accept-Encoding",))
    patch_cache_control(response, private=True, no_cache=True)
    told = get_conditional_response(request._request, etag=response["ETag"], response=response)
    if told is not None and told is not response:
        return told
    packed = compressed_answer(tag=tag, make=lambda: asked.content)
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        response.content, response["Content-Encoding"] = packed, "gzip"
    else:
        response.content = gzip.decompress(packed)
    return response

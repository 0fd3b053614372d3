"""One security in full, by id and by symbol; and many symbols' prices at once."""

from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import exceptions, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from history.api.portfolio import RoundedMoney
from history.api.positions import POSITION, PositionSerializer
from history.api.quotes import EXAMPLE as QUOTE
from history.api.quotes import QuoteSerializer, Told
from history.assets import NO_PRICES, Asset, PriceSeries, asset_named, asset_with_id, price_series, recent_transactions
from history.market.quotes import last_quote
from history.market.symbols import symbol_named
from history.models import MarketSymbol
from history.positions import Position, positions
from history.valuation import account_worths, market_today, total_worth
from investments.api.numbers import QuantityText
from investments.api.securities import SECURITY, SecuritySerializer
from investments.api.transactions import EXAMPLE as TRANSACTION
from investments.api.transactions import TransactionSerializer
from investments.filters import selected_accounts
from portfolio_site.lib.texts import Text
from portfolio_site.lib.throttling import BULK

YEAR = timedelta(days=365)
RECENT = 20
MOST_SYMBOLS, MOST_DAYS = 100, 731
SERIES = {
    "dates": ["2026-11-19", "2026-11-20"],
    "close": ["228.7", "227.5"],
    "adjusted": ["228.7", "227.5"],
    "adj_close": ["228.44", "227.5"],
    "imputed": [False, True],
}
ASSET = {
    "symbol": "AAPL",
    "exchange": "XNAS",
    "name": "Apple Inc.",
    "asset_class": "equity",
    "currency": "USD",
    "security": SECURITY,
    "quote": QUOTE,
    "prices": SERIES,
    "base_currency": "USD",
    "total_value": "3431.85",
    "position": POSITION,
    "transactions": [TRANSACTION],
}
PRICES = {
    "items": [{"symbol": "AAPL", "exchange": "", "currency": "USD", **SERIES}],
    "unknown": ["NOSUCH"],
}
ASKED = {"symbols": ["AAPL", "NOSUCH"], "from": "2026-11-19", "to": "2026-11-20"}


@dataclass(frozen=True, slots=True)
class Seen:
    """An asset with what is told of it to one caller."""

    asset: Asset
    quote: Told | None
    prices: PriceSeries
    base_currency: str
    total_value: Any
    position: Position | None
    transactions: Any


class SeriesSerializer(serializers.Serializer[PriceSeries]):
    dates = serializers.ListField(child=serializers.DateField())
    close = serializers.ListField(child=QuantityText(), help_text="As traded.")
    adjusted = serializers.ListField(child=QuantityText(), help_text="Divided by all splits since.")
    adj_close = serializers.ListField(child=QuantityText(), help_text="With dividends put back too.")
    imputed = serializers.ListField(
        child=serializers.BooleanField(), help_text="Whether no provider told an adjusted close of that day itself."
    )


class AssetSerializer(serializers.Serializer[Seen]):
    symbol = serializers.CharField(source="asset.code", allow_blank=True)
    exchange = serializers.CharField(source="asset.exchange", allow_blank=True)
    name = serializers.CharField(source="asset.name", allow_blank=True)
    asset_class = serializers.CharField(source="asset.asset_class")
    currency = serializers.CharField(source="asset.currency")
    security = SecuritySerializer(source="asset.security", allow_null=True, help_text="Null where you never had it.")
    quote = QuoteSerializer(allow_null=True, help_text="Null for what only the brokerage prices.")
    prices = SeriesSerializer(help_text="Of a year; empty for what only the brokerage prices.")
    base_currency = serializers.CharField()
    total_value = RoundedMoney(help_text="Of all your accounts, of which the position has its weight.")
    position = PositionSerializer(allow_null=True, help_text="Null where you hold none now.")
    transactions = TransactionSerializer(many=True, help_text=f"Your last {RECENT}.")


class BulkQuery(serializers.Serializer[Any]):
    symbols = serializers.ListField(
        child=Text(max_length=40),
        min_length=1,
        max_length=MOST_SYMBOLS,
        help_text="As `AAPL`, `BRK-B`.",
    )
    start = serializers.DateField(help_text="First day.")
    end = serializers.DateField(required=False, help_text="Last day; today unless given.")

    def get_fields(self) -> Any:
        # `from` cannot be an attribute in Python.
        fields = super().get_fields()
        fields["from"], fields["to"] = fields.pop("start"), fields.pop("end")
        return fields

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs.setdefault("to", max(market_today(), attrs["from"]))
        if attrs["from"] > attrs["to"]:
            raise serializers.ValidationError({"from": ["The range ends before it starts."]})
        if (attrs["to"] - attrs["from"]).days >= MOST_DAYS:
            raise serializers.ValidationError({"from": [f"At most {MOST_DAYS} days at once."]})
        return attrs


class SymbolPricesSerializer(SeriesSerializer):
    symbol = serializers.CharField()
    exchange = serializers.CharField(allow_blank=True)
    currency = serializers.CharField()


class BulkPricesSerializer(serializers.Serializer[Any]):
    items = SymbolPricesSerializer(many=True)
    unknown = serializers.ListField(child=serializers.CharField(), help_text="Symbols that nobody knows.")


class _AssetView(APIView):
    def answered(self, asset: Asset | None) -> Response:
        if asset is None:
            raise exceptions.NotFound
        seen = _seen(self.request.user, asset)
        return Response(AssetSerializer(seen, context={"currency": seen.base_currency}).data)


class SecurityView(_AssetView):
    @extend_schema(
        tags=["investments"],
        summary="A security of yours",
        responses=AssetSerializer,
        examples=[OpenApiExample("A stock", value=ASSET)],
    )
    def get(self, request: Request, pk: int) -> Response:
        """What it is, its last price and a year of closes, what you hold of it, and your last transactions."""
        return self.answered(asset_with_id(request.user, pk))


class AssetView(_AssetView):
    @extend_schema(
        tags=["market"],
        summary="An asset by its symbol",
        parameters=[
            OpenApiParameter("symbol", str, OpenApiParameter.PATH, description="As `AAPL`, `BRK-B` or `CUR:USD`.")
        ],
        responses=AssetSerializer,
        examples=[OpenApiExample("A stock", value=ASSET)],
    )
    def get(self, request: Request, symbol: str) -> Response:
        """The same of whatever you hold, funds, bonds, options and cash too, and of any symbol on the market."""
        return self.answered(asset_named(request.user, symbol))


class BulkPricesView(APIView):
    throttle_scope = BULK

    @extend_schema(
        tags=["market"],
        operation_id="v1_prices_bulk",
        summary="Closes of many symbols",
        request=BulkQuery,
        responses={200: BulkPricesSerializer},
        examples=[
            OpenApiExample("Two symbols", value=ASKED, request_only=True),
            OpenApiExample("One of them is known", value=PRICES, response_only=True, status_codes=["200"]),
        ],
    )
    def post(self, request: Request) -> Response:
        """Out of our own store: it answers at once and asks no provider. A symbol without prices has empty columns."""
        query = BulkQuery(data=request.data)
        query.is_valid(raise_exception=True)
        asked: dict[str, Any] = query.validated_data
        found = {text: symbol_named(text) for text in dict.fromkeys(asked["symbols"])}
        symbols = {symbol.pk: symbol for symbol in found.values() if symbol}
        series = price_series(symbol_ids=symbols, start=asked["from"], end=asked["to"])
        items = [_priced(symbol, series.get(pk, NO_PRICES)) for pk, symbol in symbols.items()]
        body = {"items": items, "unknown": [text for text, symbol in found.items() if symbol is None]}
        return Response(BulkPricesSerializer(body).data)


def _priced(symbol: MarketSymbol, series: PriceSeries) -> dict[str, Any]:
    columns = asdict(series)
    return {"symbol": symbol.symbol, "exchange": symbol.venue, "currency": symbol.currency, **columns}


def _seen(user: Any, asset: Asset) -> Seen:
    worths = account_worths(account_ids=selected_accounts(user_id=user.pk), base_currency=user.base_currency)
    total = total_worth(worths, base_currency=user.base_currency).value
    held = positions(worths=worths, total_value=total, security_ids=asset.security_ids)
    return Seen(
        asset=asset,
        quote=_quote(asset.symbol),
        prices=_prices(asset.symbol),
        base_currency=user.base_currency,
        total_value=total,
        position=held[0] if held else None,
        transactions=recent_transactions(user, asset, count=RECENT),
    )


def _quote(symbol: MarketSymbol | None) -> Told | None:
    now = timezone.now()
    quote = last_quote(symbol, now=now) if symbol else None
    return Told(symbol, quote, now, False) if symbol and quote else None


def _prices(symbol: MarketSymbol | None) -> PriceSeries:
    today: date = market_today()
    found = price_series(symbol_ids=[symbol.pk], start=today - YEAR, end=today) if symbol else {}
    return found.get(symbol.pk, NO_PRICES) if symbol else NO_PRICES

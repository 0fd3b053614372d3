"""One security as somebody looks at it: what it is, what it costs and cost, and what of it they hold."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from math import prod
from typing import Any, NamedTuple

from django.db.models import Q, QuerySet

from history.core.adjust import ONE, Event, Formula, back_adjusted, split_adjusted
from history.market.symbols import symbol_named
from history.models import MarketSymbol, Price, SymbolAction
from history.valuation import market_today
from investments.filters import securities_of
from investments.models import Security, Transaction

# Enough for any price: digits that a division by a split ratio adds say nothing.
PLACES = Decimal("0.00000001")


@dataclass(frozen=True, slots=True)
class Asset:
    """A security under all the ids that its sources give it, and the symbol that prices it.

    `security` is None for a symbol of which the caller has nothing, `symbol` where the brokerage prices it.
    """

    security: Security | None
    symbol: MarketSymbol | None
    security_ids: tuple[int, ...]

    @property
    def name(self) -> str:
        return self.security.name if self.security else ""

    @property
    def code(self) -> str:
        """What it is called on the market, else by its source."""
        return self.symbol.symbol if self.symbol else (self.security.ticker_symbol if self.security else "")

    @property
    def exchange(self) -> str:
        listed = self.symbol.venue if self.symbol else ""
        return listed or (self.security.market_identifier_code if self.security else "")

    @property
    def currency(self) -> str:
        if self.symbol:
            return self.symbol.currency
        return self.security.currency if self.security else ""

    @property
    def asset_class(self) -> str:
        if self.security:
            return self.security.type
        return self.symbol.kind if self.symbol else "other"


@dataclass(frozen=True, slots=True)
class PriceSeries:
    """Closes of one symbol, ascending: as traded, divided by all splits since, and with dividends put back too.

    `adj_close` follows from the raw closes and the actions known now, so that it never goes stale; `imputed`: no
    provider told one of that day that it could be held against.
    """

    dates: list[date]
    close: list[Decimal]
    adjusted: list[Decimal]
    adj_close: list[Decimal]
    imputed: list[bool]


NO_PRICES = PriceSeries([], [], [], [], [])


def asset_with_id(user: Any, security_id: int) -> Asset | None:
    """The user's security of that id, with its other ids; None where it is not theirs."""
    security = securities_of(user).select_related("mapping__symbol").filter(pk=security_id).first()
    return _asset(user, security) if security else None


def asset_named(user: Any, text: str) -> Asset | None:
    """What the user has of that ticker, however it is written; else the market's symbol. None: nobody knows it."""
    symbol, ticker = symbol_named(text), text.replace("\x00", "").strip()
    named = Q(ticker_symbol__iexact=ticker) | (Q(mapping__symbol=symbol.pk) if symbol else Q())
    cash = Q(type="cash", ticker_symbol__iexact=f"CUR:{ticker}")
    own = securities_of(user).filter(named | cash) if ticker else Security.objects.none()
    security = own.select_related("mapping__symbol").order_by("pk").first()
    if security:
        return _asset(user, security)
    return Asset(None, symbol, ()) if symbol else None


def _asset(user: Any, security: Security) -> Asset:
    symbol = _symbol_of(security)
    same = Q(pk=security.pk) | Q(same_as=security.pk)
    if symbol:
        same |= Q(mapping__symbol=symbol.pk)
    elif security.ticker_symbol:
        same |= Q(mapping__symbol=None, type=security.type, ticker_symbol__iexact=security.ticker_symbol)
    return Asset(security, symbol, tuple(securities_of(user).filter(same).order_by("pk").values_list("pk", flat=True)))


def _symbol_of(security: Security) -> MarketSymbol | None:
    mapping = getattr(security, "mapping", None)
    return mapping.symbol if mapping else None


def recent_transactions(user: Any, asset: Asset, *, count: int) -> "QuerySet[Transaction]":
    """The last so many, newest first."""
    ledger = Transaction.objects.for_user(user).current().newest_first().filter(security__in=asset.security_ids)
    return ledger.select_related("account", "security")[:count]


def price_series(*, symbol_ids: Collection[int], start: date, end: date) -> Mapping[int, PriceSeries]:
    """Closes of the days from `start` to `end` by symbol id; symbols without any are left out. Two queries."""
    rows = Price.objects.filter(symbol__in=symbol_ids, day__range=(start, end)).order_by("symbol", "day")
    closes: dict[int, list[_Close]] = {}
    for symbol_id, *close in rows.values_list("symbol_id", "day", "close", "adj_close"):
        closes.setdefault(symbol_id, []).append(_Close(*close))
    events: dict[int, list[Event]] = {}
    happened = SymbolAction.objects.filter(symbol__in=list(closes), voided=False, ex_date__lte=max(end, market_today()))
    told = happened.filter(ex_date__gt=start).order_by("symbol", "ex_date", "kind")
    for symbol_id, ex_date, ratio, amount in told.values_list("symbol_id", "ex_date", "ratio", "cash_per_unit"):
        events.setdefault(symbol_id, []).append(Event(ex_date, ratio or ONE, amount or Decimal(0)))
    return {symbol_id: _series(found, events.get(symbol_id, [])) for symbol_id, found in closes.items()}


class _Close(NamedTuple):
    day: date
    close: Decimal
    told: Decimal | None


def _series(found: Sequence[_Close], events: Sequence[Event]) -> PriceSeries:
    days, closes = [one.day for one in found], [one.close for one in found]
    imputed = [one.told is None for one in found]
    if not events:
        return PriceSeries(days, closes, closes, closes, imputed)
    splits = [Event(event.ex_date, event.ratio) for event in events if event.ratio != ONE]
    adjusted = split_adjusted(days, closes, splits)
    return PriceSeries(days, closes, _rounded(adjusted), _rounded(_with_dividends(days, closes, events)), imputed)


def _with_dividends(days: Sequence[date], closes: Sequence[Decimal], events: Sequence[Event]) -> list[Decimal]:
    """Adjusted for splits and dividends, on today's scale. A dividend as large as the price cannot be put back."""
    since = prod((event.ratio for event in events if event.ex_date > days[-1]), start=ONE)
    try:
        series = back_adjusted(days, closes, events, Formula.YAHOO)
    except ValueError:
        series = back_adjusted(days, closes, events, Formula.WIKI)
    return [close / since for close in series]


def _rounded(closes: Sequence[Decimal]) -> list[Decimal]:
    return [close.quantize(PLACES) for close in closes]

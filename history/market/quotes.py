"""The last good quote of each symbol, in Redis for all processes to read.

Nobody who looks at a price waits for a provider: they read the last good quote, or the last close of the store where
there is none, and a worker asks for a new one. Losing Redis loses what the next question brings back.
"""

import logging
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from math import prod
from typing import Any, Final

from django.core.cache import cache
from django.utils import timezone
from redis.exceptions import RedisError

from history.core.freshness import Freshness, QuoteAge, close_freshness, quote_freshness, session_of
from history.market.continuity import last_known
from history.market.spend import count_rejected
from history.models import MarketSymbol, Price, SymbolAction
from history.providers import DataProviderChain, configured_chain
from history.providers.base import DailyPrice, Quote, Split
from history.providers.garbage import believable
from portfolio_site.lib.sessions import NEW_YORK, closes_at, is_session, market_state, previous_session

logger = logging.getLogger(__name__)

KEPT_SECONDS: Final = 7 * 24 * 3600  # after that the last close says more
OPEN_FOR, CLOSED_FOR = timedelta(seconds=1), timedelta(minutes=5)  # how long a quote is not asked for again
UNANSWERED_FOR: Final = timedelta(seconds=15)  # what nobody could answer is not asked at every look
CLOCK_SKEW: Final = timedelta(minutes=2)  # a quote further in the future is garbage
Kind = MarketSymbol.Kind


@dataclass(frozen=True, slots=True)
class LastQuote:
    """A price in its symbol's currency. `asked_at` is None for a close of the store."""

    symbol_id: int
    price: Decimal
    at: datetime
    provider: str
    session: str
    delay_minutes: int
    previous_close: Decimal | None
    asked_at: datetime | None
    round_the_clock: bool = False

    @property
    def change(self) -> Decimal | None:
        """Since the close before."""
        return None if self.previous_close is None else self.price - self.previous_close

    @property
    def change_fraction(self) -> float | None:
        change = self.change
        return float(change / self.previous_close) if change is not None and self.previous_close else None

    def freshness(self, now: datetime) -> Freshness:
        """In words, and as a state."""
        if self.asked_at is None:
            return close_freshness(previous_session(self.at.astimezone(NEW_YORK).date(), inclusive=True), now)
        return quote_freshness(QuoteAge(self.at, self.asked_at, self.delay_minutes, self.round_the_clock), now)

    def is_due(self, now: datetime) -> bool:
        """Whether a provider may be asked again."""
        return self.asked_at is None or now - self.asked_at >= _kept_for(self.round_the_clock, now)


def last_quote(symbol: MarketSymbol, *, now: datetime | None = None) -> LastQuote | None:
    """The last good quote, or the last close where that is newer or nothing else is known; None without either."""
    known = cached_quotes([symbol]).get(symbol.pk)
    if known is not None and not known.is_due(now or timezone.now()):
        return known
    close = _last_close(symbol)
    return max((quote for quote in (close, known) if quote), key=lambda quote: quote.at, default=None)


def cached_quotes(symbols: Collection[MarketSymbol]) -> dict[int, LastQuote]:
    """The quotes Redis has, by symbol id, in one question; none without Redis."""
    kinds = {symbol.pk: symbol.kind for symbol in symbols}
    try:
        found = cache.get_many([_key(pk) for pk in kinds]) if kinds else {}
    except RedisError:
        logger.warning("no quotes: the cache cannot be reached")
        return {}
    quotes = {pk: _read(pk, found.get(_key(pk)), kinds[pk] == Kind.CRYPTO) for pk in kinds}
    return {pk: quote for pk, quote in quotes.items() if quote}


def claim_due(symbols: Iterable[MarketSymbol], *, now: datetime | None = None) -> list[int]:
    """Ids of the symbols to ask for now, which nobody else is told to ask for until there is an answer or it is late.

    None without Redis: an answer could be kept nowhere.
    """
    now = now or timezone.now()
    try:
        return [symbol.pk for symbol in symbols if cache.add(_claim(symbol.pk), 1, _patience(symbol, now))]
    except RedisError:
        return []


def refresh_quotes(
    *, symbol_ids: Iterable[int], chain: DataProviderChain | None = None, now: datetime | None = None
) -> int:
    """Ask for those of the symbols whose quote is due; returns how many good ones came. Call outside of transactions.

    What cannot be true is logged and leaves the last good quote as it is; an older one never replaces a newer.
    """
    now = now or timezone.now()
    symbols = list(MarketSymbol.objects.filter(pk__in=set(symbol_ids), active=True).order_by("pk"))
    known = cached_quotes(symbols)
    due = [symbol for symbol in symbols if symbol.pk not in known or known[symbol.pk].is_due(now)]
    told = (chain or configured_chain()).quotes(sorted({symbol.asked_as for symbol in due})) if due else {}
    asked = [symbol for symbol in due if symbol.asked_as in told]
    before, good = last_known([symbol.pk for symbol in asked], date.max), []
    for symbol in asked:
        quote = told[symbol.asked_as]
        if is_believable(quote, *before[symbol.pk], now=now):
            good.append(_newer(_told(symbol, quote, now), known.get(symbol.pk)))
        else:
            logger.warning("%s: the quote %s of %s rejected", quote.provider, quote.price, symbol.symbol)
            count_rejected(quote.provider, 1)
    _keep(good)
    return len(good)


def is_believable(quote: Quote, close: DailyPrice | None, splits: Sequence[Split], *, now: datetime) -> bool:
    """Whether the quote can be true beside the last close known and the splits since."""
    if quote.at > now + CLOCK_SKEW:
        return False
    told = DailyPrice(quote.at.astimezone(NEW_YORK).date(), quote.price)
    return told in believable([close, told] if close else [told], splits)


def _told(symbol: MarketSymbol, quote: Quote, now: datetime) -> LastQuote:
    coin = symbol.kind == Kind.CRYPTO
    return LastQuote(
        symbol_id=symbol.pk,
        price=quote.price,
        at=quote.at,
        provider=quote.provider,
        session="regular" if coin else session_of(quote.at),
        delay_minutes=quote.delay_minutes,
        previous_close=quote.previous_close,
        asked_at=now,
        round_the_clock=coin,
    )


def _newer(told: LastQuote, known: LastQuote | None) -> LastQuote:
    """A provider further down the chain may be behind; that it was asked counts all the same."""
    return replace(known, asked_at=told.asked_at) if known and known.at > told.at else told


def _last_close(symbol: MarketSymbol) -> LastQuote | None:
    closes = list(Price.objects.filter(symbol=symbol).order_by("-day").values_list("day", "close", "source")[:2])
    if not closes:
        return None
    day, close, source = closes[0]
    return LastQuote(
        symbol_id=symbol.pk,
        price=close,
        at=closes_at(day).astimezone(UTC) if is_session(day) else datetime.combine(day, time.max, UTC),
        provider=source,
        session="closed",
        delay_minutes=0,
        previous_close=closes[1][1] / _ratio(symbol, closes[1][0], day) if len(closes) > 1 else None,
        asked_at=None,
        round_the_clock=symbol.kind == Kind.CRYPTO,
    )


def _ratio(symbol: MarketSymbol, after: date, until: date) -> Decimal:
    """New shares per old one over the days after `after`."""
    splits = SymbolAction.objects.filter(
        symbol=symbol, kind=SymbolAction.Kind.SPLIT, voided=False, ratio__gt=0, ex_date__gt=after, ex_date__lte=until
    )
    return prod(splits.values_list("ratio", flat=True), start=Decimal(1))


def _kept_for(round_the_clock: bool, now: datetime) -> timedelta:
    return OPEN_FOR if round_the_clock or market_state(now) == "regular" else CLOSED_FOR


def _patience(symbol: MarketSymbol, now: datetime) -> float:
    return max(UNANSWERED_FOR, _kept_for(symbol.kind == Kind.CRYPTO, now)).total_seconds()


def _key(symbol_id: int) -> str:
    return f"quote:{symbol_id}"


def _claim(symbol_id: int) -> str:
    return f"quote-asked:{symbol_id}"


def _keep(quotes: Sequence[LastQuote]) -> None:
    """Plain values under plain keys: another release may read them."""
    try:
        cache.set_many({_key(quote.symbol_id): _written(quote) for quote in quotes}, KEPT_SECONDS)
        cache.delete_many([_claim(quote.symbol_id) for quote in quotes])
    except RedisError:
        logger.warning("quotes are not kept: the cache cannot be reached")


def _written(quote: LastQuote) -> dict[str, Any]:
    return {
        "price": str(quote.price),
        "at": quote.at.isoformat(),
        "provider": quote.provider,
        "session": quote.session,
        "delay_minutes": quote.delay_minutes,
        "previous_close": None if quote.previous_close is None else str(quote.previous_close),
        "asked_at": quote.asked_at.isoformat() if quote.asked_at else None,
    }


def _read(symbol_id: int, told: Any, round_the_clock: bool) -> LastQuote | None:
    """None for what is not there, or was written by a release that wrote it otherwise."""
    try:
        before = told["previous_close"]
        return LastQuote(
            symbol_id=symbol_id,
            price=Decimal(told["price"]),
            at=datetime.fromisoformat(told["at"]),
            provider=told["provider"],
            session=told["session"],
            delay_minutes=told["delay_minutes"],
            previous_close=None if before is None else Decimal(before),
            asked_at=datetime.fromisoformat(told["asked_at"]),
            round_the_clock=round_the_clock,
        )
    except (TypeError, KeyError, ValueError, InvalidOperation):
        return None

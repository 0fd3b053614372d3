"""Finding a public price for what the ticker did not give one: by CUSIP, by ISIN, by name, and else by an operator.

A step that finds exactly one listing in the security's currency settles it; a name has to agree to more than 90 %.
Whatever is less sure waits in the review queue with its candidates. What is settled stays.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from rapidfuzz import fuzz, utils

from history.core import venues
from history.invalidation import securities_changed
from history.market.symbols import KINDS, TickerTaken, currency_of, exchange_named, free_from, refuse_anothers
from history.models import MappingReview, MarketSymbol, Price, SecurityMapping
from history.providers import DataProviderChain, ProviderError, configured_chain
from history.providers.base import Listing
from investments.core.currencies import major
from investments.models import Holding, Security

logger = logging.getLogger(__name__)

Method = SecurityMapping.Method
State = MappingReview.State
LEAST_CONFIDENCE: Final = 0.90
MOST_CANDIDATES: Final = 8
AGAIN_AFTER: Final = timedelta(days=7)
LIMIT: Final = 200


@dataclass(frozen=True, slots=True)
class Candidate:
    """A listing that may be the security, and how sure that is, 0 to 1."""

    listing: Listing
    confidence: float

    def as_json(self) -> dict[str, Any]:
        """For the review."""
        one = self.listing
        return {
            "symbol": one.symbol, "exchange": one.exchange, "currency": one.currency, "name": one.name,
            "confidence": round(self.confidence, 3),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Searched:
    """How many securities were mapped, and how many wait for an operator; `failed`: nobody could be asked."""

    mapped: int = 0
    waiting: int = 0
    failed: int = 0


def unpriced_securities(*, now: datetime | None = None, limit: int = LIMIT) -> list[Security]:
    """Held securities of a kind that markets price and that no symbol prices, not searched for lately."""
    lately = MappingReview.objects.filter(
        Q(searched_at__gte=(now or timezone.now()) - AGAIN_AFTER) | ~Q(state=State.OPEN), security=OuterRef("pk")
    )
    held = Holding.objects.held().filter(security=OuterRef("pk"))
    priced = Price.objects.filter(symbol=OuterRef("mapping__symbol"))
    unknown_ticker = Q(mapping__method=Method.TICKER, mapping__symbol__priced_to__isnull=False) & ~Exists(priced)
    unmapped = Q(mapping__method=Method.BROKERAGE, mapping__symbol=None)
    wanted = Security.objects.filter(unmapped | unknown_ticker, Exists(held), ~Exists(lately), type__in=list(KINDS))
    return list(wanted.order_by("pk")[:limit])


def search_symbols(*, chain: DataProviderChain | None = None, now: datetime | None = None) -> Searched:
    """Search for what has no price. Call outside of transactions, as the worker: it talks to the network."""
    chain = chain or configured_chain()
    mapped = waiting = failed = 0
    for security in unpriced_securities(now=now):
        try:
            found = _search(security, chain)
        except ProviderError as error:
            logger.warning("security %d could not be searched for: %s", security.pk, error)
            failed += 1
            continue
        if found.method and _is_settled(security, found.candidates[0], found.method):
            mapped += 1
        else:
            _put_up_for_review(security, found.candidates, now or timezone.now())
            waiting += 1
    return Searched(mapped, waiting, failed)


def _is_settled(security: Security, candidate: Candidate, method: str) -> bool:
    try:
        settle(security=security, listing=candidate.listing, method=method, confidence=candidate.confidence)
    except TickerTaken as error:
        logger.warning("security %d waits for an operator: %s", security.pk, error)
        return False
    return True


@dataclass(frozen=True, slots=True)
class _Found:
    """`method` None: none of the candidates is sure."""

    candidates: Sequence[Candidate]
    method: str | None = None


def _search(security: Security, chain: DataProviderChain) -> _Found:
    doubtful: list[Candidate] = []
    steps: list[tuple[str, str, Callable[[], list[Listing]]]] = [
        (security.cusip, Method.CUSIP, lambda: chain.search(cusip=security.cusip)),
        (security.isin, Method.ISIN, lambda: chain.search(isin=security.isin)),
        (security.name, Method.NAME, lambda: chain.search(name=security.name)),
    ]
    for known, method, ask in steps:
        if not known:
            continue
        candidates = [_candidate(security, listing, method) for listing in _fitting(security, ask())]
        sure = [one for one in candidates if one.confidence > LEAST_CONFIDENCE]
        if len({(one.listing.symbol, _exchange(security, one.listing)) for one in sure}) == 1:
            return _Found(sure, method)
        doubtful += candidates
    return _Found(sorted(doubtful, key=lambda one: -one.confidence)[:MOST_CANDIDATES])


def _fitting(security: Security, listings: Iterable[Listing]) -> list[Listing]:
    """A CUSIP or ISIN is listed in many places: those in the security's currency, and of these the ones at its venue.

    Without a venue it is at home in the United States, if it is listed there at all.
    """
    found = [one for one in listings if not one.currency or major(one.currency)[0] == currency_of(security)]
    venue = exchange_named(security.market_identifier_code)
    at_venue = [one for one in found if exchange_named(one.exchange) == venue]
    return at_venue or found


def _candidate(security: Security, listing: Listing, method: str) -> Candidate:
    """An identifier found is sure; a name is as sure as it agrees."""
    if method != Method.NAME:
        return Candidate(listing, 1.0)
    ratio = fuzz.token_sort_ratio(security.name, listing.name, processor=utils.default_process)
    return Candidate(listing, ratio / 100)


def _put_up_for_review(security: Security, candidates: Sequence[Candidate], now: datetime) -> None:
    review, is_new = MappingReview.objects.get_or_create(security=security, defaults={"searched_at": now})
    review.candidates = [one.as_json() for one in candidates]
    review.searched_at, review.tries = now, review.tries + (not is_new)
    review.save(update_fields=["candidates", "searched_at", "tries"])


def propose(*, security: Security, listing: Listing, confidence: float = 0.5) -> None:
    """Put a listing up for an operator to say whether it is the security; what is ignored for good stays ignored."""
    review, _ = MappingReview.objects.get_or_create(security=security)
    candidate = Candidate(listing, confidence).as_json()
    if review.state != State.IGNORED and candidate not in review.candidates:
        review.candidates, review.state = [candidate, *review.candidates][:MOST_CANDIDATES], State.OPEN
        review.save(update_fields=["candidates", "state"])


@transaction.atomic
def settle(*, security: Security, listing: Listing, method: str, confidence: float = 1.0) -> int:
    """Price the security by this listing from now on; its histories follow. Returns how many accounts were marked.

    Raises TickerTaken where the listing's prices are still those of another company that had the ticker.
    """
    kind = listing.kind or KINDS.get(security.type, MarketSymbol.Kind.OTHER)
    name = listing.symbol, _exchange(security, listing)
    refuse_anothers(security, name)
    symbol, _ = MarketSymbol.objects.get_or_create(
        symbol=name[0],
        exchange=name[1],
        defaults={
            "currency": major(listing.currency)[0] or currency_of(security), "kind": kind,
            "listed_from": free_from(name),
        },
    )  # fmt: skip
    SecurityMapping.objects.update_or_create(
        security=security,
        defaults={
            "symbol": symbol, "method": method, "confidence": Decimal(str(round(confidence, 3))),
            "mapped_at": timezone.now(),
        },
    )  # fmt: skip
    MappingReview.objects.filter(security=security).update(state=State.SETTLED)
    return securities_changed([security.pk], date.min)


def _exchange(security: Security, listing: Listing) -> str:
    """Where it is listed; a name that nobody knows means the United States, unless the security is from abroad."""
    mic = venues.mic_of(listing.exchange)
    if mic is not None:
        return mic
    return exchange_named(listing.exchange) if exchange_named(security.market_identifier_code) else ""


@transaction.atomic
def ignore(*, review: MappingReview) -> None:
    """Leave the security to its brokerage's price, and ask nobody about it again."""
    SecurityMapping.objects.update_or_create(
        security=review.security, defaults={"symbol": None, "method": Method.BROKERAGE, "confidence": 1}
    )
    MappingReview.objects.filter(pk=review.pk).update(state=State.IGNORED)
    securities_changed([review.security_id], date.min)

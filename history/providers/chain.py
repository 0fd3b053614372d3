"""The chain that asks one provider after the other: what one answered is kept, only the rest is asked of the next."""

import logging
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TypeVar

from django.conf import settings

from history.providers.base import (
    REGISTRY,
    Actions,
    DailyPrice,
    DataProvider,
    Interrupted,
    Listing,
    ListingChanges,
    Pair,
    ProviderError,
    Quote,
    Rate,
    Unsupported,
)
from history.providers.garbage import believable

logger = logging.getLogger(__name__)

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Answer:
    """One symbol's prices, oldest first, and actions, from one provider."""

    source: str
    prices: tuple[DailyPrice, ...]
    actions: Actions
    rejected: int = 0


@dataclass(slots=True)
class Fetched:
    """What the chain found. `failed`: symbols that a provider might know but could not be asked about now."""

    answers: dict[str, Answer] = field(default_factory=dict)
    failed: set[str] = field(default_factory=set)


class DataProviderChain:
    """Providers in order; what one answered is kept, and only the rest asked of the next."""

    def __init__(self, providers: Sequence[DataProvider]) -> None:
        self.providers = tuple(providers)

    def fetch(self, symbols: Sequence[str], start: date, end: date) -> Fetched:
        """Prices and actions of the symbols from `start` to `end`, both included. Never raises ProviderError."""
        fetched = Fetched()
        for provider in self.providers:
            wanted = [symbol for symbol in symbols if symbol not in fetched.answers]
            if not wanted:
                break
            self._ask(provider, wanted, start, end, fetched)
        fetched.failed -= fetched.answers.keys()
        return fetched

    def _ask(self, provider: DataProvider, wanted: list[str], start: date, end: date, fetched: Fetched) -> None:
        prices, failed = _asked(provider.name, wanted, lambda: provider.daily_prices(wanted, start, end))
        known = [symbol for symbol in wanted if symbol in prices]
        actions, without_actions = _asked(provider.name, known, lambda: provider.corporate_actions(known, start, end))
        # Prices whose splits nobody could be asked for are not believed: they may be on another scale.
        fetched.failed |= failed | without_actions
        for symbol in known:
            if symbol not in without_actions:
                fetched.answers[symbol] = _sifted(provider.name, symbol, prices[symbol], actions.get(symbol, Actions()))

    def actions(
        self, symbols: Sequence[str], start: date, end: date
    ) -> tuple[dict[str, tuple[str, Actions]], set[str]]:
        """(Who told it, splits and dividends) by symbol, and the symbols that nobody could be asked about now."""

        def ask(provider: DataProvider, wanted: list[str]) -> Mapping[str, tuple[str, Actions]]:
            try:
                told = provider.corporate_actions(wanted, start, end)
            except Interrupted as error:
                raise Interrupted(error, _named(provider.name, error.answers)) from error
            return _named(provider.name, told)

        return self._gather(symbols, ask)

    def fx(self, pairs: Sequence[Pair], start: date, end: date) -> tuple[dict[Pair, Sequence[Rate]], set[Pair]]:
        """Rates by pair, oldest first, and the pairs that a provider might know but could not be asked about now."""
        return self._gather(pairs, lambda provider, wanted: provider.fx(wanted, start, end))

    def quotes(self, symbols: Sequence[str]) -> dict[str, Quote]:
        """The last price of each symbol that any provider can tell."""
        return self._gather(symbols, lambda provider, wanted: provider.quotes(wanted))[0]

    def search(self, *, ticker: str = "", cusip: str = "", isin: str = "", name: str = "") -> list[Listing]:
        """What the first provider that finds anything has found; raises ProviderError when none could be asked."""
        errors: list[ProviderError] = []
        for provider in self.providers:
            try:
                found = provider.search(ticker=ticker, cusip=cusip, isin=isin, name=name)
            except Unsupported:
                continue
            except ProviderError as error:
                errors.append(error)
                continue
            if found:
                return list(found)
        if errors:
            raise errors[0]
        return []

    def listing_changes(self, since: date) -> ListingChanges:
        """New names and delistings as the first provider tells them that knows; raises ProviderError if none could."""
        errors: list[ProviderError] = []
        for provider in self.providers:
            try:
                return provider.listing_changes(since)
            except Unsupported:
                continue
            except ProviderError as error:
                errors.append(error)
        if errors:
            raise errors[0]
        return ListingChanges()

    def _gather(
        self, keys: Sequence[Key], ask: Callable[[DataProvider, list[Key]], Mapping[Key, Value]]
    ) -> tuple[dict[Key, Value], set[Key]]:
        answers: dict[Key, Value] = {}
        failed: set[Key] = set()
        for provider in self.providers:
            wanted = [key for key in keys if key not in answers]
            if not wanted:
                break
            found, lost = _asked(provider.name, wanted, lambda: ask(provider, wanted))  # noqa: B023 called at once
            answers.update(found)
            failed |= lost
        return answers, failed - answers.keys()


def _named(source: str, told: Mapping[str, Actions]) -> dict[str, tuple[str, Actions]]:
    return {symbol: (source, actions) for symbol, actions in told.items()}


def _asked(
    provider: str, wanted: Sequence[Key], ask: Callable[[], Mapping[Key, Value]]
) -> tuple[Mapping[Key, Value], set[Key]]:
    """What a provider answered, and what it could not be asked about. No question, no call."""
    if not wanted:
        return {}, set()
    try:
        return ask(), set()
    except Unsupported:
        return {}, set()
    except Interrupted as error:
        answers: Mapping[Key, Value] = error.answers
        left = {key for key in wanted if key not in answers}
        logger.warning("%s could not answer for %d of %d: %s", provider, len(left), len(wanted), error)
        return answers, left
    except ProviderError as error:
        logger.warning("%s could not answer for %d: %s", provider, len(wanted), error)
        return {}, set(wanted)


def _sifted(source: str, symbol: str, prices: Sequence[DailyPrice], actions: Actions) -> Answer:
    """The answer without garbage, which is counted and logged."""
    kept = believable(sorted(prices, key=lambda price: price.day), actions.splits)
    rejected = len(prices) - len(kept)
    if rejected:
        logger.warning("%s: %d of %d prices of %s rejected", source, rejected, len(prices), symbol)
    return Answer(source, tuple(kept), actions, rejected)


def configured_chain() -> DataProviderChain:
    """The chain of settings.MARKET_DATA_PROVIDERS. Raises KeyError for a name nobody registered."""
    return DataProviderChain([REGISTRY[name]() for name in settings.MARKET_DATA_PROVIDERS])

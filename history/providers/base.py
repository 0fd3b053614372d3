"""What a provider of market data answers, and the chain that asks one after the other.

Prices are raw: as traded that day. A symbol missing from an answer is unknown to that provider and is asked of the
next; an empty list means it is known and had no price in the range.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Protocol

from django.conf import settings

from history.providers.garbage import believable

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class DailyPrice:
    """One symbol's session, raw."""

    day: date
    close: Decimal
    open: Decimal | None = None
    high: Decimal | None = None
    low: Decimal | None = None
    adj_close: Decimal | None = None
    volume: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Split:
    """`ratio` new shares per old one, from the start of `ex_date`."""

    ex_date: date
    ratio: Decimal


@dataclass(frozen=True, slots=True)
class Dividend:
    """Cash per share to whoever held it before `ex_date`."""

    ex_date: date
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Actions:
    """What happened to one symbol in a range."""

    splits: tuple[Split, ...] = ()
    dividends: tuple[Dividend, ...] = ()


class ProviderError(Exception):
    """A provider could not answer. `permanent`: asking again the same way is useless."""

    def __init__(self, message: str, *, permanent: bool = False) -> None:
        super().__init__(message)
        self.permanent = permanent


class DataProvider(Protocol):
    """One source of market data. Raises ProviderError; answers only for symbols it knows."""

    name: str

    def daily_prices(self, symbols: Sequence[str], start: date, end: date) -> Mapping[str, Sequence[DailyPrice]]: ...

    def corporate_actions(self, symbols: Sequence[str], start: date, end: date) -> Mapping[str, Actions]: ...


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
        try:
            prices = provider.daily_prices(wanted, start, end)
            actions = provider.corporate_actions([symbol for symbol in wanted if symbol in prices], start, end)
        except ProviderError as error:
            logger.warning("%s could not answer for %d symbols: %s", provider.name, len(wanted), error)
            fetched.failed.update(wanted)
            return
        for symbol in wanted:
            if symbol in prices:
                fetched.answers[symbol] = _sifted(provider.name, symbol, prices[symbol], actions.get(symbol, Actions()))


def _sifted(source: str, symbol: str, prices: Sequence[DailyPrice], actions: Actions) -> Answer:
    """The answer without garbage, which is counted and logged."""
    kept = believable(sorted(prices, key=lambda price: price.day), actions.splits)
    rejected = len(prices) - len(kept)
    if rejected:
        logger.warning("%s: %d of %d prices of %s rejected", source, rejected, len(prices), symbol)
    return Answer(source, tuple(kept), actions, rejected)


REGISTRY: dict[str, Callable[[], DataProvider]] = {}


def register(name: str) -> Callable[[Callable[[], DataProvider]], Callable[[], DataProvider]]:
    """Class decorator: makes a provider known to the setting MARKET_DATA_PROVIDERS under `name`."""

    def remember(factory: Callable[[], DataProvider]) -> Callable[[], DataProvider]:
        REGISTRY[name] = factory
        return factory

    return remember


def configured_chain() -> DataProviderChain:
    """The chain of settings.MARKET_DATA_PROVIDERS. Raises KeyError for a name nobody registered."""
    return DataProviderChain([REGISTRY[name]() for name in settings.MARKET_DATA_PROVIDERS])

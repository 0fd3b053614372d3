"""What a provider of market data answers, and how it says that it cannot.

Prices are raw: as traded that day, in the currency of the listing, never in pence. What is asked for is a symbol, with
the exchange behind it where it is listed abroad (`VOD:XLON`, see `history.core.venues`). A symbol missing from an
answer is unknown to that provider and is asked of the next; an empty list means it is known and had no price in the
range.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Protocol

Pair = tuple[str, str]  # base currency, quote currency


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

    def since(self, first: date) -> "Actions":
        """Those from a day on."""
        return Actions(
            tuple(split for split in self.splits if split.ex_date >= first),
            tuple(dividend for dividend in self.dividends if dividend.ex_date >= first),
        )


@dataclass(frozen=True, slots=True)
class Renamed:
    """A listing's new symbol, in force from the start of `day`; both as `asked_as`."""

    day: date
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Delisted:
    """A listing's last day; `asked` as `asked_as`."""

    day: date
    asked: str


@dataclass(frozen=True, slots=True)
class ListingChanges:
    """What happened to listings of a whole market, whoever holds them."""

    renamed: tuple[Renamed, ...] = ()
    delisted: tuple[Delisted, ...] = ()


@dataclass(frozen=True, slots=True)
class Rate:
    """Units of the quote currency that one unit of the base currency buys at the end of a day."""

    day: date
    rate: Decimal


@dataclass(frozen=True, slots=True)
class Quote:
    """The last price a provider knows. `session`: pre, regular, post or closed. `at` is aware, in UTC."""

    symbol: str
    price: Decimal
    at: datetime
    provider: str
    session: str
    delay_minutes: int = 0
    previous_close: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """A symbol a search has found. Empty text: not told. `kind` as `MarketSymbol.Kind`."""

    symbol: str
    name: str = ""
    exchange: str = ""
    currency: str = ""
    kind: str = ""
    cusip: str = ""
    isin: str = ""


class ProviderError(Exception):
    """A provider could not answer. `permanent`: asking again the same way is useless. `retry_after` in seconds."""

    def __init__(self, message: str, *, permanent: bool = False, retry_after: float = 0.0) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.retry_after = retry_after


class Unsupported(ProviderError):
    """This provider cannot answer such a question at all; the next one is asked."""

    def __init__(self, provider: str, what: str) -> None:
        super().__init__(f"{provider} has no {what}", permanent=True)


class Interrupted(ProviderError):
    """A provider answered for some symbols and then could not go on. `answers` is what it had got, as it returns it."""

    def __init__(self, error: ProviderError, answers: Mapping[Any, Any]) -> None:
        super().__init__(str(error), permanent=error.permanent)
        self.answers = answers


class DataProvider(Protocol):
    """One source of market data. Raises ProviderError; answers only for symbols it knows.

    `fx` is asked for (base, quote) pairs. `search` takes one of ticker, cusip, isin and name.
    """

    name: str
    licence: str

    def daily_prices(self, symbols: Sequence[str], start: date, end: date) -> Mapping[str, Sequence[DailyPrice]]: ...

    def corporate_actions(self, symbols: Sequence[str], start: date, end: date) -> Mapping[str, Actions]: ...

    def fx(self, pairs: Sequence[Pair], start: date, end: date) -> Mapping[Pair, Sequence[Rate]]: ...

    def quotes(self, symbols: Sequence[str]) -> Mapping[str, Quote]: ...

    def search(self, *, ticker: str = "", cusip: str = "", isin: str = "", name: str = "") -> Sequence[Listing]: ...

    def listing_changes(self, since: date) -> ListingChanges: ...


class Answerless:
    """What a provider inherits that answers only some of the questions."""

    name: str
    licence = ""

    def fx(self, pairs: Sequence[Pair], start: date, end: date) -> Mapping[Pair, Sequence[Rate]]:
        """Raises Unsupported."""
        raise Unsupported(self.name, "exchange rates")

    def quotes(self, symbols: Sequence[str]) -> Mapping[str, Quote]:
        """Raises Unsupported."""
        raise Unsupported(self.name, "quotes")

    def search(self, *, ticker: str = "", cusip: str = "", isin: str = "", name: str = "") -> Sequence[Listing]:
        """Raises Unsupported."""
        raise Unsupported(self.name, "search")

    def listing_changes(self, since: date) -> ListingChanges:
        """Raises Unsupported."""
        raise Unsupported(self.name, "listing changes")


class Meter(Protocol):
    """Counts what is asked of providers, and says when no more may be spent."""

    def allows(self, provider: str) -> bool: ...

    def charge(self, provider: str, *, calls: int, failed: int) -> None: ...


REGISTRY: dict[str, Callable[[], DataProvider]] = {}


def register(name: str) -> Callable[[Callable[[], DataProvider]], Callable[[], DataProvider]]:
    """Class decorator: makes a provider known to the setting MARKET_DATA_PROVIDERS under `name`."""

    def remember(factory: Callable[[], DataProvider]) -> Callable[[], DataProvider]:
        REGISTRY[name] = factory
        return factory

    return remember

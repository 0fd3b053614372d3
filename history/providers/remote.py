"""What providers on the network have in common: pace, patience, counting, and JSON that is read exactly."""

import json
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar, Final, TypeVar

from django.conf import settings

from history.core import venues
from history.providers.base import (
    Actions,
    Answerless,
    DailyPrice,
    Dividend,
    Interrupted,
    Meter,
    Pair,
    ProviderError,
    Quote,
    Rate,
    Unsupported,
)
from history.providers.resilience import Patience, ask, configured_patience
from investments.core.currencies import major
from portfolio_site.lib import http, ratelimit

Key = TypeVar("Key")
Value = TypeVar("Value")
LONGEST_NUMBER: Final = 60  # digits; a price has twenty at most


class NoMeter:
    """Counts nothing and allows everything."""

    def allows(self, provider: str) -> bool:
        """Always."""
        return True

    def charge(self, provider: str, *, calls: int, failed: int) -> None:
        """Nowhere."""


meter: Meter = NoMeter()


def use_meter(chosen: Meter) -> None:
    """Count from now on with this meter."""
    global meter
    meter = chosen


@dataclass(frozen=True, slots=True)
class Access:
    """How a provider is reached: from settings, so that tests and other installations can point it elsewhere."""

    url: str
    key: str
    timeout: float
    per_minute: int
    price_per_call: str = "0"


def access(name: str) -> Access:
    """The setting MARKET_DATA_ACCESS of a provider."""
    return Access(**settings.MARKET_DATA_ACCESS[name])


class Remote(ABC, Answerless):
    """Base of providers on the network. Concrete ones turn `json` into prices and check what they read."""

    _units: ClassVar[dict[tuple[str, str], Decimal]] = {}

    def __init__(self, reached: Access | None = None, patience: Patience | None = None) -> None:
        self.access = reached or access(self.name)
        self.patience = patience or configured_patience()
        self._remembered: dict[Any, Any] = {}

    def json(self, path: str, **params: str) -> Any:
        """The answer to GET, numbers as Decimal; None where the provider does not know what was asked for.

        Raises ProviderError: paced, unreachable, refused, or not JSON.
        """
        if not meter.allows(self.name):
            raise ProviderError(f"{self.name}: the budget of the day is spent", permanent=True)
        return ask(self.name, lambda: self._once(path, params), self.patience)

    def daily_prices(self, symbols: Sequence[str], start: date, end: date) -> Mapping[str, Sequence[DailyPrice]]:
        """Raw prices of the symbols that it knows; a new batch, so nothing is remembered."""
        self.forget()
        return self.one_by_one(symbols, lambda symbol: self._prices(symbol, start, end))

    def corporate_actions(self, symbols: Sequence[str], start: date, end: date) -> Mapping[str, Actions]:
        """Splits and dividends with ex-dates in the range."""
        return self.one_by_one(symbols, lambda symbol: self._actions(symbol, start, end))

    def fx(self, pairs: Sequence[Pair], start: date, end: date) -> Mapping[Pair, Sequence[Rate]]:
        """Closing rates."""
        return self.one_by_one(pairs, lambda pair: self._rates(pair, start, end))

    def quotes(self, symbols: Sequence[str]) -> Mapping[str, Quote]:
        """The last price of each symbol."""
        return self.one_by_one(symbols, self._quote)

    @abstractmethod
    def _prices(self, symbol: str, start: date, end: date) -> Sequence[DailyPrice] | None:
        """Raw prices of one symbol; None: it is not known."""

    @abstractmethod
    def _actions(self, symbol: str, start: date, end: date) -> Actions | None:
        """Splits and dividends of one symbol; None: it is not known."""

    @abstractmethod
    def _rates(self, pair: Pair, start: date, end: date) -> Sequence[Rate] | None:
        """Closing rates of one pair; None: it is not known."""

    def _quote(self, symbol: str) -> Quote | None:
        """The last price of one symbol; None: it is not known. Who answers for many at once overrides `quotes`."""
        raise Unsupported(self.name, "quotes")

    def refusal(self, answer: http.Answer, parsed: Any) -> ProviderError | None:
        """What is wrong with an answer that came; None: nothing. Providers with errors of their own override it."""
        return status_error(self.name, answer)

    def _once(self, path: str, params: Mapping[str, str]) -> Any:
        self._keep_pace()
        try:
            answer = http.get(self.access.url + path, params=params, timeout=self.access.timeout)
            parsed = _parsed(answer.body) if answer.body[:1] in (b"{", b"[") else None
            if error := self.refusal(answer, parsed):
                raise error
            if parsed is None and answer.status == 200:
                raise ProviderError(f"{self.name} answered what is not JSON")
        except (http.Unreachable, http.TooLarge) as error:
            meter.charge(self.name, calls=1, failed=1)
            raise ProviderError(f"{self.name} cannot be reached: {error}") from None
        except ProviderError:
            meter.charge(self.name, calls=1, failed=1)
            raise
        meter.charge(self.name, calls=1, failed=0)
        return parsed

    def _keep_pace(self) -> None:
        """Wait for a turn, but no longer than for an answer."""
        limit = ratelimit.Limit("provider", burst=self.access.per_minute, per_minute=self.access.per_minute)
        give_up = time.monotonic() + self.access.timeout
        while wait := ratelimit.take(limit, self.name):
            if time.monotonic() + wait > give_up:
                raise ProviderError(f"{self.name} was asked {self.access.per_minute} times within a minute")
            self.patience.sleep(wait)

    def remembered(self, key: Any, question: Callable[[], Value]) -> Value:
        """The answer given before, within one batch: prices and actions often stand in the same document."""
        if key not in self._remembered:
            self._remembered[key] = question()
        return self._remembered[key]  # type: ignore[no-any-return]

    def unit(self, asked: str, currency_told: Callable[[], str | None]) -> Decimal | None:
        """What a price of a listing is to be multiplied with: 0.01 where it is told in pence.

        None where the provider does not say which: pence read as pounds are worse than no price. Asked once a process.
        """
        if not venues.may_be_minor(asked):
            return Decimal(1)
        key = self.access.url, asked
        if key not in self._units:
            currency = currency_told()
            if not currency:
                return None
            self._units[key] = major(currency)[1]
        return self._units[key]

    def forget(self) -> None:
        """Begin a new batch."""
        self._remembered.clear()

    def one_by_one(self, keys: Iterable[Key], ask_one: Callable[[Key], Value | None]) -> dict[Key, Value]:
        """Ask for each key; None leaves it out. Raises Interrupted with what there is when one cannot be asked."""
        answers: dict[Key, Value] = {}
        for key in keys:
            try:
                answer = ask_one(key)
            except ProviderError as error:
                raise Interrupted(error, answers) from error
            if answer is not None:
                answers[key] = answer
        return answers


def status_error(name: str, answer: http.Answer) -> ProviderError | None:
    """The error that a status alone tells of. 404 is no error: the provider does not know the symbol."""
    if answer.status == 429:
        return ProviderError(f"{name} limits us", retry_after=min(answer.retry_after or 0.0, 30.0))
    if answer.status in (401, 402, 403):
        return ProviderError(f"{name} refuses our key or plan ({answer.status})", permanent=True)
    if answer.status >= 500:
        return ProviderError(f"{name} has trouble ({answer.status})")
    if answer.status not in (200, 404):
        return ProviderError(f"{name} refuses the question ({answer.status})", permanent=True)
    return None


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body, parse_float=_number, parse_int=_number, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None


def _number(text: str) -> Decimal:
    if len(text) > LONGEST_NUMBER:
        raise ValueError("not a number that a market makes")
    return Decimal(text)


def _refuse(constant: str) -> Decimal:
    raise ValueError(f"{constant} is no number")


def figure(value: Any) -> Decimal | None:
    """A number as told, as a number or as text; None for anything else, NaN and infinities too."""
    if isinstance(value, str):
        try:
            value = Decimal(value.strip())
        except InvalidOperation:
            return None
    return value if isinstance(value, Decimal) and value.is_finite() else None


def day(value: Any) -> date | None:
    """An ISO date as told, with or without a time; None for anything else."""
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        return None


def in_unit(bar: DailyPrice, unit: Decimal) -> DailyPrice:
    """The bar with its prices in the currency: those of pence times 0.01."""
    if unit == 1:
        return bar
    opened, high, low, adjusted = (
        None if price is None else price * unit for price in (bar.open, bar.high, bar.low, bar.adj_close)
    )
    return replace(bar, close=bar.close * unit, open=opened, high=high, low=low, adj_close=adjusted)


def paid_in_unit(actions: Actions, unit: Decimal) -> Actions:
    """The actions with their dividends in the currency."""
    if unit == 1:
        return actions
    return replace(actions, dividends=tuple(Dividend(paid.ex_date, paid.amount * unit) for paid in actions.dividends))


def rows(value: Any) -> list[dict[str, Any]]:
    """The objects of a list; nothing for anything else."""
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def mapping(value: Any) -> dict[str, Any]:
    """An object, or an empty one for anything else."""
    return value if isinstance(value, dict) else {}

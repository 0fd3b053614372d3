"""Providers for tests: real ones that answer from a few lines and remember what they were asked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from history.providers.base import Actions, DailyPrice, ProviderError, Quote


@dataclass
class Listed:
    """Answers for the symbols it knows: the same close every weekday, or the prices it was given."""

    closes: Mapping[str, str | Sequence[DailyPrice]]
    name: str = "listed"
    actions: Mapping[str, Actions] = field(default_factory=dict)
    asked: list[tuple[tuple[str, ...], date, date]] = field(default_factory=list)

    def daily_prices(self, symbols: Sequence[str], start: date, end: date) -> Mapping[str, Sequence[DailyPrice]]:
        self.asked.append((tuple(symbols), start, end))
        return {symbol: self._prices(symbol, start, end) for symbol in symbols if symbol in self.closes}

    def corporate_actions(self, symbols: Sequence[str], start: date, end: date) -> Mapping[str, Actions]:
        return {symbol: self.actions[symbol] for symbol in symbols if symbol in self.actions}

    def _prices(self, symbol: str, start: date, end: date) -> list[DailyPrice]:
        given = self.closes[symbol]
        if not isinstance(given, str):
            return [price for price in given if start <= price.day <= end]
        days = (start + timedelta(days=number) for number in range((end - start).days + 1))
        return [DailyPrice(day, Decimal(given)) for day in days if day.weekday() < 5]


@dataclass
class Down:
    """Never reachable."""

    name: str = "down"

    def daily_prices(self, symbols: Sequence[str], start: date, end: date) -> Mapping[str, Sequence[DailyPrice]]:
        raise ProviderError("connection refused")

    def corporate_actions(self, symbols: Sequence[str], start: date, end: date) -> Mapping[str, Actions]:
        raise ProviderError("connection refused")


@dataclass
class Quoting:
    """Tells the quotes it was given."""

    told: dict[str, Quote]
    name: str = "quoting"
    asked: list[tuple[str, ...]] = field(default_factory=list)

    def quotes(self, symbols: Sequence[str]) -> Mapping[str, Quote]:
        self.asked.append(tuple(symbols))
        return {symbol: self.told[symbol] for symbol in symbols if symbol in self.told}

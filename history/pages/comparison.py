"""A benchmark beside the line of the history panel: what its money would have made over the same days."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from history.market.benchmarks import UnknownBenchmark, benchmark_index
from history.market.corporate_actions import BENCHMARKS


@dataclass(frozen=True, slots=True)
class Comparison:
    """`returns` by day, as fractions since the first day, dividends included; empty where no price is known."""

    symbol: str
    returns: Mapping[date, float | None]

    @property
    def fraction(self) -> float | None:
        """Over all the days."""
        return next(reversed(self.returns.values()), None)


@dataclass(frozen=True, slots=True)
class ComparisonChoice:
    symbol: str
    is_current: bool


def comparison_choices(*, chosen: str, own: str) -> list[ComparisonChoice]:
    """The usual benchmarks and the user's own."""
    symbols = list(dict.fromkeys([*BENCHMARKS, *([own.upper()] if own else [])]))
    return [ComparisonChoice(symbol, symbol == chosen.upper()) for symbol in symbols]


def compared(*, choices: Sequence[ComparisonChoice], start: date, end: date, currency: str) -> Comparison | None:
    """The chosen benchmark from `start` to `end`; None where none is chosen."""
    symbol = next((choice.symbol for choice in choices if choice.is_current), None)
    if symbol is None:
        return None
    try:
        index = benchmark_index(symbol=symbol, start=start, end=end, base_currency=currency)
    except UnknownBenchmark:
        return Comparison(symbol, {})
    returns = (None if value is None else round(value - 1, 6) for value in index)
    return Comparison(symbol, {start + timedelta(days=number): value for number, value in enumerate(returns)})

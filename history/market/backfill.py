"""Prices of many symbols over many days, a batch at a time: what was fetched once is not asked for again."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.utils import timezone

from history.invalidation import symbols_changed
from history.market.prices import BATCH, Range, ensure_prices, final_day, missing_ranges
from history.market.spend import DailyMeter
from history.models import MarketSymbol
from history.providers import DataProviderChain, configured_chain

Kind = MarketSymbol.Kind


@dataclass(frozen=True, slots=True)
class Lacking:
    """A symbol and the days that nobody was asked for yet."""

    symbol: MarketSymbol
    ranges: tuple[Range, ...]

    @property
    def days(self) -> int:
        return sum((part.end - part.start).days + 1 for part in self.ranges)

    def __str__(self) -> str:
        return f"{self.symbol} {', '.join(f'{part.start} to {part.end}' for part in self.ranges)}"


@dataclass(frozen=True, slots=True)
class Step:
    """A batch that is done: symbols so far and of how many, prices stored so far, symbols that nobody could tell."""

    done: int
    of: int
    stored: int
    failed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Backfilled:
    """`accounts`: histories marked to be rebuilt, with each range that was stored.

    `out_of_budget`: it stopped before its end, because every provider that is left costs money.
    """

    symbols: int = 0
    stored: int = 0
    accounts: int = 0
    failed: tuple[str, ...] = ()
    out_of_budget: bool = False


def what_is_lacking(*, symbol_ids: Iterable[int], start: date, end: date, now: datetime | None = None) -> list[Lacking]:
    """What a backfill of these days would ask for, by symbol; nothing that was asked for before."""
    now = now or timezone.now()
    ends = {False: min(end, final_day(now)), True: min(end, final_day(now, round_the_clock=True))}
    found = []
    for symbol in MarketSymbol.objects.filter(pk__in=set(symbol_ids), active=True).order_by("symbol", "exchange"):
        last = ends[symbol.kind == Kind.CRYPTO]
        ranges = missing_ranges(symbol, start, last) if start <= last else []
        found += [Lacking(symbol, tuple(ranges))] if ranges else []
    return found


def backfill_prices(
    *,
    lacking: Sequence[Lacking],
    start: date,
    end: date,
    chain: DataProviderChain | None = None,
    progress: Callable[[Step], None] = lambda step: None,
) -> Backfilled:
    """Fetch what is lacking, a batch at a time, and mark the histories that it changes in the same transactions.

    Killed at any moment, the next one goes on with what is left. Call as the worker, outside of transactions.
    """
    chain = chain or configured_chain()
    symbols, stored, failed, marked = 0, 0, list[str](), list[int]()
    for batch in _batches(lacking):
        if not _may_ask(chain):
            return Backfilled(symbols, stored, sum(marked), tuple(failed), out_of_budget=True)
        names = {each.symbol.pk: str(each.symbol) for each in batch}
        done = ensure_prices(
            symbol_ids=names,
            start=start,
            end=end,
            chain=chain,
            stored=lambda changed, since: marked.append(symbols_changed(changed, since)),
        )
        lost = tuple(names[pk] for pk in done.incomplete)
        symbols, stored, failed = symbols + len(batch), stored + done.stored, [*failed, *lost]
        progress(Step(symbols, len(lacking), stored, lost))
    return Backfilled(symbols, stored, sum(marked), tuple(failed))


def _batches(lacking: Sequence[Lacking]) -> Iterator[Sequence[Lacking]]:
    for start in range(0, len(lacking), BATCH):
        yield lacking[start : start + BATCH]


def _may_ask(chain: DataProviderChain) -> bool:
    """Whether anybody is left whom the budget of the day allows to ask."""
    meter = DailyMeter()
    return any(meter.allows(provider.name) for provider in chain.providers)

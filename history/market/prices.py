"""The price store shared by all users: each (symbol, day) is asked for once, ever.

`MarketSymbol.priced_from` and `priced_to` remember the range that was asked for, so days without a price (holidays, not
listed yet) are not asked for again. A worker claims symbols by row for as long as a fetch may take; nobody holds a
transaction while the network is talked to.
"""

import logging
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Final

from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from history.market.continuity import continued
from history.market.leases import LEASE, renewed
from history.market.price_rows import store_prices
from history.market.spend import count_prices, count_rejected
from history.market.told_actions import actions_as_told, store_actions
from history.models import MarketSymbol, SymbolAction
from history.providers import DataProviderChain, configured_chain
from history.providers.chain import Answer, Fetched
from portfolio_site.lib.sessions import NEW_YORK, closes_at, is_session, last_closed_session

logger = logging.getLogger(__name__)

BATCH: Final = 50
WAIT_SECONDS: Final = 0.1
SETTLED_AFTER: Final = timedelta(minutes=20)  # after the close, so that the close is final

Progress = Callable[[float], None]
Stored = Callable[[list[int], date], object]  # symbols with new prices, and the first day asked for


@dataclass(frozen=True, slots=True)
class Range:
    """Days asked for, both included."""

    start: date
    end: date


@dataclass(frozen=True, slots=True)
class Source:
    """Whom to ask, and whom to tell of what was stored."""

    chain: DataProviderChain
    stored: Stored


@dataclass(frozen=True, slots=True)
class Ensured:
    """What `ensure_prices` did; `incomplete`: symbols that no provider could be asked about, to be tried again."""

    asked: int
    stored: int
    incomplete: tuple[int, ...] = ()


def final_day(now: datetime, *, round_the_clock: bool = False) -> date:
    """The last calendar day whose daily prices can no longer change: today only once its session has settled.

    What trades round the clock (coins) ends its day at midnight UTC, session or not.
    """
    if round_the_clock:
        return now.astimezone(UTC).date() - timedelta(days=1)
    today = now.astimezone(NEW_YORK).date()
    settled = is_session(today) and now >= closes_at(today) + SETTLED_AFTER
    return today if settled else today - timedelta(days=1)


def last_settlement(now: datetime) -> datetime:
    """When the closes of the latest session became final."""
    return closes_at(last_closed_session(now - SETTLED_AFTER)) + SETTLED_AFTER


def ensure_prices(
    *,
    symbol_ids: Iterable[int],
    start: date,
    end: date,
    chain: DataProviderChain | None = None,
    progress: Progress | None = None,
    stored: Stored | None = None,
) -> Ensured:
    """Fetch what the store lacks of these symbols' prices and actions, and nothing else.

    Whatever another worker is fetching is waited for, not fetched. `stored` is called in the transaction that stores.
    Call outside of transactions: it talks to the network.
    """
    now, wanted = timezone.now(), set(symbol_ids)
    source = Source(chain or configured_chain(), stored or (lambda symbols, since: None))
    coins = set(MarketSymbol.objects.filter(pk__in=wanted, kind=MarketSymbol.Kind.CRYPTO).values_list("pk", flat=True))
    coins_end = min(end, final_day(now, round_the_clock=True))
    first = _ensure(coins, start, coins_end, source, None)
    second = _ensure(wanted - coins, start, min(end, final_day(now)), source, progress)
    return Ensured(first.asked + second.asked, first.stored + second.stored, (*first.incomplete, *second.incomplete))


def _ensure(wanted: set[int], start: date, end: date, source: Source, progress: Progress | None) -> Ensured:
    waiting, asked, stored = set(wanted), 0, 0
    missing = _missing_days(wanted, start, end)
    if wanted and start <= end:
        count_prices(wanted=len(wanted) * ((end - start).days + 1), fetched=missing)
    incomplete: set[int] = set()
    while waiting:
        claimed = _claim(sorted(waiting), start, end)
        if claimed:
            fetched, rows, failed = _fetch(claimed, start, end, source)
            asked, stored = asked + fetched, stored + rows
            incomplete |= failed
        waiting = _still_missing(waiting - incomplete, start, end)
        if progress:
            progress(1 - len(waiting) / len(wanted))
        if waiting and not claimed:
            time.sleep(WAIT_SECONDS)
    return Ensured(asked, stored, tuple(sorted(incomplete)))


def _lacking(start: date, end: date) -> Q:
    return Q(active=True) & (Q(priced_from=None) | Q(priced_to=None) | Q(priced_from__gt=start) | Q(priced_to__lt=end))


def _still_missing(symbol_ids: set[int], start: date, end: date) -> set[int]:
    if start > end:
        return set()
    return set(MarketSymbol.objects.filter(_lacking(start, end), pk__in=symbol_ids).values_list("pk", flat=True))


def _missing_days(symbol_ids: set[int], start: date, end: date) -> int:
    """Symbol-days that will have to be fetched."""
    if start > end:
        return 0
    lacking = MarketSymbol.objects.filter(_lacking(start, end), pk__in=symbol_ids)
    ranges = (each for symbol in lacking for each in missing_ranges(symbol, start, end))
    return sum((each.end - each.start).days + 1 for each in ranges)


def _claim(symbol_ids: Sequence[int], start: date, end: date) -> list[MarketSymbol]:
    """Up to a batch of the symbols that lack prices, now ours until the lease runs out; none twice at a time."""
    if start > end:
        return []
    now = timezone.now()
    until, free = now + LEASE, Q(claimed_until=None) | Q(claimed_until__lt=now)
    with transaction.atomic():
        lacking = MarketSymbol.objects.filter(_lacking(start, end), free, pk__in=symbol_ids).order_by("pk")
        claimed = list(lacking.select_for_update(skip_locked=True)[:BATCH])
        MarketSymbol.objects.filter(pk__in=[symbol.pk for symbol in claimed]).update(claimed_until=until)
    for symbol in claimed:
        symbol.claimed_until = until
    return claimed


def missing_ranges(symbol: MarketSymbol, start: date, end: date) -> list[Range]:
    """The parts of `start`..`end` that were never asked for: before and after the range that was."""
    if symbol.priced_from is None or symbol.priced_to is None:
        return [Range(start, end)]
    ranges = []
    if start < symbol.priced_from:
        ranges.append(Range(start, symbol.priced_from - timedelta(days=1)))
    if end > symbol.priced_to:
        ranges.append(Range(symbol.priced_to + timedelta(days=1), end))
    return ranges


def _fetch(claimed: Sequence[MarketSymbol], start: date, end: date, source: Source) -> tuple[int, int, set[int]]:
    """(Symbols asked for, rows stored, ids that failed). Symbols that lack the same range are asked for together."""
    by_range: dict[Range, list[MarketSymbol]] = defaultdict(list)
    for symbol in claimed:
        for missing in missing_ranges(symbol, start, end):
            by_range[missing].append(symbol)
    rows, failed, ids = 0, set(), [symbol.pk for symbol in claimed]
    with renewed(ids, claimed[0].claimed_until):
        for missing, symbols in by_range.items():
            fetched = source.chain.fetch([symbol.asked_as for symbol in symbols], missing.start, missing.end)
            rows += _store(symbols, fetched, missing, source.stored)
            failed |= {symbol.pk for symbol in symbols if symbol.asked_as in fetched.failed}
    return len(claimed), rows, failed


def _store(symbols: Sequence[MarketSymbol], fetched: Fetched, asked: Range, stored: Stored) -> int:
    """Prices, actions and the memory of what was asked for, in one transaction."""
    told = fetched.answers
    own = {symbol.pk: _own(symbol, told[symbol.asked_as]) for symbol in symbols if symbol.asked_as in told}
    answers = continued(own, asked.start)
    with transaction.atomic():
        rows = store_prices((pk, answer.source, price) for pk, answer in answers.items() for price in answer.prices)
        store_actions([action for pk, answer in answers.items() for action in symbol_actions(pk, answer)])
        done = [symbol.pk for symbol in symbols if symbol.asked_as not in fetched.failed]
        stored([pk for pk, answer in answers.items() if answer.prices], asked.start)
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE history_marketsymbol SET priced_from = LEAST(priced_from, %s), "
                "priced_to = GREATEST(priced_to, %s) WHERE id = ANY(%s)",
                [asked.start, asked.end, done],
            )
    for answer in answers.values():
        count_rejected(answer.source, answer.rejected)
    return rows


def _own(symbol: MarketSymbol, answer: Answer) -> Answer:
    """Without what was told of whoever had the name before."""
    first = symbol.listed_from
    if first is None:
        return answer
    prices = tuple(price for price in answer.prices if price.day >= first)
    return replace(answer, prices=prices, actions=answer.actions.since(first))


def symbol_actions(symbol_id: int, answer: Answer) -> list[SymbolAction]:
    """A provider's splits and dividends as unsaved rows."""
    return actions_as_told(symbol_id, answer.actions, answer.source)

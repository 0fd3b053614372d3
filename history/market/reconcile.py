"""Our closes as traded and the actions we know, against providers' own adjusted closes: where they part is recorded."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from history.core.adjust import Event, Formula, back_adjusted
from history.core.doubts import Doubt, doubts, is_continuous
from history.invalidation import symbols_changed
from history.market.corporate_actions import BATCH, held_symbols
from history.market.price_rows import store_prices
from history.market.spend import essential
from history.models import Price, PriceDoubt, SymbolAction
from history.providers import DataProviderChain, configured_chain
from history.providers.base import DailyPrice
from history.providers.chain import Answer
from history.valuation import market_today

Kind = SymbolAction.Kind


@dataclass(frozen=True, slots=True)
class Reconciled:
    """Symbols compared, doubts that are open, closes put right, symbols that could not be asked for."""

    symbols: int = 0
    doubts: int = 0
    refetched: int = 0
    failed: tuple[str, ...] = ()


def reconcile_prices(*, chain: DataProviderChain | None = None, now: datetime | None = None) -> Reconciled:
    """Compare every symbol held with what providers say now; record where they part, and settle what no longer does.

    Closes that were stored adjusted for a split which was told only later are replaced by what the provider says now,
    and the accounts concerned are rebuilt. Call as the worker, outside of transactions.
    """
    chain, today = chain or configured_chain(), market_today(now)
    start = today - timedelta(days=settings.HISTORY_DAYS)
    compared, found, refetched = 0, 0, 0
    failed: list[str] = []
    held = sorted(held_symbols().items())
    for first in range(0, len(held), BATCH):
        symbols = dict(held[first : first + BATCH])
        with essential():
            fetched = chain.fetch(list(symbols), start, today)
        failed += sorted(fetched.failed)
        answers = {symbols[name]: answer for name, answer in fetched.answers.items()}
        with transaction.atomic():
            refetched += _replace_adjusted(answers)
            told = _compare(answers)
            compared += len(told)
            doubted = set(PriceDoubt.objects.filter(symbol__in=told, settled_at=None).values_list("symbol", flat=True))
            for symbol_id, rows in told.items():
                if rows or symbol_id in doubted:
                    found += _record(symbol_id, answers[symbol_id], rows)
    return Reconciled(compared, found, refetched, tuple(failed))


def _compare(answers: Mapping[int, Answer]) -> dict[int, list[Doubt]]:
    """Doubts by symbol, of those whose provider adjusts."""
    closes, events = _closes(answers), _events(answers)
    return {
        symbol_id: _doubts(closes.get(symbol_id, {}), events.get(symbol_id, []), answer.prices)
        for symbol_id, answer in answers.items()
        if any(price.adj_close for price in answer.prices)
    }


def _doubts(closes: Mapping[date, Decimal], events: Sequence[Event], prices: Iterable[DailyPrice]) -> list[Doubt]:
    """By the formula that fits better: vendors differ in how they scale by dividends."""
    theirs = {price.day: price.adj_close for price in prices if price.adj_close and closes.get(price.day)}
    days = sorted(theirs)
    raw = [closes[day] for day in days]
    known = {next((day for day in days if day >= event.ex_date), event.ex_date) for event in events}
    tried = []
    for formula in Formula:
        try:
            ours = back_adjusted(days, raw, events, formula)
        except ValueError:
            continue
        tried.append(doubts(days, [float(one) for one in ours], [float(theirs[day]) for day in days], known))
    return min(tried, key=len, default=[])


def _closes(symbol_ids: Iterable[int]) -> dict[int, dict[date, Decimal]]:
    closes: dict[int, dict[date, Decimal]] = {}
    rows = Price.objects.filter(symbol__in=list(symbol_ids)).order_by("symbol", "day")
    for symbol_id, day, close in rows.values_list("symbol", "day", "close"):
        closes.setdefault(symbol_id, {})[day] = close
    return closes


def _events(symbol_ids: Iterable[int]) -> dict[int, list[Event]]:
    events: dict[int, list[Event]] = {}
    known = SymbolAction.objects.filter(symbol__in=list(symbol_ids), voided=False).order_by("symbol", "ex_date", "kind")
    for action in known:
        event = Event(action.ex_date, ratio=action.ratio or Decimal(1), amount=action.cash_per_unit or Decimal(0))
        events.setdefault(action.symbol_id, []).append(event)
    return events


def _record(symbol_id: int, answer: Answer, found: Sequence[Doubt]) -> int:
    """Keep what was found, settle what is gone; returns how many are open."""
    closes = {price.day: price.close for price in answer.prices}
    ours = dict(Price.objects.filter(symbol=symbol_id, day__in=closes).values_list("day", "close"))
    rows = [
        PriceDoubt(
            symbol_id=symbol_id,
            day=doubt.day,
            cause=doubt.cause,
            provider=answer.source,
            close=ours[doubt.day],
            factor=doubt.factor,
        )
        for doubt in found
    ]
    open_before = PriceDoubt.objects.filter(symbol=symbol_id, settled_at=None)
    identities = {(row.day, row.cause) for row in rows}
    gone = [row.pk for row in open_before if (row.day, row.cause) not in identities]
    PriceDoubt.objects.filter(pk__in=gone).update(settled_at=timezone.now())
    PriceDoubt.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["symbol", "day", "cause"],
        update_fields=["provider", "close", "factor", "settled_at"],
    )
    return len(rows)


def _replace_adjusted(answers: Mapping[int, Answer]) -> int:
    """Replace closes that are continuous over a split by the provider's of now; returns how many differed."""
    closes = _closes(answers)
    splits = SymbolAction.objects.filter(symbol__in=list(answers), kind=Kind.SPLIT, voided=False)
    replaced = 0
    for split in splits.order_by("symbol", "ex_date"):
        ours = closes.get(split.symbol_id, {})
        told = {price.day: price.close for price in answers[split.symbol_id].prices}
        if _looks_adjusted(ours, split) and not _looks_adjusted(told, split):
            rows = [price for price in answers[split.symbol_id].prices if price.day < split.ex_date]
            replaced += _replace(split, rows, answers[split.symbol_id].source)
    return replaced


def _looks_adjusted(closes: Mapping[date, Decimal], split: SymbolAction) -> bool:
    before = max((day for day in closes if day < split.ex_date), default=None)
    after = min((day for day in closes if day >= split.ex_date), default=None)
    if before is None or after is None or split.ratio is None or not closes[before] or not closes[after]:
        return False
    return is_continuous(float(closes[before]), float(closes[after]), float(split.ratio))


def _replace(split: SymbolAction, rows: Sequence[DailyPrice], source: str) -> int:
    if not rows:
        return 0
    stored = store_prices(((split.symbol_id, source, price) for price in rows), overwrite=True)
    if stored:
        symbols_changed([split.symbol_id], min(price.day for price in rows))
    return stored

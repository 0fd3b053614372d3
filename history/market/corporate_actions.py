"""What providers tell of splits and dividends, asked for every symbol held, and written to the ledger once."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db import connection, transaction

from history.core.venues import asked_as
from history.invalidation import securities_changed
from history.market.spend import essential
from history.market.told_actions import actions_as_told, store_actions
from history.models import MarketSymbol, SecurityMapping, SymbolAction
from history.providers import DataProviderChain, configured_chain
from history.valuation import market_today
from investments import ledger
from investments.entries import CorporateActionEntry
from investments.models import CorporateAction

BATCH: Final = 50
BENCHMARKS: Final = ("SPY", "QQQ")  # kept whether anybody holds them or not
ANNOUNCED: Final = timedelta(days=60)  # providers tell of splits ahead of their ex-date
# What changes units, and so the value of earlier days.
UNITS: Final = frozenset({SymbolAction.Kind.SPLIT, SymbolAction.Kind.STOCK_DIVIDEND})

HELD: Final = """
SELECT y.id, y.symbol, y.exchange FROM history_marketsymbol y
WHERE y.active AND (EXISTS (
    SELECT FROM history_securitymapping m WHERE m.symbol_id = y.id AND (
        EXISTS (SELECT FROM investments_holding h WHERE h.security_id = m.security_id)
        OR EXISTS (SELECT FROM investments_transaction t WHERE t.security_id = m.security_id))
) OR y.exchange = '' AND (
    y.symbol = ANY(%s) OR EXISTS (SELECT FROM portfolio_site_user u WHERE u.benchmark = y.symbol)
))
ORDER BY y.id
"""


@dataclass(frozen=True, slots=True)
class Ingested:
    """What was told: actions new or changed, rows of the ledger new or changed, symbols that could not be asked for."""

    told: int = 0
    written: int = 0
    failed: tuple[str, ...] = ()
    new_splits: tuple[tuple[int, date], ...] = ()


def ingest_actions(*, chain: DataProviderChain | None = None, now: datetime | None = None) -> Ingested:
    """Ask for the splits and dividends of every symbol held, over the days that histories reach, and apply them.

    Twice is as good as once. Call as the worker, outside of transactions: it talks to the network.
    """
    chain, today = chain or configured_chain(), market_today(now)
    start = today - timedelta(days=settings.HISTORY_DAYS)
    told, written = 0, 0
    failed: list[str] = []
    splits: list[tuple[int, date]] = []
    since = dict(MarketSymbol.objects.exclude(listed_from=None).values_list("pk", "listed_from"))
    for symbols in _batches():
        with essential():
            answers, lost = chain.actions(list(symbols), start, today + ANNOUNCED)
        failed += sorted(lost)
        rows = [
            row
            for name, (source, actions) in answers.items()
            for row in actions_as_told(symbols[name], actions, source)
            if row.symbol_id not in since or row.ex_date >= since[row.symbol_id]
        ]
        with transaction.atomic():
            changed = store_actions(rows)
            written += record_actions(symbol_ids=symbols.values())
        told += len(changed)
        splits += [(row.symbol_id, row.ex_date) for row in changed if row.kind == SymbolAction.Kind.SPLIT]
    return Ingested(told, written, tuple(failed), tuple(splits))


def held_symbols() -> dict[str, int]:
    """Ids, by what providers are asked for, of what anyone holds, has traded or compares with, while it is listed."""
    with connection.cursor() as cursor:
        cursor.execute(HELD, [list(BENCHMARKS)])
        return {asked_as(symbol, exchange): pk for pk, symbol, exchange in cursor.fetchall()}


def _batches() -> Iterator[dict[str, int]]:
    held = sorted(held_symbols().items())
    for start in range(0, len(held), BATCH):
        yield dict(held[start : start + BATCH])


@transaction.atomic
def record_actions(*, symbol_ids: Collection[int]) -> int:
    """Write what was told of the symbols to the ledger, for every security mapped to them; returns rows that changed.

    The ledger raises the versions of the accounts concerned, and their histories are marked as behind. Spin-offs wait
    for an operator. Call as the worker: it has to see every owner's accounts.
    """
    told: dict[int, list[SymbolAction]] = defaultdict(list)
    applied = SymbolAction.objects.exclude(kind=SymbolAction.Kind.SPIN_OFF)
    for action in applied.filter(symbol__in=list(symbol_ids)).order_by("symbol", "ex_date", "kind"):
        told[action.symbol_id].append(action)
    securities: dict[int, list[int]] = defaultdict(list)
    mapped = SecurityMapping.objects.filter(symbol__in=told).order_by("security_id")
    for symbol_id, security_id in mapped.values_list("symbol_id", "security_id"):
        securities[symbol_id].append(security_id)
    return sum(_record(securities[symbol_id], actions) for symbol_id, actions in told.items())


def _record(security_ids: list[int], actions: Sequence[SymbolAction]) -> int:
    """Rows new or changed. Units first: only they make a history differ."""
    if not security_ids:
        return 0
    splits = [action for action in actions if action.kind in UNITS]
    before = _units(security_ids)
    changed = _write(security_ids, splits)
    if changed:
        differing = before ^ _units(security_ids)
        securities_changed({row[0] for row in differing}, min(row[2] for row in differing))
    return changed + _write(security_ids, [action for action in actions if action.kind not in UNITS])


def _units(security_ids: list[int]) -> set[tuple[Any, ...]]:
    known = CorporateAction.objects.filter(security__in=security_ids, kind__in=UNITS)
    return set(known.values_list("security_id", "kind", "ex_date", "ratio", "voided_at"))


def _write(security_ids: list[int], actions: Sequence[SymbolAction]) -> int:
    by_source: dict[str, list[CorporateActionEntry]] = defaultdict(list)
    for action in actions:
        entry = CorporateActionEntry(
            action.kind,
            action.ex_date,
            ratio=action.ratio,
            cash_per_unit=action.cash_per_unit,
            voided=action.voided,
        )
        by_source[action.source].append(entry)
    written = [
        ledger.record_corporate_actions(security_ids=security_ids, actions=entries, source=source)
        for source, entries in by_source.items()
    ]
    return sum(one.inserted + one.changed for one in written)

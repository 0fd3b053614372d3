"""Background work of history. A task carries ids; what is to be done, and how often it failed, is in the rows."""

import logging
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any, Final

from celery import shared_task
from django.conf import settings
from kombu.exceptions import OperationalError

from history import canary, claims, intraday, partitions, snapshots
from history.market import backfill, benchmarks, mapping
from history.market.corporate_actions import ingest_actions
from history.market.listing_changes import follow_listings
from history.market.prices import BATCH as PRICES_BATCH
from history.market.quotes import refresh_quotes as ask_for_quotes
from history.market.rates import update_rates
from history.market.reconcile import reconcile_prices as compare_prices
from history.models import SnapshotRun
from history.reconstruction.rebuild import BATCH, DAYS_BATCH, rebuild_accounts
from history.valuation import market_today
from portfolio_site.lib import logs

logger = logging.getLogger(__name__)

WAITED_FOR: Final = 20  # a change of so few accounts is somebody's own, who may be looking at the page
QUOTES_WAIT_SECONDS: Final = 30  # a question for quotes that waited longer is no longer anybody's
SWEEP_LIMIT: Final = 50_000  # a sweep: about what one machine does until the next when only the day has changed


@shared_task(name="history.rebuild")
def rebuild(account_ids: list[int]) -> None:
    """Rebuild those of the accounts that are behind; coming twice or late does no harm."""
    with logs.bound(account_ids=account_ids):
        rebuild_accounts(account_ids=account_ids)


@shared_task(name="history.sweep_behind", expires=25)
def sweep_behind() -> None:
    """Queue every account whose history is behind, whatever became of its signal, its message or its worker."""
    enqueue_behind()


@shared_task(name="history.update_fx", expires=3000)
def update_fx() -> None:
    """Fetch the exchange rates that are missing."""
    update_rates()


@shared_task(name="history.update_benchmarks", expires=3000)
def update_benchmarks() -> None:
    """Fetch what is missing of the benchmarks' prices."""
    benchmarks.update_benchmarks()


@shared_task(name="history.run_canary", expires=240)
def run_canary() -> None:
    """Compute the portfolio whose figures are known."""
    canary.run_canary()


@shared_task(name="history.search_symbols", expires=3000)
def search_symbols() -> None:
    """Search for what no market price is known for."""
    mapping.search_symbols()


@shared_task(name="history.ingest_corporate_actions", expires=3600)
def ingest_corporate_actions() -> None:
    """Ask for new names, delistings, splits and dividends of what is held, and apply what is new."""
    follow_listings()
    ingest_actions()


@shared_task(name="history.take_snapshot")
def take_snapshot() -> None:
    """The snapshots that are due and not there: last night's, and those of nights when nobody ran."""
    for day in snapshots.days_missed():
        run_snapshot(snapshots.open_run(day=day, trigger=SnapshotRun.Trigger.NIGHTLY).pk)


@shared_task(name="history.run_snapshot")
def run_snapshot(run_id: int) -> None:
    """Prices in, then a task for each shard; coming twice or late does no harm."""
    run = SnapshotRun.objects.get(pk=run_id)
    for shard_id in snapshots.prepare_run(run):
        _send_snapshot(close_shard, shard_id)
    snapshots.finish(run.pk)


@shared_task(name="history.close_shard")
def close_shard(shard_id: int) -> None:
    """Close the accounts of one shard."""
    snapshots.close_shard(shard_id=shard_id)


@shared_task(name="history.sweep_snapshots", expires=55)
def sweep_snapshots() -> None:
    """Whatever became of a message or a worker: nights that were missed, runs and shards left behind, late prices."""
    for day in snapshots.days_missed():
        snapshots.open_run(day=day, trigger=SnapshotRun.Trigger.NIGHTLY)
    for run in snapshots.runs_with_late_prices():
        snapshots.open_run(day=run.day, trigger=SnapshotRun.Trigger.LATE_PRICES)
    for run_id in SnapshotRun.objects.filter(state=SnapshotRun.State.WAITING).values_list("pk", flat=True):
        _send_snapshot(run_snapshot, run_id)
    for shard_id in snapshots.stranded_shards():
        _send_snapshot(close_shard, shard_id)


def enqueue_snapshot(run_id: int) -> bool:
    """Queue a run; False when the broker cannot be reached, and then the sweep will do it."""
    return _send_snapshot(run_snapshot, run_id)


def _send_snapshot(task: Any, row_id: int) -> bool:
    try:
        task.apply_async((row_id,), queue="default", retry=False)
    except OperationalError as error:
        logger.warning("The broker cannot be reached, a snapshot waits for the sweep: %s", error)
        return False
    return True


@shared_task(name="history.ensure_partitions", expires=3600)
def ensure_partitions() -> None:
    """Partitions for the coming years, and for what fell into a default one."""
    partitions.ensure_partitions()


@shared_task(name="history.reconcile_prices", expires=3600)
def reconcile_prices() -> None:
    """Compare what is held with providers' own adjusted closes."""
    compare_prices()


@shared_task(name="history.record_minute", expires=50)
def record_minute() -> None:
    """Value the accounts of everybody who looks, and store the minute."""
    intraday.record_minute()


@shared_task(name="history.refresh_quotes", expires=QUOTES_WAIT_SECONDS)
def refresh_quotes(symbol_ids: list[int]) -> None:
    """Ask for the last price of the symbols; lost or late it is nothing: whoever looks again asks again."""
    ask_for_quotes(symbol_ids=symbol_ids)


@shared_task(name="history.backfill_symbols")
def backfill_symbols(symbol_ids: list[int]) -> None:
    """Fetch what was never asked for of the symbols, as far back as histories reach; twice is as good as once."""
    end = market_today()
    start = end - timedelta(days=settings.HISTORY_DAYS)
    lacking = backfill.what_is_lacking(symbol_ids=symbol_ids, start=start, end=end)
    backfill.backfill_prices(lacking=lacking, start=start, end=end)


def enqueue_backfill(symbol_ids: Sequence[int]) -> bool:
    """Queue a backfill, a batch a task; False when the broker cannot be reached."""
    try:
        for batch in _batches(symbol_ids, PRICES_BATCH):
            backfill_symbols.apply_async((batch,), queue="low", retry=False)
    except OperationalError as error:
        logger.warning("The broker cannot be reached, prices are not fetched: %s", error)
        return False
    return True


def enqueue_quotes(symbol_ids: Sequence[int]) -> bool:
    """Queue a question for quotes; False when the broker cannot be reached, and then the last good ones stand."""
    try:
        refresh_quotes.apply_async((list(symbol_ids),), queue="high", retry=False)
    except OperationalError as error:
        logger.warning("The broker cannot be reached, quotes stay as they are: %s", error)
        return False
    return True


def enqueue_rates() -> None:
    """Queue a look for missing exchange rates; the hourly one comes anyway."""
    try:
        update_fx.apply_async(queue="default", retry=False)
    except OperationalError as error:
        logger.warning("The broker cannot be reached, exchange rates wait for the hourly look: %s", error)


def enqueue_rebuild(account_ids: Sequence[int]) -> bool:
    """Queue rebuilds; False when the broker cannot be reached, and then the sweep will do it."""
    queue = "high" if len(account_ids) <= WAITED_FOR else "low"
    sent = [_send(batch, queue) for batch in _batches(account_ids, BATCH)]
    return all(sent)


def enqueue_behind() -> int:
    """Queue what is behind: new accounts first, then what changed, then mere days, and alone what has failed before.

    Returns how many accounts.
    """
    claims.bury_abandoned()
    found = claims.behind(limit=SWEEP_LIMIT)
    new = [account.account_id for account in found if account.is_new and not account.attempts]
    known = [one.account_id for one in found if not (one.is_new or one.attempts or one.only_day)]
    days = [account.account_id for account in found if account.only_day and not account.attempts]
    suspects = [account.account_id for account in found if account.attempts]
    groups = ((new, BATCH, "high"), (known, BATCH, "default"), (days, DAYS_BATCH, "default"), (suspects, 1, "low"))
    for accounts, size, queue in groups:
        for batch in _batches(accounts, size):
            if _send(batch, queue):
                claims.mark_queued(account_ids=batch)
    return len(found)


def _batches(account_ids: Sequence[int], size: int) -> Iterator[list[int]]:
    for start in range(0, len(account_ids), size):
        yield list(account_ids[start : start + size])


def _send(account_ids: list[int], queue: str) -> bool:
    try:
        rebuild.apply_async((account_ids,), queue=queue, retry=False)
    except OperationalError as error:
        logger.warning("The broker cannot be reached, %d accounts wait for the sweep: %s", len(account_ids), error)
        return False
    return True

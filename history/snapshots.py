"""The nightly snapshot: every account as it ended the day, kept for good.

A run is a row per day, its shards are rows too: what a task does is in the row, so a run can be killed at any moment
and goes on with the shards that are not done. A shard is one transaction. Running a day again writes what differs.
"""

import logging
import time
from datetime import date, datetime, timedelta
from datetime import time as clock
from typing import Final

from django.conf import settings
from django.db import Error, connection, transaction
from django.db.models import F, Q
from django.utils import timezone

from history.closings import close_range
from history.market.prices import ensure_prices
from history.market.rates import currencies_in_use, ensure_rates
from history.market.spend import essential
from history.models import MarketSymbol, SnapshotRun, SnapshotShard
from history.valuation import market_today
from portfolio_site.lib.sessions import NEW_YORK, is_session

logger = logging.getLogger(__name__)

TAKEN_AT: Final = clock(4)  # in New York, on the day after
LEASE: Final = timedelta(minutes=2)  # longer than a shard takes
MAX_ATTEMPTS: Final = 5
LOOK_BACK: Final = timedelta(days=10)  # so that a symbol that is new has a close to carry
LATE_DAYS: Final = timedelta(days=7)  # how long a missing price is waited for
CATCH_UP_DAYS: Final = 7  # nights that the sweep makes up for, however long nobody ran
State = SnapshotRun.State
Trigger = SnapshotRun.Trigger

# The first holder of each is found by index, however many there are.
HELD_SYMBOLS: Final = """
SELECT y.id, y.kind FROM history_marketsymbol y WHERE EXISTS (
    SELECT FROM history_securitymapping m CROSS JOIN LATERAL (
        SELECT FROM investments_holding h JOIN investments_account a ON a.id = h.account_id AND a.closed_at IS NULL
        WHERE h.security_id = m.security_id AND h.removed_at IS NULL AND h.quantity <> 0 LIMIT 1
    ) holder
    WHERE m.symbol_id = y.id
)
"""
MISSING: Final = """
SELECT y.id FROM history_marketsymbol y
WHERE y.id = ANY(%(symbols)s) AND y.active AND (y.delisted_on IS NULL OR y.delisted_on > %(day)s)
    AND NOT EXISTS (SELECT FROM history_price p WHERE p.symbol_id = y.id AND p.day = %(day)s)
ORDER BY y.id
"""
SHARDS: Final = """
SELECT min(id), max(id) FROM (
    SELECT id, (row_number() OVER (ORDER BY id) - 1) / %(size)s AS shard FROM investments_account
    WHERE closed_at IS NULL
) open GROUP BY shard ORDER BY shard
"""
TOTALS: Final = """
UPDATE history_snapshotrun r
SET state = CASE WHEN s.failed > 0 THEN 'failed' ELSE 'done' END, finished_at = %(now)s,
    rows = s.rows, changed = s.changed, "left" = s.left_out, unconverted = s.unconverted, error = s.error
FROM (
    SELECT count(*) FILTER (WHERE state = 'failed') AS failed,
        count(*) FILTER (WHERE state NOT IN ('done', 'failed')) AS unfinished,
        COALESCE(sum(rows), 0) AS rows, COALESCE(sum(changed), 0) AS changed,
        COALESCE(sum("left"), 0) AS left_out, COALESCE(sum(unconverted), 0) AS unconverted,
        COALESCE(max(error) FILTER (WHERE state = 'failed'), '') AS error
    FROM history_snapshotshard WHERE run_id = %(run)s
) s
WHERE r.id = %(run)s AND r.state = 'running' AND s.unfinished = 0
"""


class DayNotOver(ValueError):
    """A snapshot is of a day that has ended."""

    def __init__(self, day: date) -> None:
        super().__init__(f"{day} is not over yet: a snapshot is taken of a day that is")


def due_at(day: date) -> datetime:
    """When the snapshot of a day is taken: 4:00 in New York the day after, whatever the clocks do that night."""
    return datetime.combine(day + timedelta(days=1), TAKEN_AT, NEW_YORK)


def day_due(now: datetime | None = None) -> date:
    """The last day whose snapshot is due."""
    local = (now or timezone.now()).astimezone(NEW_YORK)
    return local.date() - timedelta(days=1 if local.time() >= TAKEN_AT else 2)


def open_run(*, day: date, trigger: str, now: datetime | None = None) -> SnapshotRun:
    """The run of a day, ready to be worked on: new, going on, or from the start when it was finished.

    Raises DayNotOver. Two at once get the same run.
    """
    now = now or timezone.now()
    if day >= market_today(now):
        raise DayNotOver(day)
    with transaction.atomic():
        run, is_new = SnapshotRun.objects.get_or_create(
            day=day, defaults={"trigger": trigger, "due_at": due_at(day), "started_at": now}
        )
        run = SnapshotRun.objects.select_for_update().get(pk=run.pk)
        if not is_new and run.state in (State.DONE, State.FAILED):
            run.shards.all().delete()
            run.state, run.trigger, run.runs = State.WAITING, trigger, run.runs + 1
            run.started_at, run.finished_at, run.error = now, None, ""
            run.save(update_fields=["state", "trigger", "runs", "started_at", "finished_at", "error"])
    return run


def prepare_run(run: SnapshotRun) -> list[int]:
    """Prices and rates in, then the shards; ids of those that are not done. Call outside of transactions.

    On a day without a session nothing is fetched but what trades every day.
    """
    if run.state == State.WAITING:
        _fetch(run)
        _cut(run)
        run.refresh_from_db()
    return list(run.shards.exclude(state__in=[State.DONE, State.FAILED]).values_list("pk", flat=True))


def _fetch(run: SnapshotRun) -> None:
    with connection.cursor() as cursor:
        cursor.execute(HELD_SYMBOLS)
        held = cursor.fetchall()
    traded = [symbol for symbol, kind in held if kind == MarketSymbol.Kind.CRYPTO or is_session(run.day)]
    with essential():
        if is_session(run.day):
            ensure_rates(currencies=currencies_in_use(), start=run.day - LOOK_BACK, end=run.day)
        ensured = ensure_prices(symbol_ids=traded, start=run.day - LOOK_BACK, end=run.day)
    missing = missing_closes(symbol_ids=traded, day=run.day)
    run.prices_stored, run.missing_prices, run.missing_symbols = ensured.stored, len(missing), missing
    run.save(update_fields=["prices_stored", "missing_prices", "missing_symbols"])


def missing_closes(*, symbol_ids: list[int], day: date) -> list[int]:
    """Those of the symbols, still listed, that have no close on the day."""
    with connection.cursor() as cursor:
        cursor.execute(MISSING, {"symbols": symbol_ids, "day": day})
        return [row[0] for row in cursor.fetchall()]


@transaction.atomic
def _cut(run: SnapshotRun) -> None:
    """Accounts in ranges of ids, once: whoever comes second finds the run under way."""
    if not SnapshotRun.objects.filter(pk=run.pk, state=State.WAITING).update(state=State.RUNNING):
        return
    with connection.cursor() as cursor:
        cursor.execute(SHARDS, {"size": settings.SNAPSHOT_SHARD_ACCOUNTS})
        ranges = cursor.fetchall()
    SnapshotShard.objects.bulk_create(
        [
            SnapshotShard(run=run, number=number, first_account=first, last_account=last)
            for number, (first, last) in enumerate(ranges, start=1)
        ]
    )


def close_shard(*, shard_id: int, now: datetime | None = None) -> bool:
    """Close a shard's accounts, unless somebody is at it or it is done; whether it was done here.

    The rows and the word that they are written commit together.
    """
    now = now or timezone.now()
    shard = _claim(shard_id, now)
    if shard is None:
        return False
    started = time.monotonic()
    try:
        with transaction.atomic():
            closed = close_range(
                first_account=shard.first_account,
                last_account=shard.last_account,
                day=shard.run.day,
                today=market_today(now),
            )
            shard.rows, shard.changed = closed.rows, closed.changed
            shard.left, shard.unconverted = len(closed.left), len(closed.unconverted)
            shard.seconds, shard.state, shard.error = time.monotonic() - started, State.DONE, ""
            shard.save(update_fields=["rows", "changed", "left", "unconverted", "seconds", "state", "error"])
            if shard.changed:  # last, because shards of a run wait for each other here
                SnapshotRun.objects.filter(pk=shard.run_id).update(revision=F("revision") + 1)
    except (Error, ArithmeticError, ValueError) as error:
        logger.exception("Shard %d of the snapshot of %s failed", shard.number, shard.run.day)
        _give_back(shard, str(error) or type(error).__name__)
        return False
    finally:
        finish(shard.run_id)
    return True


def _claim(shard_id: int, now: datetime) -> SnapshotShard | None:
    """The shard, now ours for as long as the lease runs."""
    free = Q(state=State.WAITING) | Q(state=State.RUNNING, claimed_until__lt=now)
    ours = SnapshotShard.objects.filter(free, pk=shard_id, run__state=State.RUNNING)
    if not ours.update(state=State.RUNNING, claimed_until=now + LEASE, attempts=F("attempts") + 1):
        return None
    return SnapshotShard.objects.select_related("run").get(pk=shard_id)


def _give_back(shard: SnapshotShard, error: str) -> None:
    state = State.FAILED if shard.attempts >= MAX_ATTEMPTS else State.WAITING
    SnapshotShard.objects.filter(pk=shard.pk).update(state=state, claimed_until=None, error=error[:500])


def finish(run_id: int) -> None:
    """Sum up the run with the last of its shards."""
    with connection.cursor() as cursor:
        cursor.execute(TOTALS, {"run": run_id, "now": timezone.now()})


def take_snapshot(*, day: date, trigger: str, now: datetime | None = None) -> SnapshotRun:
    """Run a day to its end in this process: what the tasks do, one shard after the other. Raises DayNotOver."""
    run = open_run(day=day, trigger=trigger, now=now)
    for _attempt in range(MAX_ATTEMPTS):
        waiting = prepare_run(run)
        for shard_id in waiting:
            close_shard(shard_id=shard_id, now=now)
        finish(run.pk)
        run.refresh_from_db()
        if run.state != State.RUNNING:
            break
    return run


def days_missed(now: datetime | None = None) -> list[date]:
    """Days that were due since the last snapshot and have no run, oldest first; only the last when there never was one.

    After more than CATCH_UP_DAYS the rest is left to reconstruction, which knows what was held then.
    """
    last = day_due(now)
    newest = SnapshotRun.objects.filter(day__lte=last).order_by("-day").values_list("day", flat=True).first()
    if newest is None:
        return [last]
    missed = [newest + timedelta(days=number) for number in range(1, (last - newest).days + 1)]
    return missed[-CATCH_UP_DAYS:]


def runs_with_late_prices(now: datetime | None = None) -> list[SnapshotRun]:
    """Finished runs of the last week that missed prices which have come in since."""
    since = market_today(now) - LATE_DAYS
    runs = SnapshotRun.objects.filter(state=State.DONE, missing_prices__gt=0, day__gte=since).order_by("day")
    return [run for run in runs if _has_come(run)]


def _has_come(run: SnapshotRun) -> bool:
    return len(missing_closes(symbol_ids=run.missing_symbols, day=run.day)) < len(run.missing_symbols)


def stranded_shards(now: datetime | None = None) -> list[int]:
    """Shards of runs under way that nobody works on: their message or their worker was lost."""
    now = now or timezone.now()
    free = Q(state=State.WAITING) | Q(state=State.RUNNING, claimed_until__lt=now)
    return list(SnapshotShard.objects.filter(free, run__state=State.RUNNING).values_list("pk", flat=True))

"""Who rebuilds which account now: a row per account in PostgreSQL, with a lease that a dead worker cannot keep.

Everything here commits at once, outside of the transaction that rebuilds, so that progress can be watched.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection
from django.db.models import Q
from django.utils import timezone

from history.market.prices import last_settlement
from history.models import AccountHistory
from history.valuation import market_today

MAX_ATTEMPTS: Final = 3
LEASE: Final = timedelta(seconds=60)  # since the last progress; longer than any stage of a batch takes
QUEUED_FOR: Final = timedelta(minutes=5)  # a message older than that is taken for lost
State = AccountHistory.State

# An account that failed MAX_ATTEMPTS times at this version of its ledger waits for a new version, or for an operator.
BEHIND: Final = """
SELECT a.id, COALESCE(h.processed_version, -1) < 0 AS is_new, COALESCE(h.attempts, 0),
    COALESCE(h.processed_version >= a.ledger_version AND h.stale_from IS NULL
        AND h.last_day BETWEEN %(today)s::date - 1 AND %(today)s, false) AS only_day
FROM investments_account a LEFT JOIN history_accounthistory h ON h.account_id = a.id
WHERE a.closed_at IS NULL AND (
        h.account_id IS NULL OR h.processed_version < a.ledger_version OR h.last_day IS DISTINCT FROM %(today)s
        OR h.finished_at < %(settled)s OR h.stale_from IS NOT NULL
    )
    AND NOT (COALESCE(h.attempts, 0) >= %(most)s AND h.tried_version >= a.ledger_version)
    AND NOT (COALESCE(h.state, '') = 'running' AND h.progressed_at > %(alive)s)
"""
NOT_QUEUED: Final = "AND (h.queued_at IS NULL OR h.queued_at < %(stale)s)"

CLAIM: Final = f"""
INSERT INTO history_accounthistory AS h (account_id, owner_id, state, processed_version, progress, started_at,
    progressed_at, attempts, tried_version, error)
SELECT id, owner_id, 'running', -1, 0, %(now)s, %(now)s, 1, ledger_version, '' FROM investments_account
WHERE id = ANY(%(accounts)s) AND id IN (SELECT id FROM ({BEHIND}) behind) ORDER BY id
ON CONFLICT (account_id) DO UPDATE SET state = 'running', progress = 0, started_at = excluded.started_at,
    progressed_at = excluded.progressed_at, tried_version = excluded.tried_version,
    attempts = CASE WHEN h.tried_version = excluded.tried_version THEN h.attempts + 1 ELSE 1 END
WHERE NOT (h.state = 'running' AND h.progressed_at > %(alive)s)
RETURNING account_id
"""

QUEUE: Final = """
INSERT INTO history_accounthistory (account_id, owner_id, state, processed_version, progress, attempts, tried_version,
    error, queued_at)
SELECT id, owner_id, 'waiting', -1, 0, 0, -1, '', %(now)s FROM investments_account WHERE id = ANY(%(accounts)s)
ON CONFLICT (account_id) DO UPDATE SET queued_at = excluded.queued_at
"""


@dataclass(frozen=True, slots=True)
class Behind:
    """An account whose history has to follow. `attempts` failed so far.

    `is_new`: it has none yet; `only_day`: nothing but the calendar or the last close has moved on.
    """

    account_id: int
    is_new: bool
    attempts: int
    only_day: bool


def _moment(now: datetime | None) -> dict[str, Any]:
    now = now or timezone.now()
    return {
        "now": now,
        "today": market_today(now),
        "settled": last_settlement(now),
        "alive": now - LEASE,
        "most": MAX_ATTEMPTS,
    }


def behind(*, limit: int, now: datetime | None = None) -> list[Behind]:
    """Accounts whose history is behind their ledger, the calendar or the last close; new ones first, mere days last.

    Left out are those that somebody rebuilds, and those that were queued within QUEUED_FOR.
    """
    moment = _moment(now)
    stale = moment["now"] - QUEUED_FOR
    with connection.cursor() as cursor:
        cursor.execute(
            f"{BEHIND} {NOT_QUEUED} ORDER BY is_new DESC, only_day, a.id LIMIT %(limit)s",
            {**moment, "stale": stale, "limit": limit},
        )
        return [Behind(*row) for row in cursor.fetchall()]


def claim(*, account_ids: Sequence[int], now: datetime | None = None) -> list[int]:
    """Those of the accounts that are behind and that nobody rebuilds, now ours, by id."""
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, {**_moment(now), "accounts": list(account_ids)})
        return sorted(row[0] for row in cursor.fetchall())


def advance(*, account_ids: Iterable[int], progress: float) -> None:
    """Say how far a rebuild is, 0..1, which also renews the lease."""
    AccountHistory.objects.filter(pk__in=list(account_ids), state=State.RUNNING).update(
        progress=progress, progressed_at=timezone.now()
    )


def give_back(*, account_id: int, error: str) -> None:
    """Record a failed try: it waits to be tried again, or has failed for good."""
    running = AccountHistory.objects.filter(pk=account_id, state=State.RUNNING)
    running.filter(attempts__lt=MAX_ATTEMPTS).update(state=State.WAITING, progress=0, error=error[:500])
    running.filter(attempts__gte=MAX_ATTEMPTS).update(
        state=State.FAILED, progress=0, error=error[:500], finished_at=timezone.now()
    )


def bury_abandoned(*, now: datetime | None = None) -> int:
    """Fail the accounts whose rebuild has killed its worker too often; returns how many."""
    dead = Q(state=State.RUNNING, progressed_at__lt=(now or timezone.now()) - LEASE, attempts__gte=MAX_ATTEMPTS)
    return AccountHistory.objects.filter(dead).update(
        state=State.FAILED, progress=0, error=f"Interrupted {MAX_ATTEMPTS} times", finished_at=timezone.now()
    )


def restart(*, account_ids: Iterable[int]) -> int:
    """Make histories be rebuilt from the start, also failed ones; returns how many there are."""
    return AccountHistory.objects.filter(pk__in=list(account_ids)).update(
        state=State.WAITING, processed_version=-1, progress=0, attempts=0, tried_version=-1, queued_at=None, error=""
    )


def mark_queued(*, account_ids: Iterable[int], now: datetime | None = None) -> None:
    """Remember that a message is under way, so that the next sweeps send no second one."""
    with connection.cursor() as cursor:
        cursor.execute(QUEUE, {"now": now or timezone.now(), "accounts": list(account_ids)})

"""A worker killed in the middle of a rebuild: nothing half-written, and another one finishes the job."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import connection
from django.db.models import F
from django.utils import timezone

from history.claims import LEASE
from history.models import AccountHistory, Anomaly
from history.reconstruction.rebuild import rebuild_accounts
from history.tasks import enqueue_behind, rebuild
from history.tests.ledgers import WAITING, book, checksum, days_of, holding, row, state_of, stock
from history.valuation import market_today
from investments.models import Account

pytestmark = [pytest.mark.fault, pytest.mark.slow, pytest.mark.usefixtures("committed")]

START = 120.0  # a process that loads Django needs half a minute where six want two cores
DEADLINE = 60.0  # from then on
QUEUES = ("high", "default", "low")
AAPL = stock("AAPL")
State = AccountHistory.State


def database_url() -> str:
    """Of the test database, for other processes."""
    server, _, name = settings.DATABASE_URL.rpartition("/")
    options = name.partition("?")[1:]
    return f"{server}/{connection.settings_dict['NAME']}{''.join(options)}"


def forget_messages() -> None:
    """Empty the queues: what was queued while the test set up its rows is not what it is about."""
    with rebuild.app.connection_for_write() as broker:
        for queue in QUEUES:
            broker.default_channel.queue_purge(queue)


def environment() -> dict[str, str]:
    """For other processes: the test's database and broker, as a worker."""
    return {
        **os.environ,
        "DATABASE_URL": database_url(),
        "REDIS_URL": settings.REDIS_URL,
        "DJANGO_SETTINGS_MODULE": "portfolio_site.settings",
        "LONGVIEW_ROLE": "worker",
        "MARKET_DATA_PROVIDERS": "simulated",
    }


@contextmanager
def worker() -> Iterator[subprocess.Popen[bytes]]:
    """A real Celery worker in a process group of its own, which takes messages already."""
    queues = ["-Q", ",".join(QUEUES), "-c", "1", "--without-gossip", "--without-mingle", "--without-heartbeat"]
    process = subprocess.Popen(
        [sys.executable, "-m", "celery", "-A", "portfolio_site", "worker", *queues, "--loglevel", "WARNING"],
        env=environment(),
        cwd=settings.BASE_DIR,
        start_new_session=True,
    )
    try:
        wait_for(lambda: answers(process), "the start of a worker", START)
        yield process
    finally:
        kill(process)


def answers(process: subprocess.Popen[bytes]) -> bool:
    """Whether the worker reads its messages."""
    assert process.poll() is None, f"the worker ended with {process.returncode}"
    return bool(rebuild.app.control.ping(timeout=0.5, limit=1))


def kill(process: subprocess.Popen[bytes]) -> None:
    """The worker and its children, at once, with no chance to say goodbye."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)


def wait_for(condition: Callable[[], bool], what: str, seconds: float = DEADLINE) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not happen in {seconds:.0f} s"
        time.sleep(0.05)


@contextmanager
def stuck_after_writing_days() -> Iterator[Callable[[], bool]]:
    """Anomalies are written after the days: with their table locked, a rebuild stops with its days uncommitted.

    Gives a function that tells whether somebody has run into the lock.
    """
    with psycopg.connect(database_url()) as blocker:
        blocker.execute("LOCK TABLE history_anomaly IN ACCESS EXCLUSIVE MODE")

        def somebody_waits() -> bool:
            found = blocker.execute(WAITING).fetchone()
            return bool(found and found[0])

        yield somebody_waits
        blocker.rollback()


def backends_gone() -> bool:
    """No other session of the test database is left: PostgreSQL has noticed that its clients are dead."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
            "AND backend_type = 'client backend'"
        )
        return bool(cursor.fetchone()[0] == 0)


def accounts_of(owner: Any, count: int = 3) -> list[Account]:
    today = market_today()
    bought = row("buy/buy", today - timedelta(days=200), 1000, AAPL, 5)
    named: dict[str, Any] = {"securities": [AAPL], "on": today, "transactions": [bought]}
    return [book(owner, f"A{number}", holdings=[holding(AAPL, number + 5, 90)], **named) for number in range(count)]


def test_a_worker_killed_in_mid_rebuild_keeps_what_was_there(owner: Any) -> None:
    accounts = accounts_of(owner)
    ids = [account.pk for account in accounts]
    forget_messages()
    rebuild_accounts(account_ids=ids)
    Account.objects.update(ledger_version=F("ledger_version") + 1)
    before, anomalies = checksum(ids), Anomaly.objects.count()

    with stuck_after_writing_days() as somebody_waits, worker() as doomed:
        rebuild.apply_async((ids,), queue="high")
        wait_for(somebody_waits, "the rebuild reaching its anomalies")
        kill(doomed)
    wait_for(backends_gone, "the end of the dead worker's session")

    assert checksum(ids) == before
    assert Anomaly.objects.count() == anomalies
    assert {state_of(account).state for account in accounts} == {State.RUNNING}
    AccountHistory.objects.update(progressed_at=timezone.now())
    assert enqueue_behind() == 0  # as long as its lease runs, the worker may be alive

    AccountHistory.objects.update(progressed_at=timezone.now() - LEASE)
    assert rebuild_accounts(account_ids=ids).done == tuple(ids)
    assert checksum(ids) == before


@contextmanager
def stuck_at(account: Account) -> Iterator[Callable[[], bool]]:
    """One anomaly of the account is held: the rebuild of its batch stops with its days uncommitted."""
    Anomaly.objects.create(
        account=account, owner_id=account.owner_id, kind=Anomaly.Kind.SEAM, day=market_today(), size=1
    )
    with psycopg.connect(database_url()) as blocker:
        blocker.execute("SELECT FROM history_anomaly WHERE account_id = %s FOR UPDATE", [account.pk])

        def somebody_waits() -> bool:
            found = blocker.execute(WAITING).fetchone()
            return bool(found and found[0])

        yield somebody_waits
        blocker.rollback()


def test_histories_in_bulk_killed_in_the_middle_end_as_undisturbed_ones(owner: Any) -> None:
    """Of three batches one is done, one is under way and one waits when the worker dies and the broker forgets."""
    accounts = accounts_of(owner, 9)
    ids = [account.pk for account in accounts]
    batches = [ids[:3], ids[3:6], ids[6:]]
    rebuild_accounts(account_ids=ids)
    undisturbed = checksum(ids)
    forget_messages()
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE history_accountday, history_anomaly, history_accounthistory")

    with stuck_at(accounts[4]) as somebody_waits, worker() as doomed:
        for batch in batches:
            rebuild.apply_async((batch,), queue="low")
        wait_for(somebody_waits, "the second batch reaching its anomalies")
        kill(doomed)
    wait_for(backends_gone, "the end of the dead worker's session")
    forget_messages()

    assert [len(days_of(account)) for account in accounts] == [731] * 3 + [0] * 6
    states = dict(AccountHistory.objects.values_list("account_id", "state"))
    assert [states.get(pk) for pk in ids] == [State.READY] * 3 + [State.RUNNING] * 3 + [None] * 3

    AccountHistory.objects.filter(state=State.RUNNING).update(progressed_at=timezone.now() - LEASE)
    with worker():
        assert enqueue_behind() == 6  # what was done is not done again
        wait_for(lambda: AccountHistory.objects.filter(state=State.READY).count() == 9, "the rebuild")
    assert checksum(ids) == undisturbed


CHANGE = """
import sys, django
django.setup()
from investments.ledger.changes import changed, together
with together():
    changed([int(pk) for pk in sys.argv[1:]])
"""


def test_the_broker_being_down_fails_no_change_of_the_ledger(owner: Any) -> None:
    """The change is committed and the accounts are behind; the sweep is what gets them rebuilt."""
    ids = [account.pk for account in accounts_of(owner)]
    assert rebuild_accounts(account_ids=ids).done == tuple(ids)
    versions = dict(Account.objects.values_list("pk", "ledger_version"))
    nobody = {"CELERY_BROKER_URL": "redis://127.0.0.1:1/0"}
    changed = subprocess.run(
        [sys.executable, "-c", CHANGE, *map(str, ids)],
        env={**environment(), **nobody}, cwd=settings.BASE_DIR, capture_output=True, text=True, timeout=START,
    )  # fmt: skip
    assert changed.returncode == 0, changed.stderr
    assert "The broker cannot be reached, 3 accounts wait for the sweep" in changed.stderr
    assert dict(Account.objects.values_list("pk", "ledger_version")) == {pk: versions[pk] + 1 for pk in versions}
    assert enqueue_behind() == 3

"""A snapshot killed in the middle: each shard is written or not, and the next process goes on with the rest."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.utils import timezone

from history.models import AccountDay, SnapshotRun, SnapshotShard
from history.snapshots import open_run
from history.tasks import run_snapshot, sweep_snapshots
from history.tests.ledgers import CASH, WAITING, book, checksum, holding, row, stock
from history.tests.test_rebuild_killed import (
    backends_gone,
    database_url,
    environment,
    forget_messages,
    kill,
    wait_for,
    worker,
)
from history.valuation import market_today
from investments.models import Account

pytestmark = [pytest.mark.fault, pytest.mark.slow, pytest.mark.usefixtures("committed")]

AAPL = stock("AAPL")
State = SnapshotRun.State


@pytest.fixture
def accounts(owner: Any, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Three accounts, a shard each in every process."""
    monkeypatch.setenv("SNAPSHOT_SHARD_ACCOUNTS", "1")
    monkeypatch.setattr(settings, "SNAPSHOT_SHARD_ACCOUNTS", 1)
    day = market_today() - timedelta(days=1)
    made = [
        book(
            owner,
            f"A{number}",
            securities=[AAPL],
            holdings=[holding(AAPL, number + 5, 90), holding(CASH, 100)],
            transactions=[row("cash/deposit", day, -100, CASH, -100)],
            on=day,
        )
        for number in range(3)
    ]
    forget_messages()
    return [account.pk for account in made]


@contextmanager
def stuck_in(account_id: int) -> Iterator[Any]:
    """Somebody has written the account's day and does not commit: whoever writes it too waits in mid statement."""
    day, owner_id = market_today() - timedelta(days=1), Account.objects.get(pk=account_id).owner_id
    with psycopg.connect(database_url()) as blocker:
        blocker.execute(
            "INSERT INTO history_accountday VALUES (%s, %s, %s, 0, 0, 0, 0, 0, 0, 0, 0, 1)", [owner_id, account_id, day]
        )

        def somebody_waits() -> bool:
            found = blocker.execute(WAITING).fetchone()
            return bool(found and found[0])

        yield somebody_waits
        blocker.rollback()


def command() -> "subprocess.Popen[bytes]":
    day = str(market_today() - timedelta(days=1))
    return subprocess.Popen(
        [sys.executable, "manage.py", "snapshot", "--day", day],
        env=environment(), cwd=settings.BASE_DIR, start_new_session=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip


def undisturbed(accounts: list[int]) -> str:
    """The checksum of a run that nobody killed; nothing of it stays."""
    process = command()
    assert process.wait(60) == 0
    found = checksum(accounts)
    assert AccountDay.objects.count() == 3
    AccountDay.objects.all().delete()
    SnapshotRun.objects.all().delete()
    return found


def let_leases_end() -> None:
    SnapshotShard.objects.filter(state=State.RUNNING).update(claimed_until=timezone.now())


def states() -> list[str]:
    return list(SnapshotShard.objects.order_by("number").values_list("state", flat=True))


def test_a_command_killed_in_mid_run_is_gone_on_with(accounts: list[int]) -> None:
    expected = undisturbed(accounts)
    with stuck_in(accounts[1]) as somebody_waits:
        doomed = command()
        wait_for(somebody_waits, "the second shard writing")
        kill(doomed)
    wait_for(backends_gone, "the end of the dead process's session")
    assert states() == [State.DONE, State.RUNNING, State.WAITING]
    assert list(AccountDay.objects.values_list("account", flat=True)) == accounts[:1]

    let_leases_end()
    assert command().wait(60) == 0
    assert states() == [State.DONE] * 3
    assert checksum(accounts) == expected
    assert list(SnapshotRun.objects.values_list("state", "rows", "changed", "runs")) == [(State.DONE, 3, 3, 1)]


def test_a_worker_killed_in_mid_shard_is_replaced_by_the_next(accounts: list[int]) -> None:
    expected = undisturbed(accounts)
    run = open_run(day=market_today() - timedelta(days=1), trigger="nightly")
    with stuck_in(accounts[2]) as somebody_waits, worker() as doomed:
        run_snapshot.apply_async((run.pk,), queue="default")
        wait_for(somebody_waits, "the last shard writing")
        kill(doomed)
    wait_for(backends_gone, "the end of the dead worker's session")
    assert states() == [State.DONE, State.DONE, State.RUNNING]

    let_leases_end()
    with worker():
        sweep_snapshots()
        wait_for(lambda: SnapshotRun.objects.get(pk=run.pk).state == State.DONE, "the run")
    assert checksum(accounts) == expected
    assert AccountDay.objects.filter(value__gt=Decimal(0)).count() == 3

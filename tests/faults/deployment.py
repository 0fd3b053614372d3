"""The whole product as real processes, each of which a test may kill, stop, freeze and start again.

PostgreSQL (a database of its own), Redis (always an own one, because tests wipe it), the local Plaid server, web, a
Celery worker with two children, and beat with a schedule of seconds instead of minutes.
"""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
import psycopg
from psycopg.rows import dict_row
from redis import Redis

from plaid_link.sandbox.testing import PlaidServer
from portfolio_site.demo.stack import Addresses, Stack, free_port
from portfolio_site.demo.waiting import wait_until
from portfolio_site.lib.embedded import postgres, processes, redis
from portfolio_site.lib.embedded.places import Place

PATIENCE = 90.0
SWEEP_SECONDS = 2
# What picks up what was lost. The rest of the schedule changes figures at its own times, whatever a test does.
SWEEPS = ("plaid_link.handle_waiting_webhooks", "plaid_link.sync_stale_items", "history.sweep_behind")
QUEUES = ("high", "default", "low")
# Plaid's slowness is told from its silence within a test's patience; the children are two, as a slot can be lost.
ENVIRONMENT = {"PLAID_TIMEOUT_SECONDS": "5", "CELERY_VISIBILITY_TIMEOUT": "30"}
PLAID_OPTIONS = ("--control", "--webhook-delay", "0.01", "--retry-scale", "0.01")
# Everything that the product compares with the clock, by table.
CLOCKS = {
    "plaid_link_item": ("last_synced_at", "next_try_at", "created_at"),
    "plaid_link_syncrun": ("started_at", "alive_at", "finished_at"),
    "plaid_link_webhookevent": ("received_at", "next_try_at", "started_at", "finished_at"),
    "portfolio_site_job": ("created_at", "started_at", "finished_at"),
    "history_accounthistory": ("started_at", "progressed_at", "queued_at"),
    "investments_account": ("synced_at",),
}


class Deployment(Stack):
    """`start()` brings all of it up; the parts are `plaid`, `web`, `worker`, `beat`, `redis` and `postgres`."""

    def __init__(self, *, var: Path, database_url: str = "") -> None:
        super().__init__(var=var, addresses=Addresses(free_port(), free_port()), database_url=database_url)
        self.plaid = PlaidServer(self.addresses.plaid)
        self.people: list[Any] = []
        self.known_keys: set[str] = set()

    def prepare(self) -> None:
        super().prepare()
        self.execute("UPDATE django_celery_beat_intervalschedule SET every = %(s)s", s=SWEEP_SECONDS)
        self.execute("UPDATE django_celery_beat_periodictask SET enabled = (task = ANY(%(tasks)s))", tasks=list(SWEEPS))

    def kill(self, name: str) -> None:
        """kill -9 of a process with all its children."""
        if name in ENGINES:
            self._signal_engine(name, signal.SIGKILL)
        else:
            self._signal(name, signal.SIGKILL)
            self.supervisor.children[name].process.wait()

    def terminate(self, name: str) -> int:
        """Ask a process to finish, as a deployment does, and wait for its end; returns its exit code."""
        process = self.supervisor.children[name].process
        process.terminate()
        return process.wait(PATIENCE)

    @contextmanager
    def frozen(self, name: str) -> Iterator[None]:
        """Alive, but doing nothing: SIGSTOP, and SIGCONT at the end."""
        send = self._signal_engine if name in ENGINES else self._signal
        send(name, signal.SIGSTOP)
        try:
            yield
        finally:
            send(name, signal.SIGCONT)

    def stop_engine(self, name: str) -> None:
        ENGINES[name].stop(self.var)

    def start_again(self, *names: str) -> None:
        """Start what was killed or stopped. Returns once engines and web answer."""
        for name in names:
            if name in ENGINES:
                ENGINES[name].ensure_running(self.var)
            else:
                child = self.supervisor.children[name]
                self.supervisor.start(name, *child.command, environment=child.environment)
        if "web" in names:
            self.until(self._web_answers, "the web process to answer")

    def broken_parts(self) -> list[str]:
        """Processes that are not running, though nobody has asked them to end."""
        return [name for name, child in self.supervisor.children.items() if child.process.poll() is not None]

    def pass_time(self, seconds: float) -> None:
        """Make everything that has been written down look so many seconds older, and the rate limits fuller."""
        for table, columns in CLOCKS.items():
            earlier = ", ".join(f"{column} = {column} - make_interval(secs => %(s)s)" for column in columns)
            self.execute(f"UPDATE {table} SET {earlier}", s=seconds)
        for bucket in self.redis.scan_iter("limit:*", _type="HASH"):
            self.redis.hincrbyfloat(bucket, "at", -seconds)
        for window in self.redis.scan_iter("limit:*", _type="ZSET"):
            entered = self.redis.zrange(window, 0, -1, withscores=True)
            self.redis.zadd(window, {request: at - seconds * 1e6 for request, at in entered})

    def rows(self, statement: str, **values: Any) -> list[dict[str, Any]]:
        """As the owner of the tables, past row security."""
        with psycopg.connect(self.environment["DATABASE_URL"], autocommit=True, row_factory=dict_row) as connection:
            return connection.execute(statement, values).fetchall()  # type: ignore[arg-type]

    def value(self, statement: str, **values: Any) -> Any:
        """The one value that the statement gives, None without a row."""
        return next((next(iter(row.values())) for row in self.rows(statement, **values)), None)

    def execute(self, statement: str, **values: Any) -> int:
        """The number of rows changed."""
        with psycopg.connect(self.environment["DATABASE_URL"], autocommit=True) as connection:
            return connection.execute(statement, values).rowcount  # type: ignore[arg-type]

    @contextmanager
    def writing_blocked(self, table: str) -> Iterator[Callable[[], bool]]:
        """Let everybody read the table and nobody write it; gives a function that tells whether a writer waits."""
        with psycopg.connect(self.environment["DATABASE_URL"]) as blocker:
            blocker.execute(f"LOCK TABLE {table} IN SHARE MODE")  # type: ignore[arg-type]
            yield lambda: bool(self.blocked_backends(table))
            with suppress(psycopg.OperationalError):
                blocker.rollback()

    def blocked_backends(self, table: str) -> list[int]:
        """The process ids of the database sessions that wait to write the table."""
        found = self.rows(
            "SELECT l.pid FROM pg_locks l JOIN pg_class c ON c.oid = l.relation JOIN pg_database d "
            "ON d.oid = l.database WHERE d.datname = current_database() AND c.relname = %(table)s AND NOT l.granted",
            table=table,
        )
        return [row["pid"] for row in found]

    @cached_property
    def redis(self) -> Redis:
        return Redis.from_url(self.environment["REDIS_URL"])

    def accepts_connections(self) -> bool:
        """Whether PostgreSQL is up, and not recovering from a crash."""
        try:
            return bool(self.value("SELECT 1"))
        except psycopg.OperationalError:
            return False

    def is_idle(self) -> bool:
        """Whether no task waits or runs."""
        return not (any(map(self.redis.llen, QUEUES)) or self.redis.hlen("unacked"))

    def until(self, condition: Callable[[], bool], what: str, *, seconds: float = PATIENCE) -> None:
        """Wait for something that a process does. Raises AssertionError when it does not happen."""
        assert wait_until(condition, seconds=seconds), f"waited {seconds:.0f} s for {what}\n{self._tails()}"

    def _tails(self) -> str:
        return "\n".join(f"--- {name}\n{self.supervisor.log_tail(name, 12)}" for name in ("web", "worker"))

    def peak_megabytes(self, name: str) -> float:
        """The most memory that any one process of a part has ever had."""
        group = self.supervisor.children[name].process.pid
        return max(_peak_megabytes(path) for path in Path("/proc").glob("[0-9]*") if _group_of(path) == group)

    def log(self, name: str) -> str:
        return (self.supervisor.log_directory / f"{name}.log").read_text(errors="replace")

    def _environment(self) -> dict[str, str]:
        return {**super()._environment(), **ENVIRONMENT}

    def _start_plaid(self) -> None:
        where = ("--port", str(self.addresses.plaid_port), "--state", str(self.var / "plaid-sandbox.json"))
        self._start_child("plaid", *PLAID, *where, *PLAID_OPTIONS, role="owner")

    def _signal(self, name: str, sent: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.supervisor.children[name].process.pid, sent)

    def _signal_engine(self, name: str, sent: signal.Signals) -> None:
        engine = ENGINES[name]
        for pid in processes.working_in(Place(self.var, name).data, program=engine.program):
            with suppress(ProcessLookupError):
                os.kill(pid, sent)

    def _web_answers(self) -> bool:
        try:
            return httpx.get(f"{self.addresses.web}/health", timeout=5).status_code == 200
        except httpx.HTTPError:
            return False


ENGINES = {"redis": redis.ENGINE, "postgres": postgres.ENGINE}
PLAID = (sys.executable, "-m", "plaid_link.sandbox")


def _group_of(process: Path) -> int:
    try:
        return os.getpgid(int(process.name))
    except ProcessLookupError:
        return 0


def _peak_megabytes(process: Path) -> float:
    with suppress(FileNotFoundError, ProcessLookupError):
        for line in (process / "status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return 0.0

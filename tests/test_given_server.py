"""A PostgreSQL that was given, not embedded: the one of the machine, where one answers.

The session's own engine is whatever DATABASE_URL says, else the embedded one; so that both kinds are tried wherever
possible, this builds the schema on the machine's server too and looks at it through each of the three roles.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from portfolio_site.demo.scratch import scratch_database

CHECKOUT = Path(__file__).resolve().parents[1]
SERVER = os.environ.get("LONGVIEW_GIVEN_SERVER", "postgresql://postgres@127.0.0.1:5432/postgres")
OLDEST = 150000
PEOPLE = """
INSERT INTO portfolio_site_user (email, password, first_name, last_name, is_superuser, is_staff, is_active, date_joined,
    base_currency, time_zone, benchmark, page_filters)
SELECT (name || '@example.com')::bytea, '', '', '', false, false, true, now(), 'USD', 'UTC', 'SPY', '{}'
FROM unnest(ARRAY['one', 'two']) name
RETURNING id
"""
JOBS = """
INSERT INTO portfolio_site_job (id, owner_id, kind, state, progress, message, error, created_at)
SELECT gen_random_uuid(), id, 'sync', 'queued', 0, '', '', now() FROM portfolio_site_user
"""
COPY_DAYS = """
COPY history_accountday (owner_id, account_id, day, value, cash, net_flow, income, fees, securities_count, quality,
    snapshot_type) FROM STDIN
"""


def connect(url: str, role: str = "") -> "psycopg.Connection[tuple[object, ...]]":
    return psycopg.connect(url, connect_timeout=5, options=f"-c role={role}" if role else "")


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    """The URL of a migrated scratch database on the machine's server."""
    try:
        with connect(SERVER) as connection:
            version = connection.info.server_version
    except psycopg.OperationalError:
        pytest.skip(f"No PostgreSQL answers at {SERVER}; the embedded one is tested by everything else")
    if version < OLDEST:
        pytest.skip(f"The PostgreSQL at {SERVER} is older than 15")
    with scratch_database(SERVER) as url:
        environment = {**os.environ, "DATABASE_URL": url, "LONGVIEW_ROLE": "owner"}
        migrate = [sys.executable, "manage.py", "migrate", "--no-input", "--verbosity=0"]
        subprocess.run(migrate, cwd=CHECKOUT, env=environment, check=True, timeout=120)
        with connect(url) as owner:
            owner.execute(PEOPLE)
            owner.execute(JOBS)
        yield url


def test_the_web_role_sees_its_tenant_and_nobody_without_one(database: str) -> None:
    with connect(database, "longview_web") as web:
        assert web.execute("SELECT count(*) FROM portfolio_site_job").fetchone() == (0,)
        web.execute("SELECT set_config('app.user_id', min(id)::text, true) FROM portfolio_site_user")
        assert web.execute("SELECT count(*), count(DISTINCT owner_id) FROM portfolio_site_job").fetchone() == (1, 1)
        web.commit()
        assert web.execute("SELECT count(*) FROM portfolio_site_job").fetchone() == (0,)


def test_the_web_role_may_not_rewrite_the_ledger(database: str) -> None:
    with connect(database, "longview_web") as web, pytest.raises(psycopg.errors.InsufficientPrivilege):
        web.execute("DELETE FROM investments_transaction")


def test_the_worker_role_copies_history_past_row_security(database: str) -> None:
    with connect(database, "longview_worker") as worker:
        with worker.cursor().copy(COPY_DAYS) as copy:
            copy.write_row((1, 1, "2026-11-20", 1, 0, 0, 0, 0, 1, 1, 1))
            copy.write_row((2, 2, "1931-01-02", 1, 0, 0, 0, 0, 1, 1, 1))
        assert worker.execute("SELECT count(*) FROM history_accountday").fetchone() == (2,)
        worker.rollback()

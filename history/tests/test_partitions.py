"""The worker, who owns no table, makes the coming years' partitions and brings home what fell into the default one."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import ProgrammingError, connection, transaction
from django.utils import timezone

from history.partitions import PARTITIONED_TABLES, Watch, ensure_partitions, partitions_are_well, watch

pytestmark = pytest.mark.django_db
THIS_YEAR = timezone.now().year
STRAY = "INSERT INTO history_price (symbol_id, day, close, source) VALUES (7, %s, 1.5, 'x'), (8, %s, 2.5, 'x')"
# What has to be the same of every partition of a table, whoever made it.
SHAPE = """
SELECT c.relrowsecurity, c.relowner, c.relacl::text,
    ARRAY(SELECT replace(pg_get_indexdef(indexrelid), c.relname, '') FROM pg_index
        WHERE indrelid = c.oid AND indisvalid ORDER BY 1),
    ARRAY(SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = c.oid ORDER BY 1),
    ARRAY(SELECT (attname, atttypid::regtype, attnotnull)::text FROM pg_attribute
        WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped ORDER BY attnum),
    (SELECT count(*) FROM pg_inherits JOIN pg_index ON indexrelid = inhrelid WHERE indrelid = c.oid)
FROM pg_class c WHERE c.oid = to_regclass(%s)
"""


def one(sql: str, *parameters: Any) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchone() if cursor.description else None


@pytest.fixture
def as_worker() -> Any:
    """`with as_worker():` the rights of the worker, and no more."""

    @contextmanager
    def role() -> Iterator[None]:
        one(f"SET LOCAL ROLE {settings.WORKER_ROLE}")
        yield
        one("RESET ROLE")

    return role


def drop(table: str, year: int) -> None:
    one(f'DROP TABLE IF EXISTS "{table}_{year}"')


def test_the_worker_makes_what_is_missing_just_as_a_migration_does(settings: Any, as_worker: Any) -> None:
    settings.PARTITION_YEARS_AHEAD = 3
    for table in PARTITIONED_TABLES:
        drop(table, THIS_YEAR + 2)
    with as_worker():
        assert (ensure_partitions(), ensure_partitions()) == (0, 0)
    for table in PARTITIONED_TABLES:
        shape = one(SHAPE, f"{table}_{THIS_YEAR}")
        assert one(SHAPE, f"{table}_{THIS_YEAR + 2}") == one(SHAPE, f"{table}_{THIS_YEAR + 3}") == shape
    assert watch() == [Watch(table, 0, THIS_YEAR + 3) for table in PARTITIONED_TABLES]


def test_rows_astray_are_told_of_and_moved(client: Any, as_worker: Any, as_web: Any) -> None:
    drop("history_price", THIS_YEAR + 1)
    days = [date(THIS_YEAR + 1, 1, 1), date(1999, 12, 31)]
    one(STRAY, *days)
    with as_web():
        assert (watch()[0].strays, watch()[1].strays, partitions_are_well()) == (2, 0, False)
    answer = client.get("/health/ready").json()
    assert (answer["status"], answer["checks"]["partitions"]) == ("degraded", "late")
    with as_worker():
        assert ensure_partitions() == 2
    where = "SELECT tableoid::regclass::text, close FROM history_price WHERE day = %s"
    assert one(where, days[0]) == (f"history_price_{THIS_YEAR + 1}", 1.5)
    assert one(where, days[1]) == ("history_price_1999", 2.5)
    assert client.get("/health/ready").json()["checks"]["partitions"] == "ok"


def test_a_mistaken_date_stays_astray_and_stops_nothing(as_worker: Any) -> None:
    one(STRAY, date(THIS_YEAR + 70, 1, 1), date(1999, 5, 5))
    with as_worker():
        assert ensure_partitions() == 1
    assert watch()[0].strays == 1


@pytest.mark.parametrize("year", [THIS_YEAR + 6, 1899, None])
def test_no_other_year_is_made(as_worker: Any, year: int | None) -> None:
    with pytest.raises(Exception, match="no partition for the year"), transaction.atomic(), as_worker():
        one("SELECT history_add_partition(%s)", year)


def test_the_web_role_may_count_and_nothing_else(as_web: Any) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic(), as_web():
        one("SELECT history_add_partition(%s)", THIS_YEAR)


def test_nobody_can_slip_a_table_of_his_own_under_the_function(as_worker: Any) -> None:
    """The owner's rights must not run what the caller put on his search path."""
    with as_worker():
        one("CREATE TEMP TABLE history_price_default (day date)")
        one("INSERT INTO history_price_default VALUES ('1998-01-01')")
        assert one("SELECT sum(strays)::int FROM history_strays()") == (0,)
        assert one("SELECT history_add_partition(1998)") == (0,)
    one("DROP TABLE pg_temp.history_price_default")


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("committed")
def test_a_writer_of_the_year_waits_and_finds_the_partition() -> None:
    """A row on its way into the default partition while the year's own is made is not lost and does not stop it."""
    options = connection.get_connection_params()
    names = {name: options[name] for name in ("host", "port", "dbname", "user", "password") if options.get(name)}
    try:
        with psycopg.connect(**names) as making, psycopg.connect(**names) as writing:
            making.execute("SELECT history_add_partition(1997)")
            writing.execute("SET lock_timeout = '50ms'")
            with pytest.raises(psycopg.errors.LockNotAvailable):
                writing.execute("INSERT INTO history_price VALUES (9, '1997-05-05', 1, 1, 1, 1, 1, 1, 'x')")
            writing.rollback()
            making.commit()
            writing.execute("INSERT INTO history_price VALUES (9, '1997-05-05', 1, 1, 1, 1, 1, 1, 'x')")
        assert one("SELECT tableoid::regclass::text FROM history_price") == ("history_price_1997",)
    finally:
        for table in PARTITIONED_TABLES:
            drop(table, 1997)

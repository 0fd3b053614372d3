"""Account days by the million, as a few years of running leave them, each account with an owner of its own."""

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from _population import DAYS, LAST_DAY

FIRST_DAY = LAST_DAY - timedelta(days=DAYS - 1)
YEARS = range(FIRST_DAY.year, LAST_DAY.year + 1)
AT_ONCE = 2  # sessions that write

# A hundred different walks; each account has one of them, lifted by an amount of its own.
WALKS = """
CREATE UNLOGGED TABLE walks AS
SELECT walk, d::date AS day,
    round((40000 + walk * 311 + sum(random() * 900 - 430) OVER (PARTITION BY walk ORDER BY d))::numeric, 4) AS value,
    CASE WHEN random() < 0.03 THEN round((random() * 900)::numeric, 2) ELSE 0 END AS income
FROM generate_series(0, 99) walk, generate_series(%(first)s::date, %(last)s::date, interval '1 day') d
"""
FILL = """
INSERT INTO history_accountday_{year} SELECT a.owner_id, a.id, w.day, w.value + a.id %% 9973, round(w.value / 16, 4),
    36000 + a.id %% 9973, 0, w.income, 0, 12, 0.995, 1
FROM investments_account a JOIN walks w ON w.walk = a.id %% 100
WHERE w.day BETWEEN %(first)s AND %(last)s ORDER BY a.id, w.day
"""
PARTITION_KEY = """
SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'history_accountday'::regclass AND contype = 'p'
"""
FILES = "SELECT pg_relation_filepath(oid) FROM pg_class WHERE relname ~ '^history_accountday_20..(_pkey)?$'"


def execute(sql: str, parameters: Any = None) -> list[Any]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall() if cursor.description else []


def write_accounts(count: int) -> list[int]:
    """So many accounts of as many owners; their ids."""
    from investments.models import Account, Institution
    from portfolio_site.models import User

    User.objects.bulk_create([User(email=f"bench{n}@example.com") for n in range(count)], batch_size=5_000)
    institution = Institution.objects.create(external_id="bench", name="Bench")
    owners = User.objects.order_by("pk").values_list("pk", flat=True)
    Account.objects.bulk_create(
        [Account(owner_id=pk, institution=institution, external_id=f"A{pk}", name="Brokerage") for pk in owners],
        batch_size=5_000,
    )
    return list(Account.objects.order_by("pk").values_list("pk", flat=True))


def write_days() -> int:
    """731 days of every account, the index built after them; how many rows."""
    key = execute(PARTITION_KEY)[0][0]
    execute("SELECT setseed(0.5)")
    execute(WALKS, {"first": FIRST_DAY, "last": LAST_DAY})
    execute("ALTER TABLE history_accountday DROP CONSTRAINT history_accountday_pkey")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(_fill, YEARS))
    execute("SET maintenance_work_mem = '1GB'")
    execute(f"ALTER TABLE history_accountday ADD CONSTRAINT history_accountday_pkey {key}")
    for table in ("history_accountday", "investments_account", "portfolio_site_user"):
        execute(f"VACUUM (ANALYZE) {table}")
    return int(execute("SELECT count(*) FROM history_accountday")[0][0])


def _fill(year: int) -> None:
    from django.db import connection

    try:
        execute("SET synchronous_commit = off")
        first, last = max(FIRST_DAY, date(year, 1, 1)), min(LAST_DAY, date(year, 12, 31))
        execute(FILL.format(year=year), {"first": first, "last": last})
    finally:
        connection.close()  # this thread's own


def forget_cached() -> bool:
    """Have the operating system drop the table's pages from memory; False where the server's files are out of reach."""
    execute("CHECKPOINT")
    folder = Path(execute("SHOW data_directory")[0][0])
    for (name,) in execute(FILES):
        for file in folder.glob(f"{name}*"):
            descriptor = os.open(file, os.O_RDONLY)
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(descriptor)
    return os.access(folder, os.R_OK)

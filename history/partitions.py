"""Yearly partitions of the two big tables: made ahead of time by a job, and a default partition that is watched.

No process but the migrating one may create tables. The worker asks a function of the database that runs as its owner,
knows these tables alone, and takes nothing but a year.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

logger = logging.getLogger(__name__)

PARTITIONED_TABLES: Final = ("history_price", "history_accountday")
FIRST_YEAR: Final = 1900
AHEAD: Final = 5  # the function makes no other years: dates beyond are mistakes and stay astray
LOCK_TIMEOUT: Final = "5s"  # whoever waits for a long reader keeps all that come after waiting: try again tomorrow

# The partition is filled before it is attached: rows in the default partition would refuse it. Whoever writes such rows
# meanwhile waits for the lock on the default partition and then finds the new one.
ADD_PARTITION: Final = """
CREATE FUNCTION history_add_partition(wanted integer) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
    parent text; child text; first date; last date; moved bigint; total bigint := 0;
BEGIN
    IF wanted IS NULL OR wanted < {first_year} OR wanted > extract(year FROM current_date) + {ahead} THEN
        RAISE EXCEPTION 'there is no partition for the year %', wanted USING ERRCODE = 'invalid_parameter_value';
    END IF;
    first := make_date(wanted, 1, 1);
    last := make_date(wanted + 1, 1, 1);
    FOREACH parent IN ARRAY ARRAY[{tables}] LOOP
        child := format('%s_%s', parent, wanted);
        CONTINUE WHEN to_regclass('public.' || child) IS NOT NULL;
        EXECUTE format('LOCK TABLE public.%I IN SHARE UPDATE EXCLUSIVE MODE', parent);
        CONTINUE WHEN to_regclass('public.' || child) IS NOT NULL;
        EXECUTE format('LOCK TABLE public.%I IN ACCESS EXCLUSIVE MODE', parent || '_default');
        EXECUTE format('CREATE TABLE public.%I (LIKE public.%I INCLUDING ALL)', child, parent);
        EXECUTE format(
            'WITH gone AS (DELETE FROM public.%I WHERE day >= %L AND day < %L RETURNING *)'
            ' INSERT INTO public.%I SELECT * FROM gone', parent || '_default', first, last, child);
        GET DIAGNOSTICS moved = ROW_COUNT;
        EXECUTE format('ALTER TABLE public.%I ATTACH PARTITION public.%I FOR VALUES FROM (%L) TO (%L)',
            parent, child, first, last);
        total := total + moved;
    END LOOP;
    RETURN total;
END $body$;
REVOKE ALL ON FUNCTION history_add_partition(integer) FROM PUBLIC;
"""
# Counts only: nobody may look into a partition, where row security does not reach.
STRAYS: Final = """
CREATE FUNCTION history_strays() RETURNS TABLE (parent text, strays bigint, first_day date, last_day date)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$ {counts} $body$;
REVOKE ALL ON FUNCTION history_strays() FROM PUBLIC;
"""
COUNT: Final = """
SELECT '{table}', count(*), min(day), max(day) FROM (SELECT day FROM public.{table}_default LIMIT 10000) counted"""
YEARS: Final = """
SELECT parent.relname, substring(child.relname FROM '\\d{4}$')::int
FROM pg_inherits i JOIN pg_class child ON child.oid = i.inhrelid JOIN pg_class parent ON parent.oid = i.inhparent
WHERE parent.relnamespace = 'public'::regnamespace AND parent.relname = ANY(%s) AND child.relname ~ '_\\d{4}$'
"""


@dataclass(frozen=True, slots=True)
class Watch:
    """A table's partitions. `strays`: rows in its default one, counted to 10,000; `until`: the last year."""

    table: str
    strays: int
    until: int

    def is_well(self, today_year: int) -> bool:
        """Nothing astray, and a partition for this year and the next."""
        return not self.strays and self.until > today_year


def create_partition_sql(table: str, year: int) -> str:
    """SQL that makes the partition of `table` for one calendar year, if it is not there."""
    return (
        f'CREATE TABLE IF NOT EXISTS "{table}_{year}" PARTITION OF "{table}" '
        f"FOR VALUES FROM ('{year}-01-01') TO ('{year + 1}-01-01')"
    )


def create_partitions_sql(table: str, years: Iterable[int]) -> str:
    """SQL for one partition a year, and the default partition."""
    statements = [create_partition_sql(table, year) for year in years]
    statements.append(f'CREATE TABLE IF NOT EXISTS "{table}_default" PARTITION OF "{table}" DEFAULT')
    return ";\n".join(statements)


def functions_sql() -> str:
    """SQL of the two functions that the worker and the web may call instead of touching partitions."""
    tables = ", ".join(f"'{table}'" for table in PARTITIONED_TABLES)
    counts = " UNION ALL ".join(COUNT.format(table=table) for table in PARTITIONED_TABLES)
    add = ADD_PARTITION.format(tables=tables, first_year=FIRST_YEAR, ahead=AHEAD)
    return add + STRAYS.format(counts=counts)


def watch() -> list[Watch]:
    """How the partitions of each table stand; two queries, allowed to every role."""
    with connection.cursor() as cursor:
        cursor.execute(YEARS, [list(PARTITIONED_TABLES)])
        years = cursor.fetchall()
        cursor.execute("SELECT parent, strays FROM history_strays()")
        strays = dict(cursor.fetchall())
    return [
        Watch(table, strays[table], max((year for parent, year in years if parent == table), default=0))
        for table in PARTITIONED_TABLES
    ]


def partitions_are_well() -> bool:
    """Whether nothing lies in a default partition and the next year has its own."""
    year = timezone.now().year
    return all(each.is_well(year) for each in watch())


def ensure_partitions() -> int:
    """Make the partitions of this and the coming years, and of years that rows went astray of; returns rows moved.

    Idempotent, one short transaction a year. Run as the worker or the owner.
    """
    this_year = timezone.now().year
    ahead = this_year + settings.PARTITION_YEARS_AHEAD
    moved = sum(_add(year) for year in range(this_year, ahead + 1))
    while years := _years_astray():
        moved += sum(_add(year) for year in years)
    return moved


def _add(year: int) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
        cursor.execute("SELECT history_add_partition(%s)", [year])
        moved = int(cursor.fetchone()[0])
        cursor.execute("SET LOCAL lock_timeout = DEFAULT")
    if moved:
        logger.warning("%d rows of %d had fallen into a default partition and were moved", moved, year)
    return moved


def _years_astray() -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT first_day, last_day FROM history_strays() WHERE strays > 0")
        years = {day.year for days in cursor.fetchall() for day in days}
    return sorted(year for year in years if FIRST_YEAR <= year <= timezone.now().year + AHEAD)

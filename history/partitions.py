"""Yearly partitions of the two big tables. Made ahead of time; a default partition catches what was not foreseen."""

from collections.abc import Iterable

PARTITIONED_TABLES = ("history_price", "history_accountday")


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

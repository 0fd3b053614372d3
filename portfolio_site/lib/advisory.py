"""Locks by name, held by a database session and let go by PostgreSQL the moment its process dies."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection


@contextmanager
def held(name: str) -> Iterator[bool]:
    """Whether `name` was free, and is now held until the block ends; never waits.

    A lock of the session, not of a transaction, so that nothing is kept open while the holder talks to the network.
    It needs a connection of its own, as workers have: not one through PgBouncer in transaction mode.
    """
    if not _ask("pg_try_advisory_lock", name):
        yield False
        return
    try:
        yield True
    finally:
        _ask("pg_advisory_unlock", name)


def _ask(function: str, name: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(hashtextextended(%s, 0))", [name])
        return bool(cursor.fetchone()[0])

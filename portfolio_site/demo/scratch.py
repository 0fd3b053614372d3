"""A database of one's own on a given server, dropped afterwards: a check must not touch what is there."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

EMPTY = "template1"


@contextmanager
def scratch_database(database_url: str, *, template: str = EMPTY) -> Iterator[str]:
    """The URL of a new database beside the one of `database_url`, a copy of `template`, which is an empty one.

    Empty (the embedded engine) when `database_url` is.
    """
    if not database_url:
        yield ""
        return
    parts = urlsplit(database_url)
    name = f"{parts.path.strip('/') or 'longview'}_check_{os.getpid()}_{secrets.token_hex(2)}"
    identifier = sql.Identifier(name)
    with psycopg.connect(database_url, autocommit=True, connect_timeout=10) as connection:
        copied = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(identifier, sql.Identifier(template))
        connection.execute(copied)
        try:
            yield urlunsplit(parts._replace(path=f"/{name}"))
        finally:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(identifier))

"""A kept connection is looked at before each request, and replaced where its server has ended it."""

import select
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from portfolio_site.lib.postgresql.base import DatabaseWrapper

pytestmark = pytest.mark.django_db
PATIENCE_MS = 10_000


@pytest.fixture
def kept(db: None) -> Iterator[Any]:
    """A connection of its own, as a web process keeps one from request to request."""
    one = connection.copy()
    one.settings_dict = {**one.settings_dict, "CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}
    yield one
    one.close()


def process(of: Any) -> int:
    """The server's process behind the connection, asked for as the next request would."""
    of.close_if_unusable_or_obsolete()
    with of.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def tell(sql: str, of: Any) -> None:
    """Something that the server then says to `of` unasked; returns once it lies there."""
    another = connection.copy()
    with another.cursor() as cursor:
        cursor.execute(sql)
    another.close()
    poll = select.poll()
    poll.register(of.connection.fileno(), select.POLLIN)
    assert poll.poll(PATIENCE_MS)


def test_one_that_stands_is_kept_without_being_asked(kept: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    before = process(kept)
    monkeypatch.setattr(DatabaseWrapper.__base__, "is_usable", None)
    assert process(kept) == before


def test_one_that_its_server_has_ended_is_replaced_before_anything_fails(kept: Any) -> None:
    before = process(kept)
    tell(f"SELECT pg_terminate_backend({before})", kept)
    assert process(kept) != before


def test_one_that_was_told_something_is_asked_and_kept(kept: Any) -> None:
    before = process(kept)
    with kept.cursor() as cursor:
        cursor.execute("LISTEN news")
    tell("NOTIFY news", kept)
    assert process(kept) == before

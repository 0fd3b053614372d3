"""Lines say whom and what they are about, and nothing that nobody may read."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
from celery import Celery
from django.test import Client
from django_structlog.celery.receivers import CeleryReceiver

from portfolio_site.celery import app as celery_app
from portfolio_site.lib import logs
from portfolio_site.lib.embedded.redis import database_of, with_database
from portfolio_site.lib.logs import Sampling, formatter, redact, secrets_of
from portfolio_site.lib.queues import send_on_commit

Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def lines() -> Iterator[Lines]:
    """What production would have written so far."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(formatter(as_json=True, secrets=["kept-by-nobody-else"]))
    root = logging.getLogger()
    root.addHandler(handler)
    yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    root.removeHandler(handler)


@pytest.mark.parametrize(
    "secret",
    [
        "access-sandbox-7ec7a1a8-4b43-4a0f-9f8a-1c1d6c1e0d9b",
        "access-production-abc123",
        "public-development-12345",
        "link-sandbox-af1a0311-da53-4636-b754-dd15cc058176",
        "eyJhbGciOiJFUzI1NiJ9.eyJpYXQiOjE1NjB9.c2lnbmF0dXJl",
        "somebody.else+tag@mail.example.co.uk",
    ],
)
@pytest.mark.parametrize("line", ["it was {}", '{{"body": "{}"}}', "KeyError: '{}'", "https://x.test/?t={}&a=1"])
def test_what_looks_like_a_secret_is_taken_out(secret: str, line: str) -> None:
    assert secret not in redact(line.format(secret))
    assert "[redacted]" in redact(line.format(secret))


@pytest.mark.parametrize(
    "line",
    [
        "Authorization: Bearer hunter2hunter2",
        "authorization=Basic aHVudGVyMg==hunter2",
        '{"client_id": "a", "secret": "hunter2"}',
        "{'secret': 'hunter2', 'x': 1}",
        '{"event": "{\\"access_token\\": \\"hunter2\\"}"}',
        "PLAID-SECRET: hunter2",
        "password=hunter2&next=/",
        "postgres://postgres:hunter2@db/longview",
        "csrfmiddlewaretoken=hunter2",
        "X-API-Key: hunter2",
        "GET /accounts/password/reset/key/hunter2/ answered 302 in 4 ms",
        "GET /accounts/confirm-email/hunter2/ answered 200 in 4 ms",
    ],
)
def test_what_is_named_a_secret_is_taken_out(line: str) -> None:
    assert "hunter2" not in redact(line)


@pytest.mark.parametrize(
    "line",
    [
        "sync failed code=ITEM_LOGIN_REQUIRED",
        "item_id=BVRwjGXq5ps6ENPKXnmEiX4kLWJ1bzTkb7Rb9",
        "GET /api/accounts/12",
        "secretary=x",
    ],
)
def test_what_is_needed_stays(line: str) -> None:
    assert redact(line) == line


def test_literal_secrets_of_the_settings_are_taken_out_of_lines_and_tracebacks(lines: Lines) -> None:
    try:
        raise ValueError("kept-by-nobody-else")
    except ValueError:
        logging.getLogger("somewhere").exception("failed with %s", "kept-by-nobody-else")
    (line,) = lines()
    assert "kept-by-nobody-else" not in str(line)
    assert "ValueError: [redacted]" in line["exception"]
    assert (line["level"], line["logger"], line["event"]) == ("error", "somewhere", "failed with [redacted]")


def test_keys_are_told_apart_from_their_names() -> None:
    told = secrets_of({"SECRET_KEY": "s", "PLAID_SECRET": "p", "ENCRYPTION_KEYS": "new:bmV3, old:b2xk"})
    assert told == ["s", "p", "bmV3", "b2xk"]


def test_every_line_of_a_request_carries_its_id_and_its_user(owner: Any, lines: Lines) -> None:
    client = Client()
    client.force_login(owner)
    client.get("/api/investments/holdings?q=private", headers={"X-Request-ID": "abc123"})
    (line,) = [line for line in lines() if line["logger"] == "portfolio_site.middleware"]
    assert (line["request_id"], line["user_id"]) == ("abc123", owner.pk)
    assert line["event"].startswith("GET /api/investments/holdings answered 200")
    assert "private" not in str(line)


def test_a_path_writes_no_lines_of_its_own(db: None, lines: Lines) -> None:
    Client().get("/nothing%0Aforged line")
    (line,) = [line for line in lines() if line["logger"] == "portfolio_site.middleware"]
    assert line["event"].startswith("GET /nothing%0Aforged%20line answered 404")


def test_celery_brings_no_handlers_of_its_own() -> None:
    """They would print what ours take out."""
    before = [list(logging.getLogger(name).handlers) for name in ("", "celery.task")]
    assert celery_app.log.setup_logging_subsystem(loglevel=logging.INFO)
    assert [list(logging.getLogger(name).handlers) for name in ("", "celery.task")] == before


def test_the_next_request_is_about_nobody(owner: Any, lines: Lines) -> None:
    client = Client()
    client.force_login(owner)
    client.get("/api/investments/holdings", headers={"X-Request-ID": "first"})
    Client().get("/health/live", headers={"X-Request-ID": "second"})
    assert [line for line in lines() if line.get("request_id") == "second" and "user_id" in line] == []


@pytest.mark.django_db(transaction=True)
def test_the_request_id_goes_through_the_queue_into_the_task(settings: Any, lines: Lines) -> None:
    app = Celery("traced", broker=settings.CELERY_BROKER_URL, set_as_current=False)

    @app.task(name="traced.task")
    def task() -> None:
        logging.getLogger("task").info("at work")

    with logs.bound(request_id="abc123", user_id=7):
        send_on_commit(task)
    queue = redis.Redis.from_url(with_database(settings.REDIS_URL, database_of(settings.REDIS_URL) + 1))
    headers = json.loads(queue.lpop("celery"))["headers"]
    assert headers["__django_structlog__"] == {"request_id": "abc123", "user_id": 7}
    task.push_request(**headers)
    CeleryReceiver().receiver_task_prerun("task-1", task)
    task()
    logs.clear()
    line = next(line for line in lines() if line["event"] == "at work")
    assert (line["request_id"], line["user_id"], line["task_id"]) == ("abc123", 7, "task-1")


class TestSampling:
    def kept(self, share: float, level: int = logging.INFO, count: int = 2000) -> int:
        record = logging.LogRecord("x", level, "x", 1, "x", (), None)
        sampling = Sampling(share)
        kept = 0
        for number in range(count):
            with logs.bound(request_id=f"request-{number}"):
                kept += sampling.filter(record)
        return kept

    def test_keeps_the_share_of_what_went_well(self) -> None:
        assert self.kept(1.0) == 2000
        assert 5 <= self.kept(0.01) <= 40
        assert self.kept(0.0) == 0

    def test_keeps_every_warning(self) -> None:
        assert self.kept(0.0, logging.WARNING) == 2000

    def test_keeps_all_lines_of_a_request_or_none(self) -> None:
        assert {self.kept(0.5, count=1) for _ in range(5)} <= {0, 1}
        assert len({self.kept(0.5, count=50) for _ in range(5)}) == 1

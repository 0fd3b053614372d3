import time
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from celery.signals import beat_init, before_task_publish
from django.core.cache import cache
from django.db import connection

from history.models import MarketSymbol
from portfolio_site.lib import heartbeat

UNSEEN = dict.fromkeys(("worker", "beat", "prices", "canary"), "unknown")
HEARTBEATS = ("heartbeat:worker", "heartbeat:beat")


@pytest.fixture(autouse=True)
def _no_process_known() -> Any:
    cache.delete_many(HEARTBEATS)
    yield
    cache.delete_many(HEARTBEATS)


@pytest.fixture
def no_redis(settings: Any) -> None:
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "redis://127.0.0.1:1/0",
        }
    }


def test_live_asks_nobody(client: Any, django_assert_num_queries: Any, db: None) -> None:
    with django_assert_num_queries(0):
        answer = client.get("/health")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_ready_names_what_it_reached(client: Any, db: None) -> None:
    body = client.get("/health/ready").json()
    checks = {**UNSEEN, "database": "ok", "redis": "ok", "partitions": "ok"}
    assert body == {"status": "ready", "checks": checks}


@pytest.mark.parametrize("process", ["worker", "beat"])
def test_a_process_that_fell_silent_degrades(client: Any, db: None, process: str) -> None:
    heartbeat.record(process)
    assert client.get("/health/ready").json()["checks"][process] == "ok"
    cache.set(f"heartbeat:{process}", time.time() - heartbeat.LATE_AFTER_SECONDS - 1)
    answer = client.get("/health/ready")
    assert (answer.status_code, answer.json()["status"], answer.json()["checks"][process]) == (200, "degraded", "late")


@pytest.mark.parametrize(("asked", "state"), [("2026-11-20", "ok"), ("2026-11-19", "ok"), ("2026-11-18", "late")])
def test_prices_a_session_behind_degrade(client: Any, db: None, asked: str, state: str) -> None:
    MarketSymbol.objects.create(symbol="AAPL", priced_to=asked)
    MarketSymbol.objects.create(symbol="OLD", priced_to="2026-11-21", active=False)
    with time_machine.travel(datetime(2026, 11, 21, 12, tzinfo=UTC), tick=False):
        body = client.get("/health/ready").json()
    assert (body["checks"]["prices"], body["status"]) == (state, "ready" if state == "ok" else "degraded")


def test_beat_shows_life_with_what_it_sends(db: None) -> None:
    connected = list(before_task_publish.receivers)
    beat_init.send(sender=None)
    try:
        before_task_publish.send(sender="history.sweep_behind")
        age = heartbeat.age("beat")
    finally:
        before_task_publish.receivers = connected
        before_task_publish.sender_receivers_cache.clear()
    assert age is not None
    assert age < 5


def test_without_redis_it_still_serves(client: Any, db: None, no_redis: None) -> None:
    answer = client.get("/health/ready")
    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
    assert answer.json()["checks"] == {**UNSEEN, "database": "ok", "redis": "down", "partitions": "ok"}


@pytest.mark.django_db(transaction=True)
def test_without_the_database_it_is_not_ready(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    connection.close()
    with monkeypatch.context() as moved:
        moved.setitem(connection.settings_dict, "HOST", "127.0.0.1")
        moved.setitem(connection.settings_dict, "PORT", "1")
        answer = client.get("/health/ready")
        assert (answer.status_code, answer.json()["status"]) == (503, "unavailable")
        assert client.get("/health").status_code == 200
        connection.close()


def test_both_need_no_sign_in_and_accept_no_post(client: Any, db: None) -> None:
    for url in ("/health", "/health/ready"):
        assert client.post(url).status_code == 405

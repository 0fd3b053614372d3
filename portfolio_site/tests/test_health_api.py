import time
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection

from portfolio_site.lib import heartbeat


@pytest.fixture(autouse=True)
def _no_worker_known() -> Any:
    cache.delete("heartbeat:worker")
    yield
    cache.delete("heartbeat:worker")


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
    assert body == {"status": "ready", "checks": {"database": "ok", "redis": "ok", "worker": "unknown"}}


def test_a_worker_that_fell_silent_degrades(client: Any, db: None) -> None:
    heartbeat.record("worker")
    assert client.get("/health/ready").json()["checks"]["worker"] == "ok"
    cache.set("heartbeat:worker", time.time() - heartbeat.LATE_AFTER_SECONDS - 1)
    answer = client.get("/health/ready")
    assert (answer.status_code, answer.json()["status"], answer.json()["checks"]["worker"]) == (200, "degraded", "late")


def test_without_redis_it_still_serves(client: Any, db: None, no_redis: None) -> None:
    answer = client.get("/health/ready")
    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
    assert answer.json()["checks"] == {"database": "ok", "redis": "down", "worker": "unknown"}


@pytest.mark.django_db(transaction=True)
def test_without_the_database_it_is_not_ready(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    connection.close()
    monkeypatch.setitem(connection.settings_dict, "HOST", "127.0.0.1")
    monkeypatch.setitem(connection.settings_dict, "PORT", "1")
    answer = client.get("/health/ready")
    assert (answer.status_code, answer.json()["status"]) == (503, "unavailable")
    assert client.get("/health").status_code == 200
    connection.close()


def test_both_need_no_sign_in_and_accept_no_post(client: Any, db: None) -> None:
    for url in ("/health", "/health/ready"):
        assert client.post(url).status_code == 405

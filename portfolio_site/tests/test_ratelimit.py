"""Token buckets in a real Redis, with many at once and without one."""

import socket
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import redis

from portfolio_site.lib.ratelimit import Limit, empty, take, wait_for


@pytest.fixture
def key() -> str:
    return uuid.uuid4().hex


def backdate(settings: Any, limit: Limit, key: str, seconds: float) -> None:
    """As if so much time had passed since the bucket was last touched."""
    server = redis.Redis.from_url(settings.REDIS_URL)
    bucket = f"limit:{limit.name}:{key}"
    server.hset(bucket, "at", float(server.hget(bucket, "at")) - seconds)


def test_a_burst_is_let_through_and_then_one_has_to_wait(key: str) -> None:
    limit = Limit("test", burst=3, per_minute=6)
    assert [take(limit, key) for _ in range(3)] == [0, 0, 0]
    assert 9 < take(limit, key) <= 10
    assert take(limit, key + "-other") == 0


def test_tokens_come_back_with_time_up_to_the_burst(key: str, settings: Any) -> None:
    limit = Limit("test", burst=3, per_minute=6)
    assert [take(limit, key) for _ in range(3)] == [0, 0, 0]
    backdate(settings, limit, key, 10)
    assert take(limit, key) == 0
    assert take(limit, key) > 0
    backdate(settings, limit, key, 3600)
    assert [take(limit, key) > 0 for _ in range(4)] == [False, False, False, True]


def test_no_minute_sees_more_than_burst_and_rate(key: str, settings: Any) -> None:
    limit = Limit("test", burst=10, per_minute=4)
    taken = 0
    for _ in range(60):
        taken += sum(take(limit, key) == 0 for _ in range(3))
        backdate(settings, limit, key, 1)
    assert 13 <= taken <= 14


def test_looking_takes_nothing(key: str) -> None:
    limit = Limit("test", burst=1, per_minute=1)
    assert [wait_for(limit, key), wait_for(limit, key), take(limit, key)] == [0, 0, 0]
    assert 59 < wait_for(limit, key) <= 60


def test_an_emptied_bucket_gives_one_when_it_was_told_to(key: str, settings: Any) -> None:
    limit = Limit("test", burst=3, per_minute=6)
    empty(limit, key, 100)
    empty(limit, key, 50)
    assert 99 < take(limit, key) <= 100, "the longer wait stands"
    backdate(settings, limit, key, 99)
    assert 0 < take(limit, key) <= 1
    backdate(settings, limit, key, 1)
    assert [take(limit, key) > 0 for _ in range(2)] == [False, True]


def test_an_emptied_bucket_is_remembered_as_long_as_it_must(key: str, settings: Any) -> None:
    empty(Limit("test", burst=3, per_minute=6), key, 3600)
    assert redis.Redis.from_url(settings.REDIS_URL).pttl(f"limit:test:{key}") > 3_600_000


def test_of_a_hundred_at_once_exactly_the_burst_get_through(key: str) -> None:
    limit = Limit("test", burst=7, per_minute=0.001)
    with ThreadPoolExecutor(20) as crowd:
        waits = list(crowd.map(lambda _: take(limit, key), range(100)))
    assert waits.count(0.0) == 7


def test_a_bucket_that_is_full_again_is_forgotten(key: str, settings: Any) -> None:
    take(Limit("test", burst=2, per_minute=60), key)
    assert 0 < redis.Redis.from_url(settings.REDIS_URL).pttl(f"limit:test:{key}") <= 3000


def test_without_redis_everybody_is_let_through_and_the_log_says_so(key: str, settings: Any, caplog: Any) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        settings.REDIS_URL = f"redis://127.0.0.1:{unused.getsockname()[1]}/0"
        assert take(Limit("test", burst=1, per_minute=1), key) == 0
        assert take(Limit("test", burst=1, per_minute=1), key) == 0
    assert "not limited limit=test" in caplog.text
    assert key not in caplog.text

"""How often Plaid is asked for keys: once for each, and bounded whatever is forged."""

import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.cache import cache

from plaid_link.tests.scripted import Raw, error
from plaid_link.tests.webhooks.stand_in import KEY, StandIn
from plaid_link.webhooks import keys as limits
from plaid_link.webhooks.fetch import fetch_key
from plaid_link.webhooks.keys import KeyRefused, VerificationKeys


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keys(plaid: StandIn, clock: Clock) -> VerificationKeys:
    return VerificationKeys(fetch_key, clock=clock)


@pytest.fixture
def redis_is_down(settings: Any) -> Iterator[None]:
    """Nothing listens on port 1, so every use of the cache fails at once."""
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/0"}}
    yield
    cache.close()


def refused(keys: VerificationKeys, key_id: Any) -> str:
    with pytest.raises(KeyRefused) as refusal:
        keys.find(key_id)
    return str(refusal.value)


def test_a_key_is_fetched_once(plaid: StandIn, keys: VerificationKeys) -> None:
    key = plaid.new_key()
    for _ in range(100):
        keys.find(key.key_id)
    assert plaid.calls[KEY] == 1


def test_a_crowd_waits_for_one_fetch(plaid: StandIn, keys: VerificationKeys) -> None:
    key = plaid.new_key()
    together = threading.Barrier(20)

    def find() -> object:
        together.wait()
        return keys.find(key.key_id)

    with ThreadPoolExecutor(20) as pool:
        assert len([future.result() for future in [pool.submit(find) for _ in range(20)]]) == 20
    assert plaid.calls[KEY] == 1


def test_processes_share_keys_and_refusals(plaid: StandIn, keys: VerificationKeys) -> None:
    key, unknown = plaid.new_key(), str(uuid.uuid4())
    keys.find(key.key_id)
    refused(keys, unknown)
    another_process = VerificationKeys(fetch_key)
    another_process.find(key.key_id)
    assert refused(another_process, unknown) == "unknown key"
    assert plaid.calls[KEY] == 2


def test_an_unknown_key_is_asked_for_once_in_a_while(plaid: StandIn, keys: VerificationKeys, clock: Clock) -> None:
    key = plaid.new_key()
    plaid.keys.clear()
    for _ in range(50):
        refused(keys, key.key_id)
    assert plaid.calls[KEY] == 1
    plaid.keys[key.key_id] = key
    clock.now += limits.UNKNOWN_SECONDS
    cache.clear()
    keys.find(key.key_id)
    assert plaid.calls[KEY] == 2


def test_forged_ids_are_bounded_and_harm_no_key_in_use(plaid: StandIn, keys: VerificationKeys, clock: Clock) -> None:
    key = plaid.new_key()
    keys.find(key.key_id)
    for _ in range(3 * limits.MOST_UNKNOWN):
        refused(keys, str(uuid.uuid4()))
    assert plaid.calls[KEY] == limits.FETCHES_A_MINUTE
    assert len(keys._unknown) <= limits.MOST_UNKNOWN
    clock.now += limits.KEY_LIFETIME_SECONDS
    cache.clear()
    for _ in range(limits.FETCHES_A_MINUTE + 5):
        refused(keys, str(uuid.uuid4()))
    keys.find(key.key_id)
    assert plaid.calls[KEY] == 2 * limits.FETCHES_A_MINUTE + 1


def test_a_minute_later_a_new_key_is_found(plaid: StandIn, keys: VerificationKeys, clock: Clock) -> None:
    for _ in range(limits.FETCHES_A_MINUTE):
        refused(keys, str(uuid.uuid4()))
    key = plaid.new_key()
    assert refused(keys, key.key_id) == "too many unknown keys are asked for"
    clock.now += 61
    keys.find(key.key_id)


def test_a_key_that_plaid_ends_is_refused_within_its_lifetime(
    plaid: StandIn, keys: VerificationKeys, clock: Clock
) -> None:
    key = plaid.new_key()
    keys.find(key.key_id)
    key.expired_at = 1_700_000_000
    keys.find(key.key_id)
    clock.now += limits.KEY_LIFETIME_SECONDS
    cache.clear()
    assert refused(keys, key.key_id) == "the key has expired"


def test_a_key_that_plaid_forgets_is_refused(plaid: StandIn, keys: VerificationKeys, clock: Clock) -> None:
    key = plaid.new_key()
    keys.find(key.key_id)
    plaid.keys.clear()
    clock.now += limits.KEY_LIFETIME_SECONDS
    cache.clear()
    assert refused(keys, key.key_id) == "unknown key"
    assert refused(keys, key.key_id) == "unknown key"


def test_known_keys_outlive_an_outage_of_plaid(plaid: StandIn, keys: VerificationKeys, clock: Clock) -> None:
    key, new = plaid.new_key(), plaid.new_key()
    keys.find(key.key_id)
    plaid.answers[KEY] = error("INTERNAL_SERVER_ERROR", status=500)
    clock.now += limits.KEY_LIFETIME_SECONDS
    cache.clear()
    for _ in range(20):
        keys.find(key.key_id)
        assert refused(keys, new.key_id) in {"Plaid cannot be asked for the key", "unknown key"}
    assert plaid.calls[KEY] == 3
    plaid.answers[KEY] = plaid.answer_key
    clock.now += limits.UNREACHABLE_SECONDS
    keys.find(new.key_id)


@pytest.mark.parametrize(
    "garbage",
    [
        Raw(b"<html>Bad gateway</html>"),
        Raw(b'{"key": '),
        {"key": []},
        {"key": {}},
        {"key": {"kty": "RSA", "n": "AQ", "e": "AQAB", "alg": "RS256"}},
        {"key": {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "alg": "ES256"}},
        {"key": {"kty": "oct", "k": "c2VjcmV0", "alg": "HS256"}},
        Raw(b"", 502),
        error("RATE_LIMIT", status=429),
    ],
)
def test_an_answer_that_is_no_key_is_refused(plaid: StandIn, keys: VerificationKeys, garbage: Any) -> None:
    plaid.answers[KEY] = garbage
    key_id = str(uuid.uuid4())
    for _ in range(3):
        refused(keys, key_id)
    assert plaid.calls[KEY] == 1


def test_nobody_answers_at_plaids_address(settings: Any, keys: VerificationKeys) -> None:
    settings.PLAID_HOST = "http://127.0.0.1:1"
    assert refused(keys, str(uuid.uuid4())) == "Plaid cannot be asked for the key"


@pytest.mark.usefixtures("redis_is_down")
def test_keys_without_redis(plaid: StandIn, keys: VerificationKeys) -> None:
    key = plaid.new_key()
    for _ in range(10):
        keys.find(key.key_id)
        refused(keys, "6c5516e1-92dc-479e-a8ff-5a51992e0001")
    assert plaid.calls[KEY] == 2

"""Asking again, and not asking at all: retries with jitter, and a breaker that all processes share.

A question that fails for now is asked again after 1, 2 and 4 seconds, each times a random factor from 0.5 to 1.5, so
that many workers do not come back together. Three questions in a row that fail, retries included, open the provider's
breaker for a minute; then one is let through to try. Without Redis each process has a breaker of its own.
"""

import logging
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeVar

import pybreaker
import redis
from django.conf import settings

from history.providers.base import ProviderError

logger = logging.getLogger(__name__)

FAILURES: Final = 3
OPEN_SECONDS: Final = 60
REDIS_SECONDS: Final = 0.5
T = TypeVar("T")


class BreakerOpen(ProviderError):
    """The provider has failed too often and is left alone for a while."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait before each retry, in seconds, and how to wait; tests bring their own clock."""

    delays: Sequence[float] = (1.0, 2.0, 4.0)
    sleep: Callable[[float], None] = time.sleep
    random: Callable[[], float] = random.random

    def wait(self, attempt: int, at_least: float = 0.0) -> None:
        """Sleep before retry number `attempt`, from 0; no less than the server asked for."""
        self.sleep(max(at_least, self.delays[attempt] * (0.5 + self.random())))


def configured_patience() -> Patience:
    """The delays of settings.PROVIDER_RETRY_SECONDS."""
    return Patience(delays=settings.PROVIDER_RETRY_SECONDS)


def ask(provider: str, question: Callable[[], T], patience: Patience) -> T:
    """The answer to a question, asked as often as it is worth. Raises ProviderError, BreakerOpen without asking."""
    try:
        return breaker(provider).call(_retried, provider, question, patience)  # type: ignore[no-any-return]
    except pybreaker.CircuitBreakerError:
        raise BreakerOpen(f"{provider} failed {FAILURES} times and is left alone for a minute") from None


def _retried(provider: str, question: Callable[[], T], patience: Patience) -> T:
    attempt = 0
    while True:
        try:
            return question()
        except ProviderError as error:
            if error.permanent or attempt >= len(patience.delays):
                raise
            logger.info("%s is asked again: %s", provider, error)
            patience.wait(attempt, error.retry_after)
            attempt += 1


def is_open(provider: str) -> bool:
    """Whether the provider is being left alone."""
    return str(breaker(provider).current_state) == pybreaker.STATE_OPEN


def breaker(provider: str) -> pybreaker.CircuitBreaker:
    """The breaker of a provider; its state lies in Redis, so that what one worker learned all know."""
    try:
        return _shared(provider, settings.REDIS_URL)
    except redis.RedisError as error:
        logger.warning(
            "%s has a breaker of this process only: Redis does not answer (%s)", provider, type(error).__name__
        )
        return _alone(provider)


@lru_cache(maxsize=16)
def _shared(provider: str, url: str) -> pybreaker.CircuitBreaker:
    client = redis.Redis.from_url(url, socket_timeout=REDIS_SECONDS, socket_connect_timeout=REDIS_SECONDS)
    closed = pybreaker.STATE_CLOSED
    return _breaker(
        pybreaker.CircuitRedisStorage(closed, client, namespace=f"breaker:{provider}", fallback_circuit_state=closed)
    )


@lru_cache(maxsize=16)
def _alone(provider: str) -> pybreaker.CircuitBreaker:
    return _breaker(pybreaker.CircuitMemoryStorage(pybreaker.STATE_CLOSED))


def _breaker(storage: pybreaker.CircuitBreakerStorage) -> pybreaker.CircuitBreaker:
    return pybreaker.CircuitBreaker(
        fail_max=FAILURES,
        reset_timeout=OPEN_SECONDS,
        state_storage=storage,
        # What is wrong with the question says nothing against the provider.
        exclude=[lambda error: isinstance(error, ProviderError) and error.permanent],
        # The third failure is told as what it is.
        throw_new_error_on_trip=False,
    )

"""The one Redis client of a process, for what is asked in every request."""

from functools import lru_cache

import redis
from django.conf import settings

# Redis that is slow is Redis that is down.
TIMEOUT_SECONDS = 0.5


def client() -> "redis.Redis":
    """Keeps its connections; safe among threads. Each command raises redis.RedisError where Redis does not answer."""
    return _client(settings.REDIS_URL)


@lru_cache(maxsize=4)
def _client(url: str) -> "redis.Redis":
    return redis.Redis.from_url(url, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS)

"""Who looks at their portfolio now: a mark in Redis that fades. Only for them the day is valued by the minute."""

import logging
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final

import redis
from django.conf import settings
from django.utils import timezone

logger = logging.getLogger(__name__)

WATCHED_FOR: Final = timedelta(minutes=30)  # since the last look: a page that is left open asks again sooner
KEY: Final = "history:watched"
REDIS_SECONDS: Final = 0.5


def watch(*, user_id: int, now: datetime | None = None) -> None:
    """The user looks at figures of today. Without Redis nothing is remembered, and nothing fails."""
    until = (now or timezone.now()) + WATCHED_FOR
    try:
        _client().zadd(KEY, {str(user_id): until.timestamp()})
    except redis.RedisError:
        logger.warning("Who looks is not remembered: Redis cannot be reached")


def watched_users(*, now: datetime | None = None) -> list[int]:
    """Ids of the users who have looked lately; what has faded is forgotten."""
    moment = (now or timezone.now()).timestamp()
    try:
        client = _client()
        client.zremrangebyscore(KEY, "-inf", f"({moment}")
        found: Any = client.zrange(KEY, 0, -1)
    except redis.RedisError:
        logger.warning("Nobody is known to look: Redis cannot be reached")
        return []
    return sorted(int(user_id) for user_id in found)


@lru_cache(maxsize=1)
def _client() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=REDIS_SECONDS, socket_connect_timeout=REDIS_SECONDS)

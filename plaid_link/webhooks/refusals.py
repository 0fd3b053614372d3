"""How many webhooks were refused, per day and reason: all that is kept of them."""

import logging
from collections import Counter
from datetime import date

from django.core.cache import cache
from django.utils import timezone
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

REASONS = ("missing", "malformed", "algorithm", "key", "signature", "age", "body", "api_key", "bad_body", "too_large")
KEPT_SECONDS = 8 * 86_400


def count(reason: str) -> None:
    """One more refusal of today for one of REASONS. Lost when Redis is down: the log has it."""
    key = _key(timezone.now().date(), reason)
    try:
        if not cache.add(key, 1, timeout=KEPT_SECONDS):
            cache.incr(key)
    except (RedisError, ValueError):
        logger.info("A refused webhook is not counted: Redis is down")


def on(day: date) -> Counter[str]:
    """Refusals by reason on a UTC day; empty when Redis is down."""
    keys = {_key(day, reason): reason for reason in REASONS}
    try:
        found = cache.get_many(keys)
    except RedisError:
        return Counter()
    return Counter({keys[key]: int(value) for key, value in found.items()})


def _key(day: date, reason: str) -> str:
    return f"plaid-webhooks-refused:{day.isoformat()}:{reason}"

"""Token buckets in Redis: how often something may be done, counted over all processes of the site.

A bucket holds up to `burst` tokens and gains `per_minute` of them in a minute, so that no minute ever sees more than
burst + per_minute. Taking is one Lua script, which Redis runs alone. Without Redis everybody is let through and the
log says so: a limit protects the other side, whose own limit still stands.
"""

import logging
from dataclasses import dataclass
from functools import lru_cache

import redis
from django.conf import settings

logger = logging.getLogger(__name__)

# Redis that is slow is Redis that is down.
TIMEOUT_SECONDS = 0.5
# KEYS: the bucket. ARGV: burst, tokens a second, tokens to take (0 looks only).
# Time is Redis's own: clocks of processes differ. Answers with the seconds until enough tokens are there, 0 when taken.
TAKE = """
local now = redis.call('TIME')
now = tonumber(now[1]) + tonumber(now[2]) / 1000000
local burst, rate, wanted = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local bucket = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens, at = tonumber(bucket[1]) or burst, tonumber(bucket[2]) or now
tokens = math.min(burst, tokens + math.max(0, now - at) * rate)
local needed = math.max(wanted, 1)
if tokens < needed then
    return tostring((needed - tokens) / rate)
end
if wanted > 0 then
    redis.call('HSET', KEYS[1], 'tokens', tostring(tokens - wanted), 'at', tostring(now))
    redis.call('PEXPIRE', KEYS[1], math.ceil(burst / rate * 1000) + 1000)
end
return '0'
"""


@dataclass(frozen=True, slots=True)
class Limit:
    """`burst` at once and `per_minute` afterwards; both above zero."""

    name: str
    burst: int
    per_minute: float


def take(limit: Limit, key: str) -> float:
    """Take one token of `key`'s bucket: 0.0 when there was one, else the seconds until there will be."""
    return _ask(limit, key, 1)


def wait_for(limit: Limit, key: str) -> float:
    """The seconds until there is a token, without taking it."""
    return _ask(limit, key, 0)


def _ask(limit: Limit, key: str, tokens: int) -> float:
    bucket = f"limit:{limit.name}:{key}"
    try:
        answer = _redis(settings.REDIS_URL).eval(TAKE, 1, bucket, limit.burst, limit.per_minute / 60, tokens)
    except redis.RedisError as error:
        logger.warning("not limited limit=%s: Redis does not answer (%s)", limit.name, type(error).__name__)
        return 0.0
    return float(answer)


@lru_cache(maxsize=4)
def _redis(url: str) -> "redis.Redis":
    return redis.Redis.from_url(url, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS)

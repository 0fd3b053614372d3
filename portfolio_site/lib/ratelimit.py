"""How often something may be done, counted in Redis over all processes of the site.

Token buckets for what we ask of others: up to `burst` at once and `per_minute` afterwards, so that no minute ever sees
more than burst + per_minute. A sliding window for what callers ask of us: no 60 seconds, wherever they begin, see more
than the limit. Each is one Lua script, which Redis runs alone. Without Redis everybody is let through and the log says
so: pages and API go on, and the other side's own limit still stands.
"""

import logging
import uuid
from dataclasses import dataclass
from functools import lru_cache

import redis
from redis.commands.core import Script

from portfolio_site.lib.redis_client import client

logger = logging.getLogger(__name__)

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
# KEYS: the bucket. ARGV: tokens a second, seconds until there is one token again. A longer wait told before stands.
EMPTY = """
local now = redis.call('TIME')
now = tonumber(now[1]) + tonumber(now[2]) / 1000000
local rate, wait = tonumber(ARGV[1]), tonumber(ARGV[2])
local bucket = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens = 1 - rate * wait
if bucket[1] and bucket[2] then
    tokens = math.min(tokens, tonumber(bucket[1]) + math.max(0, now - tonumber(bucket[2])) * rate)
end
redis.call('HSET', KEYS[1], 'tokens', tostring(tokens), 'at', tostring(now))
redis.call('PEXPIRE', KEYS[1], math.ceil((1 - tokens) / rate * 1000) + 1000)
return '0'
"""
# KEYS: the window. ARGV: how many are allowed in it, its seconds, a name that no other request has.
# Answers with 0 when let through, else with the seconds until the oldest request leaves the window.
ENTER = """
local now = redis.call('TIME')
now = tonumber(now[1]) * 1000000 + tonumber(now[2])
local allowed, span = tonumber(ARGV[1]), tonumber(ARGV[2]) * 1000000
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - span)
if redis.call('ZCARD', KEYS[1]) >= allowed then
    local oldest = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2]
    return tostring((tonumber(oldest) + span - now) / 1000000)
end
redis.call('ZADD', KEYS[1], now, ARGV[3])
redis.call('PEXPIRE', KEYS[1], math.ceil(span / 1000))
return '0'
"""
WINDOW_SECONDS = 60


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


def empty(limit: Limit, key: str, seconds: float) -> None:
    """Let nobody take from `key`'s bucket for so many seconds, and one token then: the other side has said so."""
    _run(EMPTY, limit.name, key, limit.per_minute / 60, seconds)


def enter(name: str, key: str, *, per_minute: int) -> float:
    """Count a request in `key`'s sliding minute: 0.0 when it may pass, else the seconds until one may.

    A request that is refused is not counted, so that whoever waits as long as told gets through.
    """
    return _run(ENTER, name, key, per_minute, WINDOW_SECONDS, uuid.uuid4().hex)


def _ask(limit: Limit, key: str, tokens: int) -> float:
    return _run(TAKE, limit.name, key, limit.burst, limit.per_minute / 60, tokens)


def _run(script: str, name: str, key: str, *arguments: float | str) -> float:
    try:
        return float(_script(script)(keys=[f"limit:{name}:{key}"], args=arguments, client=client()))
    except redis.RedisError as error:
        logger.warning("not limited limit=%s: Redis does not answer (%s)", name, type(error).__name__)
        return 0.0


@lru_cache(maxsize=16)
def _script(script: str) -> Script:
    """The script as Redis knows it, by its hash; it is sent whole only to a Redis that has forgotten it."""
    return client().register_script(script)

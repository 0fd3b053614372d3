"""Plaid's public keys for webhooks, by key id.

Anyone can send a webhook that names any key, so fetches are bounded: one at a time, a few a minute, and an id that
Plaid does not know is not asked for again for a while. Keys in use are kept apart from those, so that forged ids can
neither push them out nor use up their refreshes.
"""

import json
import logging
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.core.cache import cache
from jwt import PyJWK
from jwt.exceptions import PyJWTError
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

KEY_ID = re.compile(r"[A-Za-z0-9-]{1,64}")
# After this long a key is asked for again, because Plaid may have ended it.
KEY_LIFETIME_SECONDS = 600.0
UNKNOWN_SECONDS = 300.0
UNREACHABLE_SECONDS = 10.0
MOST_UNKNOWN = 1024
# Per process, whatever ids are asked for.
FETCHES_A_MINUTE = 10
TURN_SECONDS = 3.0

Jwk = dict[str, Any]


class KeyRefused(Exception):
    """No usable key of this id: unknown, ended, or not to be had now."""


class PlaidUnreachable(Exception):
    """Plaid gave no answer to the question for a key, or none that makes sense."""


@dataclass(frozen=True, slots=True)
class CachedKey:
    """A key as Plaid gave it, and until when (monotonic seconds) that is believed."""

    key: PyJWK
    expired: bool
    fresh_until: float


class VerificationKeys:
    """Keys of this process, backed by the shared cache, backed by `fetch`.

    `fetch(key_id)` returns Plaid's JWK, or None where Plaid has no such key; raises PlaidUnreachable.
    """

    def __init__(self, fetch: Callable[[str], Jwk | None], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._fetch = fetch
        self._clock = clock
        self._turn = threading.Lock()
        self._known: dict[str, CachedKey] = {}
        self._unknown: dict[str, float] = {}
        self._fetched_at: list[float] = []

    def find(self, key_id: object) -> PyJWK:
        """The public key of this id. Raises KeyRefused."""
        if not isinstance(key_id, str) or not KEY_ID.fullmatch(key_id):
            raise KeyRefused("not a key id")
        return self._remembered(key_id) or self._obtained(key_id)

    def _remembered(self, key_id: str) -> PyJWK | None:
        if self._unknown.get(key_id, 0.0) > self._clock():
            raise KeyRefused("unknown key")
        known = self._known.get(key_id)
        if known is None or known.fresh_until <= self._clock():
            return None
        return _usable(known)

    def _obtained(self, key_id: str) -> PyJWK:
        if not self._turn.acquire(timeout=TURN_SECONDS):
            raise KeyRefused("too many keys are asked for")
        try:
            # Those who waited for their turn find what the one before them has fetched.
            return self._remembered(key_id) or self._refreshed(key_id)
        finally:
            self._turn.release()

    def _refreshed(self, key_id: str) -> PyJWK:
        jwk = _shared(key_id)
        if jwk is None:
            jwk = self._asked(key_id)
        if jwk is None:
            return self._kept(key_id)
        if not jwk:
            self._known.pop(key_id, None)
            raise self._given_up(key_id, UNKNOWN_SECONDS, "unknown key")
        return self._learned(key_id, jwk)

    def _asked(self, key_id: str) -> Jwk | None:
        """Plaid's answer, {} where it knows no such key, None where there is no answer."""
        if key_id not in self._known and not self._may_fetch():
            raise KeyRefused("too many unknown keys are asked for")
        try:
            jwk = self._fetch(key_id) or {}
        except PlaidUnreachable as error:
            logger.warning("Plaid gave no webhook key: %s", error)
            return None
        _share(key_id, jwk)
        return jwk

    def _kept(self, key_id: str) -> PyJWK:
        """The key as last seen while Plaid is out of reach."""
        known = self._known.get(key_id)
        if known is None:
            raise self._given_up(key_id, UNREACHABLE_SECONDS, "Plaid cannot be asked for the key")
        kept = CachedKey(key=known.key, expired=known.expired, fresh_until=self._clock() + UNREACHABLE_SECONDS)
        self._known[key_id] = kept
        return _usable(kept)

    def _learned(self, key_id: str, jwk: Jwk) -> PyJWK:
        try:
            key = PyJWK(jwk, algorithm="ES256")
        except (PyJWTError, TypeError, ValueError) as error:
            raise self._given_up(key_id, UNREACHABLE_SECONDS, "Plaid's key cannot be used") from error
        expired = jwk.get("expired_at") is not None
        self._known[key_id] = CachedKey(key, expired, self._clock() + KEY_LIFETIME_SECONDS)
        return _usable(self._known[key_id])

    def _given_up(self, key_id: str, seconds: float, reason: str) -> KeyRefused:
        """The refusal of an id that is not asked for again for `seconds`."""
        while len(self._unknown) >= MOST_UNKNOWN:
            del self._unknown[next(iter(self._unknown))]
        self._unknown[key_id] = self._clock() + seconds
        return KeyRefused(reason)

    def _may_fetch(self) -> bool:
        now = self._clock()
        self._fetched_at = [at for at in self._fetched_at if at > now - 60.0]
        if len(self._fetched_at) >= FETCHES_A_MINUTE:
            return False
        self._fetched_at.append(now)
        return True


def _usable(known: CachedKey) -> PyJWK:
    if known.expired:
        raise KeyRefused("the key has expired")
    return known.key


def _shared(key_id: str) -> Jwk | None:
    """What another process has learned; {} for a key that Plaid does not know, None where nothing is shared."""
    try:
        found = cache.get(_cache_key(key_id))
    except RedisError:
        return None
    return None if found is None else dict(json.loads(found))


def _share(key_id: str, jwk: Jwk) -> None:
    try:
        cache.set(_cache_key(key_id), json.dumps(jwk), timeout=KEY_LIFETIME_SECONDS if jwk else UNKNOWN_SECONDS)
    except RedisError:
        logger.info("The webhook key is kept in this process only: Redis is down")


def _cache_key(key_id: str) -> str:
    return f"plaid-webhook-key:{key_id}"

"""Answers kept as they left, compressed, under a tag that changes with whatever they are made of.

What is kept is never wrong, only forgotten: a tag holds its owner and the versions of all that was read.
"""

import gzip
import logging
from collections.abc import Callable
from typing import Final

from django.core.cache import cache
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

KEPT_SECONDS: Final = 900
FASTEST: Final = 1


def compressed_answer(*, tag: str, make: Callable[[], bytes]) -> bytes:
    """What `make` returned for the tag before, or returns now, as gzip. Without a cache it is made each time."""
    key = f"answer:{tag}"
    try:
        kept: bytes | None = cache.get(key)
    except RedisError:
        logger.warning("answers are not kept: the cache cannot be reached")
        return gzip.compress(make(), FASTEST)
    if kept is not None:
        return kept
    made = gzip.compress(make(), FASTEST)
    try:
        cache.set(key, made, KEPT_SECONDS)
    except RedisError:
        logger.warning("answers are not kept: the cache cannot be reached")
    return made

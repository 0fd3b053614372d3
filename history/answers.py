"""Answers kept as they left, compressed, under a tag that changes with whatever they are made of.

What is kept is never wrong, only forgotten: a tag holds its owner and the versions of all that was read.
"""

import gzip
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, cast

from redis.exceptions import RedisError

from portfolio_site.lib.redis_client import client

logger = logging.getLogger(__name__)

KEPT_SECONDS: Final = 900
FASTEST: Final = 1


def compressed_answer(*, tag: str, make: Callable[[], bytes]) -> bytes:
    """What `make` returned for the tag before, or returns now, as gzip. Without a cache it is made each time."""
    key, kept = f"answer:{tag}", None
    with _redis_or_nothing():
        kept = client().get(key)
    if kept is not None:
        return cast(bytes, kept)
    made = gzip.compress(make(), FASTEST)
    with _redis_or_nothing():
        client().set(key, made, KEPT_SECONDS)
    return made


@contextmanager
def _redis_or_nothing() -> Iterator[None]:
    try:
        yield
    except RedisError:
        logger.warning("answers are not kept: Redis cannot be reached")

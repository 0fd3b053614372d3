"""Signs of life of the background processes: one cache entry each, gone soon after the process is."""

import time

from django.core.cache import cache

LATE_AFTER_SECONDS = 60.0
REMEMBERED_SECONDS = 86_400


def record(process: str) -> None:
    """`process` (worker, beat) is alive now."""
    cache.set(_key(process), time.time(), timeout=REMEMBERED_SECONDS)


def age(process: str) -> float | None:
    """Seconds since `process` last showed life; None when nothing is known of it."""
    seen = cache.get(_key(process))
    return None if seen is None else max(time.time() - float(seen), 0.0)


def _key(process: str) -> str:
    return f"heartbeat:{process}"

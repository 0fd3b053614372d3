"""The canary: computed every five minutes; a drift is logged as an error and turns the health page red."""

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.core.cache import cache
from django.utils import timezone
from redis.exceptions import RedisError

from history.core.canary import TOLERANCE, checks, worst

logger = logging.getLogger(__name__)

KEY: Final = "canary"
KEPT_SECONDS: Final = 24 * 3600
LATE_AFTER_SECONDS: Final = 900  # three runs missed


@dataclass(frozen=True, slots=True)
class CanaryRun:
    """`drift` is the worst of all figures, `figure` and `version` whose it is; infinite when nothing came out."""

    at: datetime
    drift: float
    figure: str
    version: str

    @property
    def is_well(self) -> bool:
        return self.drift <= TOLERANCE


def run_canary(*, now: datetime | None = None) -> CanaryRun:
    """Compute the canary portfolio, keep the result for the health page, and raise the alert where it drifts."""
    now = now or timezone.now()
    try:
        furthest = worst(checks())
        run = CanaryRun(now, furthest.drift, furthest.name, furthest.version)
    except Exception:
        # Whatever broke the arithmetic is the very thing this is here to tell.
        logger.exception("canary failed")
        run = CanaryRun(now, float("inf"), "", "")
    if not run.is_well:
        logger.error("canary drifted figure=%s version=%s drift=%g", run.figure, run.version, run.drift)
    cache.set(KEY, run, KEPT_SECONDS)
    return run


def last_run() -> CanaryRun | None:
    """The last result; None where none is known."""
    try:
        return cache.get(KEY)  # type: ignore[no-any-return]
    except RedisError:
        return None


def state(now: datetime | None = None) -> str:
    """`ok`, `down` when figures drift, `late` when nobody has looked for a quarter of an hour, or `unknown`."""
    run = last_run()
    if run is None:
        return "unknown"
    if not run.is_well:
        return "down"
    age = ((now or timezone.now()) - run.at).total_seconds()
    return "ok" if age < LATE_AFTER_SECONDS else "late"

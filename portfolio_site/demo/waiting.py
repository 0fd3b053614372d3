"""Waiting for something that another process does: polled, with an end."""

import time
from collections.abc import Callable

INTERVAL_SECONDS = 0.1


def wait_until(condition: Callable[[], bool], *, seconds: float, every: float = INTERVAL_SECONDS) -> bool:
    """Whether `condition` came true within `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(every)
    return True

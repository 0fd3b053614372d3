"""Tells the workers that webhooks wait, without ever keeping Plaid waiting for the broker.

The rows are the queue; a wake-up only makes it fast. It is published by a thread of its own, because a broker that is
down or frozen can hold a publisher for as long as its timeouts, and at most once per gathering time, because one
wake-up is enough for all that has come in. A lost one costs the seconds until the sweep.
"""

import logging
import os
import threading
import time

from plaid_link.webhooks.tasks import handle_waiting_webhooks

logger = logging.getLogger(__name__)

# A burst about one item becomes one sync; also, handling starts in a later second than Plaid signed in.
GATHER_SECONDS = 1.0


class WakeUp:
    """The publisher of one process: `call()` returns at once."""

    def __init__(self) -> None:
        self._called = threading.Event()
        self._starting = threading.Lock()
        self._process = 0

    def call(self) -> None:
        """Ask for a wake-up to be published soon after this moment."""
        self._called.set()
        # Threads do not survive a fork: each web process starts its own with its first webhook.
        if self._process != os.getpid():
            self._start()

    def _start(self) -> None:
        with self._starting:
            if self._process != os.getpid():
                self._process = os.getpid()
                threading.Thread(target=self._run, name="webhook-wakeup", daemon=True).start()

    def _run(self) -> None:
        while True:
            self._called.wait()
            time.sleep(GATHER_SECONDS)
            # Cleared before publishing: a webhook stored from here on calls again.
            self._called.clear()
            publish()


def publish() -> bool:
    """Publish one wake-up; False, and a line in the log, when the broker does not take it."""
    try:
        handle_waiting_webhooks.apply_async(retry=False)
    except Exception as error:
        # Whatever the transport raises: the sweep will find the rows.
        logger.warning("No wake-up for the webhooks that wait: %s", type(error).__name__)
        return False
    return True


wake_up = WakeUp()

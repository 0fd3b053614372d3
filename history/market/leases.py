"""Claims on symbols while their prices are fetched: kept as long as their holder lives, and free soon after it died."""

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final

from django.db import Error, connection
from django.utils import timezone

from history.models import MarketSymbol

logger = logging.getLogger(__name__)

LEASE: Final = timedelta(seconds=120)
RENEWALS: Final = 4  # so many times within a lease, so that a renewal that fails costs nothing


@contextmanager
def renewed(symbol_ids: Sequence[int], until: datetime | None) -> Iterator[None]:
    """Renews the claims that run out at `until` for as long as the block takes, then lets go of those still held.

    A thread with a connection of its own does it: a batch takes as long as the slowest provider and its retries.
    """
    lease, over = _Lease(symbol_ids, until), threading.Event()
    keeper = threading.Thread(target=lease.keep, args=(over,), name="price lease", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        over.set()
        keeper.join()
        lease.move(None)


class _Lease:
    """What a holder that froze and came back no longer holds is somebody else's: it is told by its end."""

    def __init__(self, symbol_ids: Sequence[int], until: datetime | None) -> None:
        self.symbol_ids, self.until = list(symbol_ids), until

    def keep(self, over: threading.Event) -> None:
        try:
            while not over.wait(LEASE.total_seconds() / RENEWALS):
                self._renew()
        finally:
            connection.close()

    def _renew(self) -> None:
        try:
            self.move(timezone.now() + LEASE)
        except Error:
            logger.warning("A claim on %d symbols could not be renewed", len(self.symbol_ids), exc_info=True)
            connection.close()

    def move(self, until: datetime | None) -> None:
        held = MarketSymbol.objects.filter(pk__in=self.symbol_ids, claimed_until=self.until)
        held.update(claimed_until=until)
        if until is not None:
            self.until = until

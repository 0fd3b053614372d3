"""Background work of history. A task carries ids; what is to be done, and how often it failed, is in the rows."""

import logging
from collections.abc import Iterator, Sequence
from typing import Final

from celery import shared_task
from kombu.exceptions import OperationalError

from history import claims
from history.rebuild import BATCH, rebuild_accounts

logger = logging.getLogger(__name__)

WAITED_FOR: Final = 20  # a change of so few accounts is somebody's own, who may be looking at the page
SWEEP_LIMIT: Final = 2000


@shared_task(name="history.rebuild")
def rebuild(account_ids: list[int]) -> None:
    """Rebuild those of the accounts that are behind; coming twice or late does no harm."""
    rebuild_accounts(account_ids=account_ids)


@shared_task(name="history.sweep_behind", expires=25)
def sweep_behind() -> None:
    """Queue every account whose history is behind, whatever became of its signal, its message or its worker."""
    enqueue_behind()


def enqueue_rebuild(account_ids: Sequence[int]) -> bool:
    """Queue rebuilds; False when the broker cannot be reached, and then the sweep will do it."""
    queue = "high" if len(account_ids) <= WAITED_FOR else "low"
    sent = [_send(batch, queue) for batch in _batches(account_ids, BATCH)]
    return all(sent)


def enqueue_behind() -> int:
    """Queue what is behind: new accounts first, then the rest, and alone what has failed before. Returns how many."""
    claims.bury_abandoned()
    found = claims.behind(limit=SWEEP_LIMIT)
    new = [account.account_id for account in found if account.is_new and not account.attempts]
    known = [account.account_id for account in found if not account.is_new and not account.attempts]
    suspects = [account.account_id for account in found if account.attempts]
    for accounts, size, queue in ((new, BATCH, "high"), (known, BATCH, "default"), (suspects, 1, "low")):
        for batch in _batches(accounts, size):
            if _send(batch, queue):
                claims.mark_queued(account_ids=batch)
    return len(found)


def _batches(account_ids: Sequence[int], size: int) -> Iterator[list[int]]:
    for start in range(0, len(account_ids), size):
        yield list(account_ids[start : start + size])


def _send(account_ids: list[int], queue: str) -> bool:
    try:
        rebuild.apply_async((account_ids,), queue=queue, retry=False)
    except OperationalError as error:
        logger.warning("The broker cannot be reached, %d accounts wait for the sweep: %s", len(account_ids), error)
        return False
    return True

"""A change of the ledger is rebuilt soon. Only for speed: the sweep finds whatever is lost here."""

import logging
from typing import Any

from django.dispatch import receiver

from investments.signals import ledger_changed

logger = logging.getLogger(__name__)


@receiver(ledger_changed, dispatch_uid="history.rebuild_soon")
def rebuild_soon(account_ids: list[int], **_signal: Any) -> None:
    """Queue a rebuild. Sent after commit, so the broker being down must not fail what is already done."""
    from history.tasks import enqueue_rebuild

    enqueue_rebuild(account_ids)

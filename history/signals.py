"""What a change of the ledger or of a base currency asks for is queued at once.

Only for speed: the sweep and the hourly look for rates find whatever is lost here. But what a security is told to be
otherwise than before marks its holders' histories in the same transaction.
"""

import logging
from datetime import date
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models.signals import post_save
from django.dispatch import receiver

from history.market.fx import HUB
from investments.signals import ledger_changed, securities_restated

logger = logging.getLogger(__name__)


@receiver(ledger_changed, dispatch_uid="history.rebuild_soon")
def rebuild_soon(account_ids: list[int], **_signal: Any) -> None:
    """Queue a rebuild. Sent after commit, so the broker being down must not fail what is already done."""
    from history.tasks import enqueue_rebuild

    enqueue_rebuild(account_ids)


@receiver(securities_restated, dispatch_uid="history.restate")
def restate(security_ids: list[int], **_signal: Any) -> None:
    """Every day of whoever holds them, in the transaction of whoever says so."""
    from history.invalidation import securities_changed

    securities_changed(security_ids, date.min)


@receiver(post_save, sender=settings.AUTH_USER_MODEL, dispatch_uid="history.rates_soon")
def rates_soon(instance: Any, update_fields: frozenset[str] | None, **_signal: Any) -> None:
    """Fetch the rates of a base currency that may be new, rather than within the hour."""
    from history.tasks import enqueue_rates

    if instance.base_currency != HUB and (update_fields is None or "base_currency" in update_fields):
        transaction.on_commit(enqueue_rates, robust=True)

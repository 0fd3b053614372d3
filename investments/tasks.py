"""Background work of the ledger. A task carries ids; whose lots are behind is in the rows."""

import logging
from collections.abc import Iterable
from typing import Any, Final

from celery import shared_task
from django.dispatch import receiver
from kombu.exceptions import OperationalError

from investments import ledger, lots
from investments.models import Account
from investments.signals import ledger_changed
from portfolio_site.lib import logs, sessions

logger = logging.getLogger(__name__)

SWEEP_LIMIT: Final = 5_000


@shared_task(name="investments.recompute_lots")
def recompute_lots(owner_id: int) -> None:
    """Bring an owner's tax lots up to the ledger; coming twice or late does no harm."""
    with logs.bound(user_id=owner_id):
        lots.recompute_lots(owner_id=owner_id)


@shared_task(name="investments.sweep_lots", expires=55)
def sweep_lots() -> None:
    """Queue every owner whose lots are behind, whatever became of the signal, the message or the worker."""
    _enqueue(lots.behind(limit=SWEEP_LIMIT), queue="low")


@shared_task(name="investments.recompute_lots_of")
def recompute_lots_of(account_ids: list[int]) -> None:
    """Bring the lots of these accounts' owners up to the ledger, each owner in a task of its own beyond the first."""
    owners = Account.objects.filter(pk__in=account_ids).order_by("owner_id").values_list("owner_id", flat=True)
    first, *others = owners.distinct() or [None]
    _enqueue(others, queue="low")
    if first is not None:
        recompute_lots(first)


@shared_task(name="investments.begin_corporate_actions")
def begin_corporate_actions() -> int:
    """What companies announced for today happens to its holders; a missed run is made up for by the next."""
    return ledger.begin_corporate_actions(today=sessions.today())


@receiver(ledger_changed, dispatch_uid="investments.recompute_soon")
def recompute_soon(account_ids: list[int], **_signal: Any) -> None:
    """Only for speed: the sweep finds whatever is lost here. After the commit the web role sees no account any more."""
    _send(recompute_lots_of, account_ids, "default")


def _enqueue(owner_ids: Iterable[int], *, queue: str) -> None:
    for owner_id in owner_ids:
        if not _send(recompute_lots, owner_id, queue):
            return


def _send(task: Any, argument: Any, queue: str) -> bool:
    try:
        task.apply_async((argument,), queue=queue, retry=False)
    except OperationalError as error:
        logger.warning("The broker cannot be reached, lots wait for the sweep: %s", error)
        return False
    return True

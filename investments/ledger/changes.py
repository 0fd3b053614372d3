"""What a change of the ledger sets off: the account's version goes up, and after commit everyone is told once."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.db import transaction
from django.db.models import F

from investments.models import Account
from investments.signals import ledger_changed

_collected: ContextVar[set[int] | None] = ContextVar("ledger_changes", default=None)


@contextmanager
def together() -> Iterator[None]:
    """One transaction whose changes count as one: each account's version is raised once and told once."""
    if _collected.get() is not None:
        yield
        return
    collected: set[int] = set()
    token = _collected.set(collected)
    try:
        with transaction.atomic():
            yield
            _follow(collected)
            _raise_versions(collected)
    finally:
        _collected.reset(token)


def changed(account_ids: Iterable[int]) -> None:
    """Note that these accounts' ledgers changed; call within `together`."""
    collected = _collected.get()
    if collected is None:
        raise RuntimeError("A change of the ledger is made within together()")
    collected.update(account_ids)


def follow_rates(*, account_ids: Iterable[int]) -> None:
    """Rates have come of days on which rows of these accounts were paid in another currency than their security's."""
    with together():
        changed(account_ids)


def lock_accounts(account_ids: Iterable[int]) -> None:
    """Hold these accounts until the transaction ends, in one order for everyone, so that writers cannot deadlock."""
    list(Account.objects.select_for_update().filter(pk__in=set(account_ids)).order_by("pk").values_list("pk"))


def _follow(account_ids: set[int]) -> None:
    """Accounts that no source tells the holdings of have those that their transactions leave."""
    from investments.ledger.derived import derive_holdings

    if account_ids:
        derive_holdings(account_ids=account_ids)


def _raise_versions(account_ids: set[int]) -> None:
    if not account_ids:
        return
    ids = sorted(account_ids)
    Account.objects.filter(pk__in=ids).update(ledger_version=F("ledger_version") + 1)
    transaction.on_commit(lambda: ledger_changed.send_robust(sender=Account, account_ids=ids), robust=True)

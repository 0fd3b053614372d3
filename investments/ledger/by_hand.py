"""What the owner does to one transaction: add it, correct it, void it, go back to an earlier version of it.

Each makes a new version, so each can be undone by going back, and redone by going back again. Whoever changes a row
names the version they have seen; where another came in between, nothing is written and the newer one is handed back.
"""

from collections.abc import Callable
from datetime import date

from investments.entries import TransactionEntry
from investments.ledger.changes import lock_accounts, together
from investments.ledger.drafts import draft
from investments.ledger.versions import append, as_version, copy_of, differs, last_told
from investments.models import Account, Security, Transaction


class StaleVersion(Exception):
    """The row has a newer version than the one named; `current` is that one."""

    def __init__(self, current: Transaction) -> None:
        super().__init__(f"Version {current.version} is the current one")
        self.current = current


class UnknownVersion(ValueError):
    """The row never had a version of that number."""


def add_transaction(
    *, account: Account, entry: TransactionEntry, security: Security | None, source: str, today: date
) -> Transaction:
    """The current version of the row that the entry makes, or made before. Raises Refused.

    An id seen before with other content than it had at first raises StaleVersion.
    """
    row = _draft(account, entry, security, source, today)
    with together():
        lock_accounts([account.pk])
        versions = list(row.versions().select_related("account", "security"))
        if versions and differs(versions[0], row):
            raise StaleVersion(versions[-1])
        if not versions:
            append([as_version(row, None)])
    return versions[-1] if versions else row


def correct_transaction(
    *, row: Transaction, version: int, entry: TransactionEntry, security: Security | None, today: date
) -> Transaction:
    """Supersede the row by what the entry says; returns the current version. Raises Refused, StaleVersion.

    A void row is brought back by it. The row stays in its account, whatever the entry names.
    """
    corrected = _draft(row.account, entry, security, row.source, today)
    return _supersede(row, version, lambda _current: corrected)


def void_transaction(*, row: Transaction, version: int) -> Transaction:
    """Take the row out of the current ledger; returns its void version. Raises StaleVersion."""
    return _supersede(row, version, lambda current: copy_of(current, is_void=True))


def restore_transaction(*, row: Transaction, version: int, to_version: int) -> Transaction:
    """Make the row again what it was in `to_version`, void or not. Raises StaleVersion, UnknownVersion."""
    earlier = row.versions().filter(version=to_version).first()
    if earlier is None:
        raise UnknownVersion(f"There is no version {to_version}")
    return _supersede(row, version, lambda _current: copy_of(earlier))


def _supersede(row: Transaction, version: int, make: Callable[[Transaction], Transaction]) -> Transaction:
    """Append what `make` makes of the current version, unless it says the same."""
    with together():
        lock_accounts([row.account_id])
        current = row.versions().select_related("account", "security").latest("version")
        if current.version != version:
            raise StaleVersion(current)
        wanted = make(current)
        if not differs(current, wanted):
            return current
        (told,) = last_told([current]).values()
        wanted.is_correction = current.source != Security.Source.MANUAL and differs(told, wanted)
        append([as_version(wanted, current)])
    return wanted


def _draft(
    account: Account, entry: TransactionEntry, security: Security | None, source: str, today: date
) -> Transaction:
    securities = {entry.security_external_id: security} if security else {}
    return draft(
        entry, accounts={entry.account_external_id: account}, securities=securities, source=source, today=today
    )

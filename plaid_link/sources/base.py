"""What every source is: something that answers with a snapshot in the ledger's own vocabulary, or fails clearly."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from investments.entries import AccountEntry, Finding, HoldingEntry, SecurityEntry, TransactionEntry
from plaid_link.health import Diagnosis, diagnose


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One answer about one login: all that is held now, and what happened from `start` to `end`, both included.

    `listed` are the ids of all transactions in the window, those that could not be read too; None where even an id
    could not be read, so that a missing row proves nothing. `unread_holdings` are the positions, by the ids of account
    and security, that the answer says something about that could not be read; an id that is not told either is ''.
    """

    start: date
    end: date
    accounts: tuple[AccountEntry, ...] = ()
    securities: tuple[SecurityEntry, ...] = ()
    holdings: tuple[HoldingEntry, ...] = ()
    unread_holdings: frozenset[tuple[str, str]] = frozenset()
    transactions: tuple[TransactionEntry, ...] = ()
    listed: frozenset[str] | None = frozenset()
    findings: tuple[Finding, ...] = ()
    consent_expires_at: datetime | None = None


class Source(Protocol):
    """A way in. `name` is one of `Security.Source`."""

    name: str

    def snapshot(self, *, start: date, end: date) -> Snapshot:
        """Ask the source, over the network: never within a transaction. Raises SourceError."""


class SourceError(Exception):
    """A source could not answer. Its text is for the user, says what to do, and holds no secret of anyone."""

    def __init__(self, code: str, *, http_status: int = 400, retry_after: float | None = None) -> None:
        self.code = code
        self.http_status = http_status
        self.diagnosis: Diagnosis = diagnose(code, http_status=http_status)
        self.retry_after = retry_after
        super().__init__(self.diagnosis.sentence)

    @property
    def permanent(self) -> bool:
        """Whether trying again without the user changes nothing."""
        return self.diagnosis.permanent

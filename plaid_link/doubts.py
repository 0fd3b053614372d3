"""What an answer says for the first time and is not believed yet: sudden emptiness is mostly a fault.

A doubt is a finding of the run. When the next good run finds the same, it is believed.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from investments.entries import Finding
from investments.models import Account, Holding, Security, Transaction
from plaid_link.models import Item, SyncRun
from plaid_link.sources.base import Snapshot

HELD_BACK = "held_back"


@dataclass(frozen=True, slots=True)
class Doubts:
    """Accounts, by external id, whose holdings or whose absence is doubted; `gone` is the absence that is believed."""

    findings: tuple[Finding, ...]
    gone: frozenset[str]

    @property
    def accounts(self) -> frozenset[str]:
        """Whose holdings and cash stay as they are."""
        return self._rows("holdings") | self.unlisted

    @property
    def unlisted(self) -> frozenset[str]:
        """Whose transactions stay too."""
        return self._rows("account")

    @property
    def transactions(self) -> bool:
        return any(finding.field == "transactions" for finding in self.findings)

    def _rows(self, field: str) -> frozenset[str]:
        return frozenset(finding.row for finding in self.findings if finding.field == field)


def doubts_about(run: SyncRun, item: Item, snapshot: Snapshot) -> Doubts:
    """Compares the answer with what is known; four queries."""
    unlisted = _unlisted(item, snapshot)
    suspicions = [
        *(_doubt("No longer listed: kept until a second look", account, "account") for account in sorted(unlisted)),
        *(
            _doubt("Suddenly without holdings: kept until a second look", account, "holdings")
            for account in sorted(_emptied(item, snapshot) - unlisted)
        ),
    ]
    if snapshot.listed == frozenset() and _told_before(item, snapshot):
        suspicions.append(_doubt("Suddenly without transactions: kept until a second look", "", "transactions"))
    seen = _held_back_before(run, snapshot)
    findings = tuple(doubt for doubt in suspicions if (doubt.row, doubt.field) not in seen)
    return Doubts(findings, frozenset(account for account in unlisted if (account, "account") in seen))


def _doubt(message: str, row: str, field: str) -> Finding:
    return Finding(HELD_BACK, message, row=row, field=field)


def _unlisted(item: Item, snapshot: Snapshot) -> set[str]:
    """Open accounts that the answer does not name. Where it names one that cannot be read, nobody knows which."""
    if _refused(snapshot.findings, "account"):
        return set()
    known = Account.objects.open().filter(linked_account__item=item).values_list("external_id", flat=True)
    return set(known) - {entry.external_id for entry in snapshot.accounts}


def _emptied(item: Item, snapshot: Snapshot) -> set[str]:
    """Accounts that held something and are told to hold nothing; one with a row that cannot be read is not empty."""
    named = {entry.account_external_id for entry in snapshot.holdings}
    named |= {account for account, _ in snapshot.unread_holdings}
    if "" in named:
        return set()
    held = Holding.objects.filter(account__linked_account__item=item).held()
    return set(held.values_list("account__external_id", flat=True)) - named


def _refused(findings: Iterable[Finding], kind: str) -> bool:
    return any(finding.kind == "refused" and finding.row.startswith(kind) for finding in findings)


def _told_before(item: Item, snapshot: Snapshot) -> bool:
    told = Transaction.objects.current().filter(account__linked_account__item=item, source=Security.Source.PLAID)
    return told.filter(date__range=(snapshot.start, snapshot.end)).exists()


def _held_back_before(run: SyncRun, snapshot: Snapshot) -> set[tuple[str, str]]:
    """What the last good run held back; transactions only where it looked as far back: else this is no second look."""
    last = SyncRun.objects.filter(item=run.item_id, state=SyncRun.State.SUCCEEDED).first()
    if last is None:
        return set()
    doubts = {(found.get("row", ""), found["field"]) for found in last.findings if found["kind"] == HELD_BACK}
    return doubts if last.start_date <= snapshot.start else {doubt for doubt in doubts if doubt[1] != "transactions"}

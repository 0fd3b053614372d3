"""The one way into the transactions: idempotent, append-only, a correction is a new version."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from django.db.models import Q

from investments.entries import Finding, TransactionEntry
from investments.ledger.changes import lock_accounts, together
from investments.ledger.drafts import Refused, draft
from investments.ledger.versions import BATCH, append, append_told, as_version, copy_of, differs, last_told
from investments.models import Account, Security, Transaction

_Key = tuple[int, str]  # account, external id


@dataclass(frozen=True, slots=True)
class TransactionsWritten:
    """First versions, later versions and voids truly written, rows that were there already, and what was refused.

    `repairs`: what was put right, by external id, in all rows told.
    """

    inserted: int = 0
    superseded: int = 0
    voided: int = 0
    unchanged: int = 0
    findings: tuple[Finding, ...] = ()
    repairs: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """Rows truly written."""
        return self.inserted + self.superseded + self.voided


def record_transactions(
    *,
    accounts: Mapping[str, Account],
    securities: Mapping[str, Security],
    source: str,
    entries: Iterable[TransactionEntry],
    today: date,
) -> TransactionsWritten:
    """Record what happened; entries name their account and security by external id.

    An id seen before with the same content changes nothing; with other content it becomes a version that supersedes
    the last one. Signs are repaired by what the type means. An entry that cannot be stored is refused with a finding
    that names row and field, and the rest goes on. `today` bounds the future. What the owner corrected stands until the
    source tells something new, and then in the fields the owner had changed.
    """
    findings: list[Finding] = []
    rows = _drafts(accounts, securities, source, entries, today, findings)
    with together():
        lock_accounts({row.account_id for row in rows.values()})
        latest = _latest(rows, source)
        told = last_told(latest.values())
        stale = [key for key, row in rows.items() if differs(told[latest[key].pk] if key in latest else None, row)]
        written = [as_version(rows[key], latest.get(key)) for key in stale]
        append_told(written, told)
    inserted = sum(row.version == 1 for row in written)
    return TransactionsWritten(
        inserted=inserted,
        superseded=len(written) - inserted,
        unchanged=len(rows) - len(written),
        findings=tuple(findings),
        repairs={row.external_id: row.repairs for row in rows.values() if row.repairs},
    )


def void_transactions(*, transaction_ids: Collection[int]) -> TransactionsWritten:
    """Take these rows out of the current ledger; rows that are not in it are left."""
    ids, voided = sorted(transaction_ids), 0
    with together():
        asked = Transaction.objects.filter(pk__in=ids)
        lock_accounts(asked.order_by().values_list("account_id", flat=True).distinct())
        for start in range(0, len(ids), BATCH):
            rows = _standing(ids[start : start + BATCH])
            append([as_version(copy_of(row, is_void=True), row) for row in rows])
            voided += len(rows)
    return TransactionsWritten(voided=voided)


def _standing(ids: Collection[int]) -> list[Transaction]:
    """Those of the rows that are current. Two looks into indexes: a join would read all of a table that has grown."""
    superseded = set(Transaction.objects.filter(supersedes__in=ids).values_list("supersedes", flat=True))
    rows = Transaction.objects.filter(pk__in=ids, is_void=False).order_by("pk")
    return [row for row in rows if row.pk not in superseded]


def void_unlisted(
    *, accounts: Collection[Account], source: str, start: date, end: date, listed: Collection[str]
) -> TransactionsWritten:
    """Void what the source told before and no longer lists within the window (both days included).

    `listed` are the external ids it lists, those of refused rows too.
    """
    told_here = Transaction.objects.filter(account__in=accounts, source=source)
    still_listed = set(listed)
    with together():
        lock_accounts(account.pk for account in accounts)
        as_told = told_here.current().filter(is_correction=False, date__range=(start, end))
        vanished = [pk for pk, name in as_told.values_list("pk", "external_id") if name not in still_listed]
        # The owner may have moved a row to another day: what counts is the day the source told.
        latest = told_here.last_versions().filter(Q(pk__in=vanished) | Q(is_correction=True)).order_by("pk")
        told = last_told(latest)
        written = [
            as_version(copy_of(told[row.pk], is_void=True), row)
            for row in latest
            if _is_withdrawn(told[row.pk], start, end, still_listed)
        ]
        append_told(written, told)
    return TransactionsWritten(voided=len(written))


def _is_withdrawn(told: Transaction, start: date, end: date, listed: Collection[str]) -> bool:
    return not told.is_void and start <= told.date <= end and told.external_id not in listed


def _drafts(
    accounts: Mapping[str, Account],
    securities: Mapping[str, Security],
    source: str,
    entries: Iterable[TransactionEntry],
    today: date,
    findings: list[Finding],
) -> dict[_Key, Transaction]:
    rows: dict[_Key, Transaction] = {}
    for entry in _unambiguous(entries, findings):
        try:
            row = draft(entry, accounts=accounts, securities=securities, source=source, today=today)
        except Refused as problem:
            findings.append(
                Finding("refused", str(problem), row=f"transaction {entry.external_id}", field=problem.field)
            )
        else:
            rows[(row.account_id, row.external_id)] = row
    return rows


def _unambiguous(entries: Iterable[TransactionEntry], findings: list[Finding]) -> list[TransactionEntry]:
    """Entries without repetitions. An id that comes with two contents is refused: nobody can tell which is right."""
    told: dict[tuple[str, str], TransactionEntry] = {}
    ambiguous: set[tuple[str, str]] = set()
    for entry in entries:
        key = (entry.account_external_id, entry.external_id)
        if told.setdefault(key, entry) != entry:
            ambiguous.add(key)
    for _, external_id in sorted(ambiguous):
        message = "The same id came twice with different content"
        findings.append(Finding("refused", message, row=f"transaction {external_id}", field="external_id"))
    return [entry for key, entry in told.items() if key not in ambiguous]


def _latest(rows: Mapping[_Key, Transaction], source: str) -> dict[_Key, Transaction]:
    """The last version, void or not, of every id among the rows."""
    keys = sorted(rows)
    latest: dict[_Key, Transaction] = {}
    for start in range(0, len(keys), BATCH):
        known = Transaction.objects.last_versions().filter(source=source).named(keys[start : start + BATCH])
        latest.update(((row.account_id, row.external_id), row) for row in known)
    return latest

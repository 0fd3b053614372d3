"""A file that its owner confirmed, into the ledger: all of it in one transaction or nothing; and taken back again."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from django.db.models import Max, Min
from django.utils import timezone

from investments import ledger
from investments.entries import TransactionEntry
from investments.manual import open_account
from investments.models import Account, Security, Transaction
from plaid_link.imports import lines as wire
from plaid_link.imports.models import LINES_PER_CHUNK, ImportBatch
from plaid_link.imports.planning import SOURCE
from plaid_link.imports.securities import NEW, entry_from_json
from plaid_link.sources.csv.drafting import BY_UNIT_OF_PAR
from portfolio_site.lib import rls
from portfolio_site.lib.sessions import NEW_YORK

# Rows given to the ledger in one call: all of them at once would be held in memory as model instances.
ROWS_AT_ONCE: Final = 4 * LINES_PER_CHUNK
State = ImportBatch.State


class NotStored(Exception):
    """The ledger refused a row, so that nothing was stored; `findings` name rows and fields."""

    def __init__(self, findings: list[dict[str, str]]) -> None:
        super().__init__("The ledger refused some rows: nothing was stored.")
        self.findings = findings


def store(batch_id: int, owner_id: int) -> ImportBatch | None:
    """Write the new lines of a confirmed batch. None where it does not wait for that (any more). Raises NotStored."""
    with rls.tenant(owner_id), ledger.together():
        batch = ImportBatch.objects.select_for_update().filter(pk=batch_id, state=State.STORING).first()
        if batch is None:
            return None
        account = batch.account or _new_account(batch)
        Account.objects.select_for_update().get(pk=account.pk)
        last = _last_id(account)
        _record(batch, account, _securities(batch))
        _finish(batch, account, after=last)
    return batch


def undo(batch_id: int, owner_id: int) -> int:
    """Take the batch's rows out of the current ledger, corrected ones too. Returns how many there were."""
    with rls.tenant(owner_id), ledger.together():
        batch = ImportBatch.objects.select_for_update().filter(pk=batch_id, state=State.UNDOING).first()
        if batch is None:
            return 0
        written = ledger.void_transactions(transaction_ids=_current_ids(batch))
        ImportBatch.objects.filter(pk=batch.pk).update(state=State.UNDONE, undone_at=timezone.now())
        if _made_account(batch) and not Transaction.objects.current().filter(account=batch.account_id).exists():
            ledger.close_accounts(account_ids=[batch.account_id])
    return written.voided


def _made_account(batch: ImportBatch) -> bool:
    return bool(batch.new_account) and batch.account_id is not None


def _current_ids(batch: ImportBatch) -> list[int]:
    """The current versions of what the batch wrote."""
    if batch.first_transaction is None:
        return []
    span = (batch.first_transaction, batch.last_transaction)
    own = Transaction.objects.filter(account=batch.account_id, source=SOURCE, pk__range=span)
    current = Transaction.objects.current().filter(account=batch.account_id, source=SOURCE)
    # Matched here: a table that has just grown has no statistics yet, and PostgreSQL then compares each with each.
    ids = set(own.values_list("external_id", flat=True).iterator())
    return [pk for pk, external_id in current.values_list("pk", "external_id").iterator() if external_id in ids]


def _new_account(batch: ImportBatch) -> Account:
    """The account that the owner named, at the institution of all that is kept by hand."""
    told = batch.new_account
    return open_account(
        owner_id=batch.owner_id,
        name=told.get("name") or "Imported account",
        subtype=told.get("subtype", "brokerage"),
        currency=told.get("currency", "USD"),
    )


def _securities(batch: ImportBatch) -> Mapping[str, Security]:
    """{key in the file: security}, new ones written."""
    new = {one["key"]: entry_from_json(one["entry"]) for one in batch.symbols if one["state"] == NEW}
    known = {one["key"]: one["security_id"] for one in batch.symbols if one["security_id"]}
    written = ledger.upsert_securities(source=SOURCE, entries=new.values()).by_external_id
    rows = Security.objects.in_bulk(known.values())
    named = {key: rows[pk] for key, pk in known.items() if pk in rows}
    return named | {key: written[entry.external_id] for key, entry in new.items()}


def _record(batch: ImportBatch, account: Account, securities: Mapping[str, Security]) -> None:
    """The oldest row first: rows of one day happened in the order in which they are recorded."""
    today = timezone.now().astimezone(NEW_YORK).date()
    findings: list[dict[str, str]] = []
    some: list[TransactionEntry] = []
    for entry in _entries(batch, account):
        some.append(_as_quoted(entry, securities))
        if len(some) == ROWS_AT_ONCE:
            findings += _write(account, securities, some, today)
            some = []
    findings += _write(account, securities, some, today)
    if findings:
        raise NotStored(findings)


def _as_quoted(entry: TransactionEntry, securities: Mapping[str, Security]) -> TransactionEntry:
    """A bond's price as the security has it: one that a brokerage tells too may be kept per 100 of par."""
    security = securities.get(entry.security_external_id)
    if BY_UNIT_OF_PAR not in entry.repairs or security is None:
        return entry
    return replace(entry, price=entry.price / security.multiplier)


def _write(account: Account, securities: Mapping[str, Security], some: list[TransactionEntry], today: Any) -> list[Any]:
    """What of these has not come in since the file was read."""
    named = Transaction.objects.current().filter(source=SOURCE).named((account.pk, one.external_id) for one in some)
    known = set(named.values_list("external_id", flat=True))
    written = ledger.record_transactions(
        accounts={"": account},
        securities=securities,
        source=SOURCE,
        entries=[entry for entry in some if entry.external_id not in known],
        today=today,
    )
    return [finding.as_json() for finding in written.findings if finding.kind == "refused"]


def _entries(batch: ImportBatch, account: Account) -> Iterator[TransactionEntry]:
    numbers = list(batch.chunks.order_by("-number" if batch.newest_first else "number").values_list("pk", flat=True))
    for pk in numbers:
        lines = batch.chunks.get(pk=pk).lines
        for line in reversed(lines) if batch.newest_first else lines:
            if line["state"] == wire.NEW:
                yield wire.entry_of(line, currency=account.currency)


def _last_id(account: Account) -> int:
    return Transaction.objects.filter(account=account).aggregate(last=Max("pk"))["last"] or 0


def _finish(batch: ImportBatch, account: Account, *, after: int) -> None:
    own = Transaction.objects.filter(account=account, source=SOURCE, pk__gt=after)
    span = own.aggregate(first=Min("pk"), last=Max("pk"))
    batch.stored_rows = own.count()
    ImportBatch.objects.filter(pk=batch.pk).update(
        state=State.STORED,
        account=account,
        file=b"",
        stored_at=timezone.now(),
        stored_rows=batch.stored_rows,
        first_transaction=span["first"],
        last_transaction=span["last"],
    )

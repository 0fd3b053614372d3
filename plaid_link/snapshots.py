"""A source's answer put into the ledger: all of it in one transaction, or nothing."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.utils import timezone

from investments import ledger
from investments.entries import AccountEntry, Finding
from investments.models import Account, Security, Transaction
from investments.models.account import AccountQuerySet
from plaid_link import findings, health, runs
from plaid_link.doubts import HELD_BACK, Doubts, doubts_about
from plaid_link.models import Item, LinkedAccount, SyncRun
from plaid_link.sources.base import Snapshot
from portfolio_site.lib import rls

SOURCE = Security.Source.PLAID
# When something was held back, the second look comes soon.
SECOND_LOOK_AFTER = timedelta(minutes=15)
CANCELS_NOTHING = "Cancels a transaction that is not known: takes nothing back"


@dataclass(frozen=True, slots=True)
class Upserts:
    """Rows truly inserted or changed (removed and voided ones too)."""

    securities: int = 0
    holdings: int = 0
    investment_transactions: int = 0

    def __add__(self, other: "Upserts") -> "Upserts":
        return Upserts(
            self.securities + other.securities,
            self.holdings + other.holdings,
            self.investment_transactions + other.investment_transactions,
        )

    @classmethod
    def of(cls, run: SyncRun) -> "Upserts":
        return cls(run.securities, run.holdings, run.transactions)


def apply_snapshot(*, run: SyncRun, snapshot: Snapshot) -> Upserts:
    """Write the answer, close the run, mark the item well. Raises SourceError where the run may no longer write.

    An account that is suddenly empty or missing is held back: what it had stays until a second answer agrees.
    """
    with rls.tenant(run.owner_id), ledger.together():
        item = runs.hold(run)
        now = timezone.now()
        doubts = doubts_about(run, item, snapshot)
        securities = ledger.upsert_securities(source=SOURCE, entries=snapshot.securities)
        found = [*snapshot.findings, *doubts.findings, *securities.findings]
        found += _write_accounts(item, snapshot.accounts, doubts)
        accounts = {account.external_id: account for account in _open_accounts(item)}
        holdings = _write_holdings(accounts, securities, snapshot, doubts, now)
        transactions = _write_transactions(accounts, securities, snapshot, doubts, now)
        found += _findings(snapshot, accounts.values(), holdings, transactions)
        upserts = Upserts(
            securities=securities.inserted + securities.changed,
            holdings=holdings.total,
            investment_transactions=sum(written.total for written in transactions),
        )
        _close(run, item, snapshot, upserts, found, now)
    return upserts


def _write_accounts(item: Item, entries: Iterable[AccountEntry], doubts: Doubts) -> list[Finding]:
    """Accounts and their link to the item. Where holdings are doubted the cash beside them is not known either."""
    told = [
        replace(entry, uninvested_cash=None) if entry.external_id in doubts.accounts else entry for entry in entries
    ]
    written = ledger.upsert_accounts(owner_id=item.owner_id, institution=item.institution, source=SOURCE, entries=told)
    link_accounts(item=item, accounts=written.by_external_id.values())
    return [*written.findings, *_begin_and_end(item, written.by_external_id, doubts.gone)]


def _begin_and_end(item: Item, listed: Mapping[str, Account], gone: Collection[str]) -> list[Finding]:
    """Accounts that are listed again are open again; those that are gone close and keep what is in them."""
    back = [account.pk for account in listed.values() if account.closed_at is not None]
    if back:
        ledger.reopen_accounts(account_ids=back)
    ended = _open_accounts(item).filter(external_id__in=gone) if gone else []
    ledger.close_accounts(account_ids=[account.pk for account in ended])
    message = "No longer listed: closed, with its past kept"
    return [Finding("ignored", message, row=f"account {external_id}", field="account") for external_id in sorted(gone)]


def link_accounts(*, item: Item, accounts: Iterable[Account]) -> None:
    """Let the item feed these accounts, whichever fed them before."""
    LinkedAccount.objects.bulk_create(
        [LinkedAccount(owner_id=item.owner_id, item=item, account=account) for account in accounts],
        update_conflicts=True,
        unique_fields=["account"],
        update_fields=["item"],
    )


def _open_accounts(item: Item) -> AccountQuerySet:
    return Account.objects.open().filter(linked_account__item=item)


def _write_holdings(
    accounts: Mapping[str, Account],
    securities: ledger.SecuritiesWritten,
    snapshot: Snapshot,
    doubts: Doubts,
    now: datetime,
) -> ledger.HoldingsWritten:
    believed = {key: account for key, account in accounts.items() if key not in doubts.accounts}
    return ledger.replace_holdings(
        accounts=believed,
        securities=securities.by_external_id,
        source=SOURCE,
        entries=snapshot.holdings,
        now=now,
    )


def _write_transactions(
    accounts: Mapping[str, Account],
    securities: ledger.SecuritiesWritten,
    snapshot: Snapshot,
    doubts: Doubts,
    now: datetime,
) -> list[ledger.TransactionsWritten]:
    recorded = ledger.record_transactions(
        accounts=accounts,
        securities=securities.by_external_id,
        source=SOURCE,
        entries=snapshot.transactions,
        today=now.date(),
    )
    if snapshot.listed is None or doubts.transactions:
        return [recorded]
    listed = [account for key, account in accounts.items() if key not in doubts.unlisted]
    voided = ledger.void_unlisted(
        accounts=listed, source=SOURCE, start=snapshot.start, end=snapshot.end, listed=snapshot.listed
    )
    return [recorded, voided]


def _findings(
    snapshot: Snapshot,
    accounts: Collection[Account],
    holdings: ledger.HoldingsWritten,
    transactions: Sequence[ledger.TransactionsWritten],
) -> list[Finding]:
    securities = {entry.external_id: entry for entry in snapshot.securities}
    repairs = {name: told for written in transactions for name, told in written.repairs.items()}
    return [
        *holdings.findings,
        *(finding for written in transactions for finding in written.findings),
        *_cancels_of_nothing(snapshot, accounts),
        *findings.of_holdings(snapshot.holdings, securities, refused=holdings.findings),
        *findings.of_transactions(repairs),
    ]


def _cancels_of_nothing(snapshot: Snapshot, accounts: Collection[Account]) -> list[Finding]:
    """Cancels that name no transaction we know take nothing back."""
    cancels = [entry for entry in snapshot.transactions if entry.type == "cancel" or entry.cancels_external_id]
    if not cancels:
        return []
    named = {entry.cancels_external_id for entry in cancels}
    told = Transaction.objects.current().filter(account__in=accounts, source=SOURCE, external_id__in=named)
    known = set(told.values_list("external_id", flat=True))
    return [
        Finding("ignored", CANCELS_NOTHING, row=f"transaction {entry.external_id}", field="cancel_transaction_id")
        for entry in cancels
        if entry.cancels_external_id not in known
    ]


def _close(run: SyncRun, item: Item, snapshot: Snapshot, upserts: Upserts, found: list[Finding], now: datetime) -> None:
    SyncRun.objects.filter(pk=run.pk).update(
        state=SyncRun.State.SUCCEEDED,
        finished_at=now,
        securities=upserts.securities,
        holdings=upserts.holdings,
        transactions=upserts.investment_transactions,
        findings=[finding.as_json() for finding in found],
    )
    Item.objects.filter(pk=item.pk).update(consent_expires_at=snapshot.consent_expires_at)
    held_back = any(finding.kind == HELD_BACK for finding in found)
    health.clear(item=item, synced_at=now, again_at=now + SECOND_LOOK_AFTER if held_back else None)

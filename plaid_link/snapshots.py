"""A source's answer put into the ledger: all of it in one transaction, or nothing."""

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.utils import timezone

from investments import ledger
from investments.entries import Finding
from investments.models import Account, Holding, Security, Transaction
from investments.models.account import AccountQuerySet
from plaid_link import findings, health, runs
from plaid_link.doubts import Doubts, doubts_about
from plaid_link.models import Item, SyncRun
from plaid_link.placing import link_accounts, place
from plaid_link.sources.base import Snapshot
from portfolio_site.lib import logs, rls

logger = logging.getLogger(__name__)

SOURCE = Security.Source.PLAID
# When something was held back, the second look comes soon.
SECOND_LOOK_AFTER = timedelta(minutes=15)
UNPLACED = "Left out: you have it through another connection, or have not said yet whether you do"
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
        snapshot = _without(snapshot, place(item=item, entries=snapshot.accounts))
        doubts = doubts_about(run, item, snapshot)
        securities = ledger.upsert_securities(source=SOURCE, entries=snapshot.securities)
        found = [*snapshot.findings, *doubts.findings, *securities.findings]
        found += _write_accounts(item, snapshot, doubts)
        accounts = {account.external_id: account for account in _open_accounts(item)}
        holdings = _write_holdings(accounts, securities, snapshot, doubts, now)
        transactions = _write_transactions(accounts, securities, snapshot, doubts, now)
        found += _findings(snapshot, accounts.values(), holdings, transactions)
        upserts = Upserts(
            securities=securities.inserted + securities.changed,
            holdings=holdings.total,
            investment_transactions=sum(written.total for written in transactions),
        )
        _close(run, item, snapshot, doubts, upserts, found, now)
    with logs.bound(account_ids=sorted(account.pk for account in accounts.values())):
        logger.info("synced trigger=%s %s findings=%d", run.trigger, upserts, len(found))
    return upserts


def _without(snapshot: Snapshot, unplaced: Collection[str]) -> Snapshot:
    """The answer without accounts of which nothing is to be written."""
    if not unplaced:
        return snapshot
    left_out = [
        Finding("ignored", UNPLACED, row=f"account {entry.external_id}", field="account")
        for entry in snapshot.accounts
        if entry.external_id in unplaced
    ]
    return replace(
        snapshot,
        accounts=tuple(entry for entry in snapshot.accounts if entry.external_id not in unplaced),
        holdings=tuple(entry for entry in snapshot.holdings if entry.account_external_id not in unplaced),
        unread_holdings=frozenset(pair for pair in snapshot.unread_holdings if pair[0] not in unplaced),
        transactions=tuple(entry for entry in snapshot.transactions if entry.account_external_id not in unplaced),
        findings=(*snapshot.findings, *left_out),
    )


def _write_accounts(item: Item, snapshot: Snapshot, doubts: Doubts) -> list[Finding]:
    """Accounts and their link to the item. Where holdings stay unseen the cash beside them is not known either."""
    unseen = doubts.accounts | _partly_unread(item, snapshot)
    told = [
        replace(entry, uninvested_cash=None) if entry.external_id in unseen else entry for entry in snapshot.accounts
    ]
    written = ledger.upsert_accounts(owner_id=item.owner_id, institution=item.institution, source=SOURCE, entries=told)
    link_accounts(item=item, accounts=written.by_external_id.values())
    return [*written.findings, *_begin_and_end(item, written.by_external_id, doubts.gone)]


def _partly_unread(item: Item, snapshot: Snapshot) -> set[str]:
    """Accounts that keep a holding because what the answer says about it cannot be read."""
    if not snapshot.unread_holdings:
        return set()
    held = Holding.objects.filter(account__linked_account__item=item).held()
    positions = held.values_list("account__external_id", "security__external_id")
    unread = snapshot.unread_holdings
    return {
        account
        for account, security in positions
        if {(account, security), (account, ""), ("", security), ("", "")} & unread
    }


def _begin_and_end(item: Item, listed: Mapping[str, Account], gone: Collection[str]) -> list[Finding]:
    """Accounts that are listed again are open again; those that are gone close and keep what is in them."""
    back = [account.pk for account in listed.values() if account.closed_at is not None]
    if back:
        ledger.reopen_accounts(account_ids=back)
    ended = _open_accounts(item).filter(external_id__in=gone) if gone else []
    ledger.close_accounts(account_ids=[account.pk for account in ended])
    message = "No longer listed: closed, with its past kept"
    return [Finding("ignored", message, row=f"account {external_id}", field="account") for external_id in sorted(gone)]


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
        unread=snapshot.unread_holdings,
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


def _close(
    run: SyncRun,
    item: Item,
    snapshot: Snapshot,
    doubts: Doubts,
    upserts: Upserts,
    found: list[Finding],
    now: datetime,
) -> None:
    SyncRun.objects.filter(pk=run.pk).update(
        state=SyncRun.State.SUCCEEDED,
        finished_at=now,
        securities=upserts.securities,
        holdings=upserts.holdings,
        transactions=upserts.investment_transactions,
        findings=[finding.as_json() for finding in found],
    )
    Item.objects.filter(pk=item.pk).update(consent_expires_at=snapshot.consent_expires_at)
    if doubts.findings:
        health.doubt(item=item, synced_at=now, again_at=now + SECOND_LOOK_AFTER, doubted=doubts.accounts)
    else:
        health.clear(item=item, synced_at=now)

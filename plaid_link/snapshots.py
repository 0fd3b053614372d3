"""A source's answer put into the ledger: all of it in one transaction, or nothing."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.utils import timezone

from investments import ledger
from investments.entries import AccountEntry, Finding
from investments.models import Account, Holding, Security, Transaction
from plaid_link import health, runs
from plaid_link.models import Item, LinkedAccount, SyncRun
from plaid_link.sources.base import Snapshot
from portfolio_site.lib import rls

SOURCE = Security.Source.PLAID
# When something was held back, the second look comes soon.
SECOND_LOOK_AFTER = timedelta(minutes=15)
HELD_BACK = "held_back"


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

    An account that is suddenly empty is held back: its holdings, cash and window stay until a second answer agrees.
    """
    with rls.tenant(run.owner_id), ledger.together():
        item = runs.hold(run)
        now = timezone.now()
        doubts = _doubts(run, item, snapshot)
        securities = ledger.upsert_securities(source=SOURCE, entries=snapshot.securities)
        findings = [*snapshot.findings, *doubts.values(), *securities.findings]
        findings += _write_accounts(item, snapshot.accounts, doubts)
        accounts = {account.external_id: account for account in _open_accounts(item)}
        holdings = _write_holdings(accounts, securities, snapshot, doubts, now)
        transactions = _write_transactions(accounts, securities, snapshot, doubts, now)
        findings += [*holdings.findings, *(finding for written in transactions for finding in written.findings)]
        upserts = Upserts(
            securities=securities.inserted + securities.changed,
            holdings=holdings.total,
            investment_transactions=sum(written.total for written in transactions),
        )
        _close(run, item, snapshot, upserts, findings, now)
    return upserts


def _doubts(run: SyncRun, item: Item, snapshot: Snapshot) -> dict[str, Finding]:
    """What this answer says for the first time and is not believed yet, by account, and `` for the transactions."""
    held = Holding.objects.filter(account__linked_account__item=item).held()
    emptied = set(held.values_list("account__external_id", flat=True)) - {
        entry.account_external_id for entry in snapshot.holdings
    }
    doubts = {
        account: Finding(
            HELD_BACK, "Suddenly without holdings: kept until a second look", row=account, field="holdings"
        )
        for account in emptied
        # Where rows were refused, the account is not empty but unreadable.
        if not any(finding.row.startswith("holding") for finding in snapshot.findings)
    }
    if snapshot.listed == frozenset() and _told_before(item, snapshot):
        doubts[""] = Finding(HELD_BACK, "Suddenly without transactions: kept until a second look", field="transactions")
    believed = _held_back_before(run)
    return {account: doubt for account, doubt in doubts.items() if (account, doubt.field) not in believed}


def _told_before(item: Item, snapshot: Snapshot) -> bool:
    told = Transaction.objects.current().filter(account__linked_account__item=item, source=SOURCE)
    return told.filter(date__range=(snapshot.start, snapshot.end)).exists()


def _held_back_before(run: SyncRun) -> set[tuple[str, str]]:
    """What the last good run held back: the same again is believed."""
    last = SyncRun.objects.filter(item=run.item_id, state=SyncRun.State.SUCCEEDED).first()
    findings = last.findings if last else []
    return {(found.get("row", ""), found["field"]) for found in findings if found["kind"] == HELD_BACK}


def _write_accounts(item: Item, entries: Iterable[AccountEntry], doubts: Mapping[str, Finding]) -> tuple[Finding, ...]:
    """Accounts and their link to the item. Where holdings are doubted the cash beside them is not known either."""
    told = [replace(entry, uninvested_cash=None) if entry.external_id in doubts else entry for entry in entries]
    written = ledger.upsert_accounts(owner_id=item.owner_id, institution=item.institution, source=SOURCE, entries=told)
    link_accounts(item=item, accounts=written.by_external_id.values())
    return written.findings


def link_accounts(*, item: Item, accounts: Iterable[Account]) -> None:
    """Let the item feed these accounts, whichever fed them before."""
    LinkedAccount.objects.bulk_create(
        [LinkedAccount(owner_id=item.owner_id, item=item, account=account) for account in accounts],
        update_conflicts=True,
        unique_fields=["account"],
        update_fields=["item"],
    )


def _open_accounts(item: Item) -> Iterable[Account]:
    return Account.objects.open().filter(linked_account__item=item)


def _write_holdings(
    accounts: Mapping[str, Account],
    securities: ledger.SecuritiesWritten,
    snapshot: Snapshot,
    doubts: Mapping[str, Finding],
    now: datetime,
) -> ledger.HoldingsWritten:
    believed = {key: account for key, account in accounts.items() if key not in doubts}
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
    doubts: Mapping[str, Finding],
    now: datetime,
) -> list[ledger.TransactionsWritten]:
    recorded = ledger.record_transactions(
        accounts=accounts,
        securities=securities.by_external_id,
        source=SOURCE,
        entries=snapshot.transactions,
        today=now.date(),
    )
    if snapshot.listed is None or "" in doubts:
        return [recorded]
    voided = ledger.void_unlisted(
        accounts=accounts.values(), source=SOURCE, start=snapshot.start, end=snapshot.end, listed=snapshot.listed
    )
    return [recorded, voided]


def _close(
    run: SyncRun, item: Item, snapshot: Snapshot, upserts: Upserts, findings: list[Finding], now: datetime
) -> None:
    SyncRun.objects.filter(pk=run.pk).update(
        state=SyncRun.State.SUCCEEDED,
        finished_at=now,
        securities=upserts.securities,
        holdings=upserts.holdings,
        transactions=upserts.investment_transactions,
        findings=[finding.as_json() for finding in findings],
    )
    Item.objects.filter(pk=item.pk).update(consent_expires_at=snapshot.consent_expires_at)
    held_back = any(finding.kind == HELD_BACK for finding in findings)
    health.clear(item=item, synced_at=now, again_at=now + SECOND_LOOK_AFTER if held_back else None)

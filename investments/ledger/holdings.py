"""Holdings as a full snapshot: what is told is upserted, what is no longer told is gone, softly."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from investments.core import precision
from investments.entries import Finding, HoldingEntry
from investments.ledger.changes import changed, lock_accounts, together
from investments.ledger.currencies import whole_holding
from investments.models import Account, Holding, Security

_FIELDS = (
    "quantity",
    "institution_price",
    "institution_price_as_of",
    "institution_value",
    "cost_basis",
    "vested_quantity",
    "vested_value",
    "data_source",
    "source_metadata",
    "removed_at",
)
_FIT = {
    "quantity": precision.quantity,
    "institution_price": precision.quantity,
    "institution_value": precision.money,
    "cost_basis": precision.money,
    "vested_quantity": precision.quantity,
    "vested_value": precision.money,
}
_Key = tuple[int, int]  # account, security


@dataclass(frozen=True, slots=True)
class HoldingsWritten:
    """Rows truly inserted, changed and removed, and the entries that were refused."""

    inserted: int
    changed: int
    removed: int
    findings: tuple[Finding, ...] = ()

    @property
    def total(self) -> int:
        return self.inserted + self.changed + self.removed


def replace_holdings(
    *,
    accounts: Mapping[str, Account],
    securities: Mapping[str, Security],
    source: str,
    entries: Iterable[HoldingEntry],
    now: datetime,
    unread: Iterable[tuple[str, str]] = (),
) -> HoldingsWritten:
    """Make the entries all that these accounts hold. An account without an entry holds nothing afterwards.

    Entries of other accounts, of unknown securities or with numbers that do not fit are refused one by one. A holding
    whose entry was refused stays as it was; where the entry's security is unknown, nothing of its account is removed.
    `unread` are the ids of account and security of what the source could not read, '' where it could not tell: those
    holdings stay as they were, too.
    """
    findings: list[Finding] = []
    told, unclear = _drafts(accounts, securities, source, entries, findings)
    unseen = _unseen(accounts, securities, unread)
    told = {key: row for key, row in told.items() if key not in unseen}
    account_ids = [account.pk for account in accounts.values()]
    with together():
        lock_accounts(account_ids)
        known = {(row.account_id, row.security_id): row for row in Holding.objects.filter(account__in=account_ids)}
        stale = {key: row for key, row in told.items() if key not in known or _differs(known[key], row)}
        kept = {key for key in known if unclear(key) or key in unseen or (key[0], None) in unseen}
        gone = [row for key, row in known.items() if row.removed_at is None and key not in told and key not in kept]
        _write(stale.values(), now)
        Holding.objects.filter(pk__in=[row.pk for row in gone]).update(removed_at=now, updated_at=now)
        changed({account for account, _ in stale} | {row.account_id for row in gone})
    new = sum(key not in known for key in stale)
    return HoldingsWritten(new, changed=len(stale) - new, removed=len(gone), findings=tuple(findings))


def _unseen(
    accounts: Mapping[str, Account], securities: Mapping[str, Security], unread: Iterable[tuple[str, str]]
) -> set[tuple[int, int | None]]:
    """Positions that nothing may be said about, also those of which only a part of the rows was read.

    Without a security: any of that account.
    """
    unseen: set[tuple[int, int | None]] = set()
    for account_id, security_id in unread:
        security = securities.get(security_id)
        concerned = [accounts[account_id]] if account_id in accounts else accounts.values()
        unseen |= {(account.pk, security.pk if security else None) for account in concerned}
    return unseen


def _drafts(
    accounts: Mapping[str, Account],
    securities: Mapping[str, Security],
    source: str,
    entries: Iterable[HoldingEntry],
    findings: list[Finding],
) -> tuple[dict[_Key, Holding], Callable[[_Key], bool]]:
    """The rows to have, and which positions the source said something about that cannot be stored."""
    told: dict[_Key, Holding] = {}
    refused: set[_Key] = set()
    incomplete: set[int] = set()
    for entry in _merged(map(whole_holding, entries), securities):
        account, security = accounts.get(entry.account_external_id), securities.get(entry.security_external_id)
        row = f"holding {entry.account_external_id}/{entry.security_external_id}"
        if account is None or security is None:
            missing = "account" if account is None else "security"
            findings.append(Finding("refused", f"Unknown {missing}", row=row, field=missing))
            incomplete.update({account.pk} if account else ())
            continue
        draft = _holding(account, security, source, entry, row, findings)
        if draft is None:
            refused.add((account.pk, security.pk))
        else:
            told[(account.pk, security.pk)] = draft
    return told, lambda key: key in refused or key[0] in incomplete


def _holding(
    account: Account, security: Security, source: str, entry: HoldingEntry, row: str, findings: list[Finding]
) -> Holding | None:
    values: dict[str, Decimal | None] = {}
    for name, fit in _FIT.items():
        told = getattr(entry, name)
        try:
            values[name] = None if told is None else fit(told)
        except precision.DoesNotFit as problem:
            findings.append(Finding("refused", str(problem), row=row, field=name))
            return None
    return Holding(
        owner_id=account.owner_id,
        account=account,
        security=security,
        institution_price_as_of=entry.institution_price_as_of,
        data_source=source,
        source_metadata=entry.source_metadata,
        **values,
    )


def _merged(entries: Iterable[HoldingEntry], securities: Mapping[str, Security]) -> list[HoldingEntry]:
    """One entry per position: some list margin and cash, or each lot, as rows of their own, or under two ids."""
    positions: dict[tuple[str, int | str], HoldingEntry] = {}
    for entry in entries:
        security = securities.get(entry.security_external_id)
        key = (entry.account_external_id, security.pk if security else entry.security_external_id)
        positions[key] = _sum(positions[key], entry) if key in positions else entry
    return list(positions.values())


def _sum(one: HoldingEntry, other: HoldingEntry) -> HoldingEntry:
    rows = one.source_metadata.get("rows_merged", 1) + 1
    return replace(
        one,
        quantity=one.quantity + other.quantity,
        institution_value=one.institution_value + other.institution_value,
        cost_basis=_both(one.cost_basis, other.cost_basis),
        vested_quantity=_both(one.vested_quantity, other.vested_quantity),
        vested_value=_both(one.vested_value, other.vested_value),
        source_metadata={**one.source_metadata, **other.source_metadata, "rows_merged": rows},
    )


def _both(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    """The sum, unknown where a part is."""
    return None if one is None or other is None else one + other


def _differs(known: Holding, draft: Holding) -> bool:
    return any(getattr(known, name) != getattr(draft, name) for name in _FIELDS)


def _write(rows: Iterable[Holding], now: datetime) -> None:
    stale = list(rows)
    for row in stale:
        row.updated_at = now
    Holding.objects.bulk_create(
        stale,
        batch_size=2000,
        update_conflicts=True,
        unique_fields=["account", "security"],
        update_fields=[*_FIELDS, "updated_at"],
    )

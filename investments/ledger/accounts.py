"""Accounts as their source describes them, and how they end."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import pgtrigger
from django.db import connection
from django.utils import timezone

from investments.core import precision
from investments.entries import AccountEntry, Finding
from investments.ledger.changes import changed, lock_accounts, together
from investments.models import Account, Institution

_FIELDS = tuple(f.name for f in fields(AccountEntry) if f.name != "external_id")
_MONEY_FIELDS = ("balance_current", "balance_available", "balance_limit", "margin_loan_amount", "uninvested_cash")
# A change of these moves the account's value, so its history has to follow.
_VALUE_FIELDS = ("uninvested_cash", "currency")
_TEXT_LIMITS = {f.name: f.max_length for f in Account._meta.concrete_fields if f.name in _FIELDS and f.max_length}


@dataclass(frozen=True, slots=True)
class AccountsWritten:
    """The accounts by the source's own ids, and how many rows were truly inserted or changed."""

    by_external_id: Mapping[str, Account]
    inserted: int
    changed: int
    findings: tuple[Finding, ...] = ()


def upsert_accounts(
    *, owner_id: int, institution: Institution, source: str, entries: Iterable[AccountEntry]
) -> AccountsWritten:
    """The owner's accounts brought to what the source says; unchanged ones are not touched."""
    findings: list[Finding] = []
    told = {entry.external_id: entry for entry in entries}
    owned = Account.objects.filter(owner_id=owner_id, source=source, external_id__in=told)
    with together():
        known = {row.external_id: row for row in owned.select_for_update().order_by("pk")}
        values = {key: _values(told[key], known.get(key), findings) for key in sorted(told)}
        stale = {key: row for key, row in values.items() if key not in known or _differs(known[key], row)}
        moved = [known[key].pk for key, row in stale.items() if key in known and _moves_value(known[key], row)]
        Account.objects.bulk_create(
            [_account(owner_id, institution, source, key, row) for key, row in stale.items()],
            update_conflicts=True,
            unique_fields=["owner", "source", "external_id"],
            update_fields=_FIELDS,
        )
        written = {row.external_id: row for row in owned.select_related("institution")}
        new = [written[key].pk for key in stale if key not in known]
        changed([*moved, *new])
    return AccountsWritten(written, inserted=len(new), changed=len(stale) - len(new), findings=tuple(findings))


def _account(owner_id: int, institution: Institution, source: str, key: str, values: dict[str, Any]) -> Account:
    return Account(owner_id=owner_id, institution=institution, source=source, external_id=key, **values)


def _values(entry: AccountEntry, known: Account | None, findings: list[Finding]) -> dict[str, Any]:
    values = {name: _fitting(name, value) for name, value in asdict(entry).items() if name != "external_id"}
    for name in _MONEY_FIELDS:
        try:
            values[name] = None if values[name] is None else precision.money(values[name])
        except precision.DoesNotFit as problem:
            findings.append(Finding("ignored", str(problem), row=f"account {entry.external_id}", field=name))
            values[name] = None
    if values["uninvested_cash"] is None:
        values["uninvested_cash"] = known.uninvested_cash if known else 0
        values["cash_source"] = known.cash_source if known else Account.CashSource.NONE
    return values


def _fitting(name: str, value: Any) -> Any:
    return value[: _TEXT_LIMITS[name]] if isinstance(value, str) else value


def _differs(known: Account, values: dict[str, Any]) -> bool:
    return any(getattr(known, name) != value for name, value in values.items())


def _moves_value(known: Account, values: dict[str, Any]) -> bool:
    return any(getattr(known, name) != values[name] for name in _VALUE_FIELDS)


def adopt_accounts(*, external_ids: Mapping[int, str]) -> None:
    """Give accounts the ids under which a new link of the same login names them: {account id: external id}."""
    for account_id, external_id in sorted(external_ids.items()):
        Account.objects.filter(pk=account_id).update(external_id=external_id)


def rename_account(*, account: Account, name: str) -> int:
    """What its owner calls an account that they keep by hand. Returns 1, or 0 where it had that name."""
    return Account.objects.filter(pk=account.pk).exclude(name=name).update(name=name)


def prefer_income(*, account_ids: Collection[int], preference: str) -> int:
    """Note whether these accounts' dividends are meant to be paid out or reinvested. Returns how many changed.

    What it is meant for changes no value, so histories have nothing to follow.
    """
    changing = Account.objects.filter(pk__in=account_ids).exclude(income_preference=preference)
    return changing.update(income_preference=preference)


def choose_lot_method(*, account_ids: Collection[int], method: str) -> int:
    """Which lots sales of these accounts close; lots follow. Returns how many accounts changed."""
    with together():
        changing = list(
            Account.objects.filter(pk__in=account_ids)
            .exclude(lot_method=method)
            .order_by("pk")
            .values_list("pk", flat=True)
        )
        Account.objects.filter(pk__in=changing).update(lot_method=method)
        changed(changing)
    return len(changing)


def close_accounts(*, account_ids: Collection[int]) -> int:
    """Close accounts and keep what is in them. Returns how many were open."""
    with together():
        was_open = list(Account.objects.filter(pk__in=account_ids).open().order_by("pk").values_list("pk", flat=True))
        Account.objects.filter(pk__in=was_open).update(
            closed_at=timezone.now(), sync_state=Account.SyncState.DISCONNECTED
        )
        changed(was_open)
    return len(was_open)


def reopen_accounts(*, account_ids: Collection[int]) -> int:
    """Open accounts that were closed; what was in them counts again. Returns how many were closed."""
    with together():
        was_closed = list(
            Account.objects.filter(pk__in=account_ids)
            .exclude(closed_at=None)
            .order_by("pk")
            .values_list("pk", flat=True)
        )
        Account.objects.filter(pk__in=was_closed).update(closed_at=None)
        changed(was_closed)
    return len(was_closed)


# A pick of another account may name a lot that came from one of these.
PICKS_OF = """
DELETE FROM investments_lotpick p USING investments_transaction t
WHERE t.id IN (p.sale_id, p.opened_by_id) AND t.account_id = ANY(%s)
"""


def erase_accounts(*, account_ids: Collection[int]) -> int:
    """Delete accounts with all that is in them, transactions and history too. Returns how many there were.

    Only for a worker: it is the one exception to the append-only ledger, and the web role has no right to DELETE there.
    """
    ids = sorted(account_ids)
    with pgtrigger.ignore("investments.Transaction:ledger_is_append_only"), together(), connection.cursor() as cursor:
        lock_accounts(ids)  # lots that are being written just now are there when this goes on, and go too
        cursor.execute(PICKS_OF, [ids])  # positional: pgtrigger puts a parameter of its own before it
        # In one statement: the ORM would load every version only to find that versions protect each other.
        cursor.execute("DELETE FROM investments_transaction WHERE account_id = ANY(%s)", [ids])
        # No foreign key leads from there to the account.
        cursor.execute("DELETE FROM history_accountday WHERE account_id = ANY(%s)", [ids])
        _total, per_model = Account.objects.filter(pk__in=ids).delete()
    return per_model.get("investments.Account", 0)

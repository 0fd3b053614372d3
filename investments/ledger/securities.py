"""Institutions and securities: global rows, the same for every owner."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from decimal import Decimal
from typing import Any

from django.db.models import Value
from django.db.models.functions import Replace

from investments.core import precision
from investments.entries import Finding, InstitutionEntry, SecurityEntry
from investments.ledger.changes import changed, together
from investments.ledger.currencies import whole_security
from investments.ledger.identity import known_as
from investments.models import Holding, Institution, Security, Transaction
from investments.signals import securities_restated

_SECURITY_FIELDS = tuple(f.name for f in fields(SecurityEntry) if f.name != "external_id")
_TEXT_LIMITS = {
    f.name: f.max_length for f in Security._meta.concrete_fields if f.name in _SECURITY_FIELDS and f.max_length
}


@dataclass(frozen=True, slots=True)
class SecuritiesWritten:
    """The source's securities by its own ids, and how many rows were truly inserted or changed."""

    by_external_id: Mapping[str, Security]
    inserted: int
    changed: int
    findings: tuple[Finding, ...] = ()


def upsert_institution(*, entry: InstitutionEntry) -> Institution:
    """The institution under its external id, created or brought up to date."""
    values = {"name": entry.name[:200], "url": entry.url[:200], "primary_color": entry.primary_color[:7]}
    institution, created = Institution.objects.get_or_create(external_id=entry.external_id[:64], defaults=values)
    stale = {name: value for name, value in values.items() if value and getattr(institution, name) != value}
    if stale and not created:
        Institution.objects.filter(pk=institution.pk).update(**stale)
        institution.refresh_from_db()
    return institution


def upsert_securities(*, source: str, entries: Iterable[SecurityEntry]) -> SecuritiesWritten:
    """Securities brought to what the source says of them; unchanged ones are not touched.

    A new id of a security already known becomes another id of that one: `by_external_id` names the same row for both,
    so that holdings and transactions go on. Written in the order of their ids: these rows are shared by all owners,
    and two syncs that lock them in different orders would deadlock.
    """
    findings: list[Finding] = []
    told = {entry.external_id: whole_security(entry) for entry in entries}
    with together():
        known = _by_external_id(source, told)
        same = known_as(source, [entry for key, entry in told.items() if key not in known])
        wanted = _one_each(told, known, same)
        known |= _by_external_id(source, wanted.keys() - known.keys()) if wanted.keys() - told.keys() else {}
        drafts = [_security(source, wanted[key], known.get(key), findings) for key in sorted(wanted)]
        stale = [row for row in drafts if row is not None]
        new = sum(row.external_id not in known for row in stale)
        if stale:
            _write(stale, _SECURITY_FIELDS)
            _tell_restated(known[row.external_id] for row in stale if _is_restated(row, known.get(row.external_id)))
            known = _by_external_id(source, [*told, *wanted])
        later = _later_ids(source, told, known, same, findings)
    found = {key: known[key].same_as or known[key] for key in told if key in known} | later
    return SecuritiesWritten(found, new + len(later), len(stale) - new, tuple(findings))


def _one_each(
    told: Mapping[str, SecurityEntry], known: Mapping[str, Security], same: Mapping[str, Security | str]
) -> dict[str, SecurityEntry]:
    """The entries by the id under which each security is kept: news told under a later id alone are of the first."""
    wanted = {key: entry for key, entry in told.items() if key not in same and not _is_later(known.get(key))}
    for key in sorted(told.keys() - wanted.keys()):
        first = same[key] if key in same else known[key].same_as
        kept = first.external_id if isinstance(first, Security) else str(first)
        proxy = told[key].proxy_external_id
        entry = replace(told[key], external_id=kept, proxy_external_id="" if proxy == kept else proxy)
        wanted.setdefault(kept, entry)
    return wanted


def _is_later(row: Security | None) -> bool:
    return row is not None and row.same_as_id is not None


def _later_ids(
    source: str,
    told: Mapping[str, SecurityEntry],
    known: Mapping[str, Security],
    same: Mapping[str, Security | str],
    findings: list[Finding],
) -> dict[str, Security]:
    """Rows that remember under which security each of the new ids goes on."""
    ids = {key: first.external_id if isinstance(first, Security) else first for key, first in same.items()}
    firsts = {key: known[kept] for key, kept in ids.items()}
    rows = []
    for key, first in sorted(firsts.items()):
        row = _security(source, told[key], None, [])
        if row is not None:
            row.same_as = first
            rows.append(row)
        message = f"Told under a new id: goes on as {first} ({first.external_id})"
        findings.append(Finding("repaired", message, row=f"security {key}", field="security_id"))
    if rows:
        _write(rows, (*_SECURITY_FIELDS, "same_as"))
    return firsts


def _is_restated(row: Security, before: Security | None) -> bool:
    return before is not None and _terms(row) != _terms(before)


def _terms(row: Security) -> tuple[object, ...]:
    """What decides about the worth of a unit at a price."""
    return row.multiplier, row.currency, row.is_cash, row.is_cash_equivalent


def _tell_restated(securities: Iterable[Security]) -> None:
    ids = sorted(security.pk for security in securities)
    if ids:
        securities_restated.send(sender=Security, security_ids=ids)


def _write(rows: Iterable[Security], names: Iterable[str]) -> None:
    Security.objects.bulk_create(
        rows,
        batch_size=2000,
        update_conflicts=True,
        unique_fields=["source", "external_id"],
        update_fields=names,
    )


def _by_external_id(source: str, external_ids: Iterable[str]) -> dict[str, Security]:
    rows = Security.objects.filter(source=source, external_id__in=list(external_ids)).select_related("same_as")
    return {row.external_id: row for row in rows}


def _security(source: str, entry: SecurityEntry, known: Security | None, findings: list[Finding]) -> Security | None:
    """The row to write, or None where nothing changed or the entry cannot be stored."""
    values = {name: _fitting(name, value) for name, value in asdict(entry).items() if name != "external_id"}
    for name in ("close_price", "option_strike_price", "contract_size"):
        try:
            values[name] = None if values[name] is None else precision.quantity(values[name])
        except precision.DoesNotFit as problem:
            findings.append(Finding("ignored", str(problem), row=f"security {entry.external_id}", field=name))
            values[name] = None
    if known is not None:
        values["fixed_income"] = _kept_terms(known.fixed_income, values["fixed_income"])
        values["contract_size"] = known.contract_size or values["contract_size"]
        if all(getattr(known, name) == value for name, value in values.items()):
            return None
    return Security(source=source, external_id=entry.external_id, **values)


def _fitting(name: str, value: Any) -> Any:
    return value[: _TEXT_LIMITS[name]] if isinstance(value, str) else value


def _kept_terms(before: dict[str, Any] | None, told: dict[str, Any] | None) -> dict[str, Any] | None:
    """A bond's terms as told now; how it is quoted was learnt from a holding and outlives answers without one."""
    if before and "quoted_per_100" in before:
        return {"quoted_per_100": before["quoted_per_100"], **(told or {})}
    return told


def options_named(ticker: str) -> list[Security]:
    """The options of that symbol, under every source's id, blanks in it or not."""
    named = Security.objects.annotate(symbol=Replace("ticker_symbol", Value(" "))).exclude(option_contract_type="")
    return list(named.filter(type="derivative", symbol__iexact=ticker.replace(" ", "")).order_by("pk"))


def set_contract_size(*, securities: Collection[Security], size: Decimal) -> set[int]:
    """How many units one contract of these options is for, as an operator says; returns the accounts that follow.

    A contract keeps its size: one that is adjusted gets a symbol of its own. What sources tell later changes nothing.
    """
    ids = [security.pk for security in securities]
    with together():
        Security.objects.filter(pk__in=ids).update(contract_size=size)
        _tell_restated(securities)
        holders = Holding.objects.filter(security__in=ids).values_list("account", flat=True)
        movers = Transaction.objects.filter(security__in=ids).values_list("account", flat=True)
        accounts = {*holders, *movers}
        changed(accounts)
    return accounts

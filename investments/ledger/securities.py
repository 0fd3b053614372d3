"""Institutions and securities: global rows, the same for every owner."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from investments.core import precision
from investments.entries import Finding, InstitutionEntry, SecurityEntry
from investments.ledger.changes import together
from investments.models import Institution, Security

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

    Written in the order of their ids: these rows are shared by all owners, and two syncs that lock them in different
    orders would deadlock.
    """
    findings: list[Finding] = []
    told = {entry.external_id: entry for entry in entries}
    with together():
        known = _by_external_id(source, told)
        drafts = [_security(source, told[key], known.get(key), findings) for key in sorted(told)]
        stale = [row for row in drafts if row is not None]
        new = sum(row.external_id not in known for row in stale)
        if stale:
            Security.objects.bulk_create(
                stale,
                batch_size=2000,
                update_conflicts=True,
                unique_fields=["source", "external_id"],
                update_fields=_SECURITY_FIELDS,
            )
            known = _by_external_id(source, told)
    return SecuritiesWritten(known, inserted=new, changed=len(stale) - new, findings=tuple(findings))


def _by_external_id(source: str, external_ids: Iterable[str]) -> dict[str, Security]:
    rows = Security.objects.filter(source=source, external_id__in=list(external_ids))
    return {row.external_id: row for row in rows}


def _security(source: str, entry: SecurityEntry, known: Security | None, findings: list[Finding]) -> Security | None:
    """The row to write, or None where nothing changed or the entry cannot be stored."""
    values = {name: _fitting(name, value) for name, value in asdict(entry).items() if name != "external_id"}
    for name in ("close_price", "option_strike_price"):
        try:
            values[name] = None if values[name] is None else precision.quantity(values[name])
        except precision.DoesNotFit as problem:
            findings.append(Finding("ignored", str(problem), row=f"security {entry.external_id}", field=name))
            values[name] = None
    if known is not None:
        values["fixed_income"] = _kept_terms(known.fixed_income, values["fixed_income"])
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

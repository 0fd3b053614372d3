"""What companies do to every holder of a security: splits and the like, found by providers or entered by operators."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from investments.core import precision
from investments.entries import CorporateActionEntry
from investments.ledger.changes import changed, together
from investments.models import CorporateAction, Holding, Transaction

OPERATOR = "operator"
_VALUES = ("ratio", "cash_per_unit", "pay_date")


@dataclass(frozen=True, slots=True)
class ActionsWritten:
    """Rows truly inserted or changed."""

    inserted: int
    changed: int


def record_corporate_actions(
    *, security_ids: Collection[int], actions: Iterable[CorporateActionEntry], source: str
) -> ActionsWritten:
    """The same actions for each of these securities. What an operator entered is never overwritten by a provider.

    Accounts that hold or ever traded a security concerned have their `ledger_version` raised; run as the worker or as
    an operator, or other owners' accounts are not seen.
    """
    wanted = {(security, entry.kind, entry.ex_date): entry for entry in actions for security in security_ids}
    with together():
        known = {
            (row.security_id, row.kind, row.ex_date): row
            for row in CorporateAction.objects.filter(security__in=security_ids).select_for_update().order_by("pk")
        }
        drafts = [_action(key, entry, source) for key, entry in sorted(wanted.items(), key=lambda item: item[0])]
        stale = [row for row in drafts if _action_differs(known.get((row.security_id, row.kind, row.ex_date)), row)]
        new = sum((row.security_id, row.kind, row.ex_date) not in known for row in stale)
        CorporateAction.objects.bulk_create(
            stale,
            update_conflicts=True,
            unique_fields=["security", "kind", "ex_date"],
            update_fields=[*_VALUES, "source"],
        )
        changed(_concerned_accounts({row.security_id for row in stale}))
    return ActionsWritten(inserted=new, changed=len(stale) - new)


def _action(key: tuple[int, str, Any], entry: CorporateActionEntry, source: str) -> CorporateAction:
    security_id, kind, ex_date = key
    return CorporateAction(
        security_id=security_id,
        kind=kind,
        ex_date=ex_date,
        ratio=None if entry.ratio is None else precision.quantity(entry.ratio),
        cash_per_unit=None if entry.cash_per_unit is None else precision.quantity(entry.cash_per_unit),
        pay_date=entry.pay_date,
        source=source,
    )


def _action_differs(known: CorporateAction | None, draft: CorporateAction) -> bool:
    if known is None:
        return True
    if known.source == OPERATOR and draft.source != OPERATOR:
        return False
    return any(getattr(known, name) != getattr(draft, name) for name in _VALUES)


def _concerned_accounts(security_ids: Collection[int]) -> set[int]:
    if not security_ids:
        return set()
    held = Holding.objects.filter(security__in=security_ids).values_list("account_id", flat=True)
    traded = Transaction.objects.filter(security__in=security_ids).values_list("account_id", flat=True)
    return {*held.distinct().order_by(), *traded.distinct().order_by()}

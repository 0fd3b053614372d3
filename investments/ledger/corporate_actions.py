"""What companies do to every holder of a security: splits and the like, found by providers or entered by operators."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from django.utils import timezone

from investments.core import precision
from investments.entries import CorporateActionEntry
from investments.ledger.changes import changed, together
from investments.models import Account, CorporateAction, Holding, Transaction
from portfolio_site.lib.sessions import NEW_YORK

OPERATOR = "operator"
MADE_UP_FOR: Final = timedelta(days=7)
_VALUES = ("ratio", "cash_per_unit", "pay_date", "successor_id", "basis_fraction", "unit_value", "voided_at")
# Cash comes by the brokerage's own transactions: what was declared changes no units, basis or value.
_CASH = frozenset({CorporateAction.Kind.CASH_DIVIDEND, CorporateAction.Kind.SPECIAL_DIVIDEND})


@dataclass(frozen=True, slots=True)
class ActionsWritten:
    """Rows truly inserted or changed."""

    inserted: int
    changed: int


def record_corporate_actions(
    *, security_ids: Collection[int], actions: Iterable[CorporateActionEntry], source: str
) -> ActionsWritten:
    """The same actions for each of these securities. What an operator entered is never overwritten by a provider.

    Accounts that hold or ever traded a security concerned have their `ledger_version` raised, unless all that is new
    is cash declared; run as the worker or as an operator, or other owners' accounts are not seen.
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
            update_fields=[*(name.removesuffix("_id") for name in _VALUES), "source"],
        )
        changed(_concerned_accounts({row.security_id for row in stale if row.kind not in _CASH}))
    return ActionsWritten(inserted=new, changed=len(stale) - new)


def begin_corporate_actions(*, today: date) -> int:
    """Let what was announced happen on its ex-date; returns the accounts whose `ledger_version` was raised.

    Those are accounts whose lots were last computed before the day began. Safe to run twice; a week of missed runs is
    made up for. Run as the worker.
    """
    due = CorporateAction.objects.filter(voided_at=None, ex_date__range=(today - MADE_UP_FOR, today))
    actions: dict[date, set[int]] = defaultdict(set)
    for day, security in due.exclude(kind__in=_CASH).values_list("ex_date", "security_id"):
        actions[day].add(security)
    begun: set[int] = set()
    with together():
        for day, securities in actions.items():
            midnight = datetime.combine(day, time(), NEW_YORK)
            before = Account.objects.filter(owner__lots_state__computed_at__lt=midnight, owner__lots_state__error="")
            begun.update(before.filter(pk__in=_concerned_accounts(securities)).values_list("pk", flat=True))
        changed(begun)
    return len(begun)


def _action(key: tuple[int, str, Any], entry: CorporateActionEntry, source: str) -> CorporateAction:
    security_id, kind, ex_date = key
    return CorporateAction(
        security_id=security_id,
        kind=kind,
        ex_date=ex_date,
        ratio=None if entry.ratio is None else precision.quantity(entry.ratio),
        cash_per_unit=None if entry.cash_per_unit is None else precision.quantity(entry.cash_per_unit),
        pay_date=entry.pay_date,
        successor_id=entry.successor_id,
        basis_fraction=entry.basis_fraction,
        unit_value=None if entry.unit_value is None else precision.quantity(entry.unit_value),
        voided_at=timezone.now() if entry.voided else None,
        source=source,
    )


def _action_differs(known: CorporateAction | None, draft: CorporateAction) -> bool:
    if known is None:
        return True
    if known.source == OPERATOR and draft.source != OPERATOR:
        return False
    if known.voided_at and draft.voided_at:
        return False
    return any(getattr(known, name) != getattr(draft, name) for name in _VALUES)


def _concerned_accounts(security_ids: Collection[int]) -> set[int]:
    if not security_ids:
        return set()
    held = Holding.objects.filter(security__in=security_ids).values_list("account_id", flat=True)
    traded = Transaction.objects.filter(security__in=security_ids).values_list("account_id", flat=True)
    return {*held.distinct().order_by(), *traded.distinct().order_by()}

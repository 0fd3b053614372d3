"""How far the history of a user's accounts has come, as it is told to them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models import Count, Q

from history.models import AccountHistory, Anomaly
from investments.models import Account


@dataclass(frozen=True, slots=True)
class AccountProgress:
    """One account's reconstruction. `progress` 0..1, `quality` 0..1 or None; `behind`: the ledger has moved on."""

    account_id: int
    name: str
    state: str
    progress: float
    behind: bool
    first_day: date | None
    last_day: date | None
    days_done: int
    quality: float | None
    anomalies: int
    unmapped: int
    error: str


def reconstruction_progress(*, user_id: int, account_ids: Sequence[int] | None = None) -> list[AccountProgress]:
    """Every open account of the user (or those named), by id; one query. An account never seen is `waiting`."""
    accounts = Account.objects.filter(owner_id=user_id).open().order_by("pk")
    if account_ids is not None:
        accounts = accounts.filter(pk__in=account_ids)
    unmapped = Q(anomalies__kind=Anomaly.Kind.UNMAPPED)
    rows = accounts.annotate(
        unmapped=Count("anomalies", filter=unmapped), odd=Count("anomalies", filter=~unmapped)
    ).values_list(
        "pk", "name", "ledger_version", "unmapped", "odd", "history__state", "history__progress",
        "history__processed_version", "history__first_day", "history__last_day", "history__quality", "history__error",
    )  # fmt: skip
    return [_told(*row) for row in rows]


def overall_progress(progress: Sequence[AccountProgress]) -> float:
    """0..1 over all accounts; 1 when there is nothing to do."""
    return sum(account.progress for account in progress) / len(progress) if progress else 1.0


def _told(
    account_id: int, name: str, ledger_version: int, unmapped: int, anomalies: int, state: str | None,
    progress: float | None, processed_version: int | None, first_day: date | None, last_day: date | None,
    quality: float | None, error: str | None,
) -> AccountProgress:  # fmt: skip
    days = (last_day - first_day).days + 1 if first_day and last_day else 0
    return AccountProgress(
        account_id=account_id,
        name=name,
        state=state or AccountHistory.State.WAITING,
        progress=progress or 0.0,
        behind=processed_version is None or processed_version < ledger_version,
        first_day=first_day,
        last_day=last_day,
        days_done=days,
        quality=quality,
        anomalies=anomalies,
        unmapped=unmapped,
        error=error or "",
    )

"""What each of Plaid's webhooks asks us to do, and what many about one item ask together."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from plaid_link.sync import REREAD_DAYS

# Cancelled rows may be older than what is read again anyway.
CANCELLED_DAYS = 180
WHOLE_HISTORY_DAYS = 730


@dataclass(frozen=True, slots=True)
class Effect:
    """`reread_days`: sync, from so many days before the last sync; 0: no sync. The rest is about the item's health.

    `announced` and `revoked` are webhook codes; `until` is the time that the announcement names, as Plaid wrote it.
    """

    reread_days: int = 0
    check_health: bool = False
    announced: str = ""
    until: str = ""
    revoked: str = ""

    def __or__(self, later: "Effect") -> "Effect":
        """Both at once; of two announcements the later one."""
        telling = later if later.announced else self
        return Effect(
            reread_days=max(self.reread_days, later.reread_days),
            check_health=self.check_health or later.check_health,
            announced=telling.announced,
            until=telling.until,
            revoked=later.revoked or self.revoked,
        )


EFFECTS: dict[tuple[str, str], Effect] = {
    ("HOLDINGS", "DEFAULT_UPDATE"): Effect(reread_days=REREAD_DAYS),
    ("INVESTMENTS_TRANSACTIONS", "DEFAULT_UPDATE"): Effect(reread_days=REREAD_DAYS),
    ("INVESTMENTS_TRANSACTIONS", "HISTORICAL_UPDATE"): Effect(reread_days=WHOLE_HISTORY_DAYS),
    ("ITEM", "ERROR"): Effect(check_health=True),
    ("ITEM", "LOGIN_REPAIRED"): Effect(check_health=True, reread_days=REREAD_DAYS),
    ("ITEM", "PENDING_EXPIRATION"): Effect(check_health=True, announced="PENDING_EXPIRATION"),
    ("ITEM", "PENDING_DISCONNECT"): Effect(check_health=True, announced="PENDING_DISCONNECT"),
    ("ITEM", "NEW_ACCOUNTS_AVAILABLE"): Effect(check_health=True, announced="NEW_ACCOUNTS_AVAILABLE"),
    ("ITEM", "USER_PERMISSION_REVOKED"): Effect(revoked="USER_PERMISSION_REVOKED"),
    ("ITEM", "USER_ACCOUNT_REVOKED"): Effect(revoked="USER_ACCOUNT_REVOKED"),
    ("ITEM", "WEBHOOK_UPDATE_ACKNOWLEDGED"): Effect(),
}


def effect_of(webhook_type: str, webhook_code: str, payload: dict[str, Any]) -> Effect | None:
    """What one webhook asks for; None for a code that we do not know."""
    effect = EFFECTS.get((webhook_type, webhook_code))
    if effect is None:
        return None
    if webhook_code == "PENDING_EXPIRATION":
        return effect | Effect(announced=webhook_code, until=str(payload.get("consent_expiration_time") or ""))
    if _cancelled(payload):
        return effect | Effect(reread_days=CANCELLED_DAYS)
    return effect


def together(effects: Iterable[Effect]) -> Effect:
    """What all of them, oldest first, ask for."""
    combined = Effect()
    for effect in effects:
        combined = combined | effect
    return combined


def _cancelled(payload: dict[str, Any]) -> bool:
    count = payload.get("cancelled_investments_transactions")
    return isinstance(count, int) and count > 0

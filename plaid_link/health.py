"""What an error of a source means for the item: its state, whether waiting helps, and what the user is told to do."""

import random
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from investments.models import Account
from plaid_link.models import Item, SyncRun

Status = Item.Status


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """`status` None: the item's state stays. `permanent`: trying again without the user changes nothing."""

    status: Item.Status | None
    permanent: bool
    sentence: str


SIGN_IN = Diagnosis(Status.NEEDS_REPAIR, True, "Sign in to this institution again to go on.")
ENDS_SOON = Diagnosis(
    Status.NEEDS_REPAIR, True, "Access to this institution ends soon. Sign in again to keep your accounts up to date."
)
NEW_ACCOUNTS = Diagnosis(
    None, True, "There are new accounts at this institution. Sign in again to choose which of them to share."
)
UNLOCK = Diagnosis(Status.NEEDS_REPAIR, True, "This login is locked: unlock it at the institution, then sign in again.")
CONSENT = Diagnosis(
    Status.NEEDS_REPAIR, True, "Give access to your investments again: sign in and agree to share them."
)
REVOKED = Diagnosis(Status.DISCONNECTED, True, "You withdrew access at the institution. Link it again to go on.")
LINK_AGAIN = Diagnosis(Status.DISCONNECTED, True, "This connection no longer exists. Link the institution again.")
INSTITUTION = Diagnosis(
    Status.INSTITUTION_TROUBLE, False, "The institution does not answer at the moment. It is tried again by itself."
)
NOT_READY = Diagnosis(None, False, "The institution is still preparing the data. It is tried again by itself.")
SLOW_DOWN = Diagnosis(None, False, "Refreshed very often just now. It is tried again by itself in a few minutes.")
BUSY = Diagnosis(None, False, "A sync of this institution is under way. Try again in a minute.")
NO_INVESTMENTS = Diagnosis(
    Status.ERROR, True, "No investment account was found at this login. Link one that holds investments."
)
UNSUPPORTED = Diagnosis(Status.ERROR, True, "This institution does not share investments. Add the account by hand.")
NO_LONGER = Diagnosis(
    Status.ERROR, True, "This institution can no longer be read. What was read stays; keep the account by hand."
)
CHANGED = Diagnosis(None, False, "The accounts at this institution have just changed. They are read again soon.")
GARBAGE = Diagnosis(
    Status.ERROR, False, "The institution's answer could not be read. What was known is kept; it is tried again."
)
SYNC_BROKE = Diagnosis(
    Status.ERROR, False, "Something went wrong on our side. Nothing is lost; it is tried again by itself."
)
OURS = Diagnosis(None, True, "Linking is not set up correctly on our side. Nothing is lost; we are told of it.")
LINK_EXPIRED = Diagnosis(None, True, "This sign-in has expired. Start linking again.")
UNKNOWN = Diagnosis(Status.ERROR, False, "The sync failed. What was known is kept; it is tried again by itself.")

ASKED = "It lists an account that you may have here already. Say which one it is, so that nothing is counted twice."
DOUBTED = (
    "The institution suddenly tells of less than before. What it told last is shown until it has said so twice; "
    "it is asked again by itself."
)

UNREACHABLE_CODE = "UNREACHABLE"
GARBAGE_CODE = "UNREADABLE_ANSWER"
BUSY_CODE = "SYNC_RUNNING"
BROKEN_CODE = "SYNC_BROKE"

FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=15), timedelta(hours=6)

DIAGNOSES: dict[str, Diagnosis] = {
    "ITEM_LOGIN_REQUIRED": SIGN_IN,
    "INVALID_CREDENTIALS": SIGN_IN,
    "PASSWORD_RESET_REQUIRED": SIGN_IN,
    "PENDING_EXPIRATION": ENDS_SOON,
    "PENDING_DISCONNECT": ENDS_SOON,
    "NEW_ACCOUNTS_AVAILABLE": NEW_ACCOUNTS,
    "ITEM_LOCKED": UNLOCK,
    "ACCESS_NOT_GRANTED": CONSENT,
    "ADDITIONAL_CONSENT_REQUIRED": CONSENT,
    "NO_ACCOUNTS": CONSENT,
    "USER_PERMISSION_REVOKED": REVOKED,
    "USER_ACCOUNT_REVOKED": REVOKED,
    "ITEM_NOT_FOUND": LINK_AGAIN,
    "ITEM_CONCURRENTLY_DELETED": LINK_AGAIN,
    "INVALID_ACCESS_TOKEN": LINK_AGAIN,
    "INSTITUTION_DOWN": INSTITUTION,
    "INSTITUTION_NOT_RESPONDING": INSTITUTION,
    "INSTITUTION_NOT_AVAILABLE": INSTITUTION,
    "INTERNAL_SERVER_ERROR": INSTITUTION,
    "PLANNED_MAINTENANCE": INSTITUTION,
    UNREACHABLE_CODE: INSTITUTION,
    "PRODUCT_NOT_READY": NOT_READY,
    "NO_INVESTMENT_ACCOUNTS": NO_INVESTMENTS,
    "NO_INVESTMENT_AUTH_ACCOUNTS": NO_INVESTMENTS,
    "PRODUCTS_NOT_SUPPORTED": UNSUPPORTED,
    "PRODUCT_NOT_ENABLED": UNSUPPORTED,
    "ITEM_NOT_SUPPORTED": UNSUPPORTED,
    "SANDBOX_PRODUCT_NOT_ENABLED": UNSUPPORTED,
    "INSTITUTION_NO_LONGER_SUPPORTED": NO_LONGER,
    "INVALID_ACCOUNT_ID": CHANGED,
    "INVALID_PUBLIC_TOKEN": LINK_EXPIRED,
    "INVALID_LINK_TOKEN": LINK_EXPIRED,
    **dict.fromkeys(
        (
            "INVALID_API_KEYS",
            "INVALID_INSTITUTION",
            "INVALID_PRODUCT",
            "INVALID_WEBHOOK_VERIFICATION_KEY_ID",
            "MISSING_FIELDS",
            "UNKNOWN_FIELDS",
            "INVALID_FIELD",
            "INVALID_BODY",
            "NOT_FOUND",
            "SANDBOX_WEBHOOK_INVALID",
        ),
        OURS,
    ),
    **dict.fromkeys(
        (
            "INVESTMENT_HOLDINGS_GET_LIMIT",
            "INVESTMENT_TRANSACTIONS_LIMIT",
            "ACCOUNTS_LIMIT",
            "BALANCE_LIMIT",
            "ITEM_GET_LIMIT",
            "INSTITUTIONS_GET_BY_ID_LIMIT",
            "INSTITUTION_RATE_LIMIT",
            "RATE_LIMIT",
        ),
        SLOW_DOWN,
    ),
    GARBAGE_CODE: GARBAGE,
    BUSY_CODE: BUSY,
    BROKEN_CODE: SYNC_BROKE,
}


def diagnose(code: str, *, http_status: int = 400) -> Diagnosis:
    """The diagnosis of an error code; an unknown one is judged by its HTTP status."""
    if code in DIAGNOSES:
        return DIAGNOSES[code]
    if http_status == 429:
        return SLOW_DOWN
    return INSTITUTION if http_status >= 500 else UNKNOWN


def advice(item: Item, now: datetime) -> str:
    """What the user should know or do about the connection; empty when all is well."""
    if item.error_message:
        return item.error_message
    if item.consent_ends_soon(now):
        return ENDS_SOON.sentence
    return ASKED if getattr(item, "has_questions", False) else ""


def needs_user(item: Item, now: datetime) -> bool:
    """Whether nothing but the user helps. What is tried again by itself needs nobody."""
    if getattr(item, "has_questions", False):
        return True
    if item.status in (Status.NEEDS_REPAIR, Status.ERROR):
        return item.next_try_at is None
    return item.consent_ends_soon(now)


def report(*, item: Item, code: str, http_status: int = 400, retry_after: float | None = None) -> None:
    """Write what an error means onto the item and its accounts; call within a transaction that may see them.

    A disconnected item stays disconnected: whatever comes late revives nothing.
    """
    diagnosis = diagnose(code, http_status=http_status)
    values: dict[str, Any] = {
        "error_code": code[:60],
        "error_message": diagnosis.sentence,
        "next_try_at": None if diagnosis.permanent else _next_try(item, retry_after),
    }
    if diagnosis.status is not None:
        values["status"] = diagnosis.status
    if diagnosis.status == Status.DISCONNECTED:
        values["access_token_encrypted"] = b""
    written = Item.objects.filter(pk=item.pk).connected().update(**values)
    if written and diagnosis.status is not None:
        Account.objects.filter(linked_account__item=item).update(sync_state=diagnosis.status)


def clear(*, item: Item, synced_at: datetime) -> None:
    """The item answered well at `synced_at`."""
    _answered(item, synced_at)
    accounts = Account.objects.filter(linked_account__item=item).open()
    accounts.update(sync_state=Account.SyncState.OK, synced_at=synced_at)


def doubt(*, item: Item, synced_at: datetime, again_at: datetime, doubted: Collection[str]) -> None:
    """The item answered, but not all of it is believed before it says so again at `again_at`.

    `doubted` are the external ids of accounts that are shown as they were: they are as old as they were, too.
    """
    _answered(item, synced_at, next_try_at=again_at, error_message=DOUBTED)
    accounts = Account.objects.filter(linked_account__item=item).open()
    accounts.update(sync_state=Account.SyncState.OK)
    accounts.exclude(external_id__in=doubted).update(synced_at=synced_at)


def _answered(item: Item, synced_at: datetime, **news: Any) -> None:
    well = {"status": Status.OK, "error_code": "", "error_message": "", "next_try_at": None}
    Item.objects.filter(pk=item.pk).connected().update(**{**well, "last_synced_at": synced_at, **news})


def _next_try(item: Item, retry_after: float | None) -> datetime:
    """After what the source asked for, else twice as long with every failure, with jitter so that items spread."""
    now = timezone.now()
    if retry_after is not None:
        # Never before: whoever is asked to wait and does not is asked to wait longer.
        return now + timedelta(seconds=retry_after) * random.uniform(1.0, 1.25)
    failures = SyncRun.objects.filter(item=item, state=SyncRun.State.FAILED)
    if item.last_synced_at:
        failures = failures.filter(started_at__gt=item.last_synced_at)
    wait = FIRST_WAIT * 2 ** min(max(failures.count() - 1, 0), 12)
    return now + min(wait, LONGEST_WAIT) * random.uniform(0.5, 1.5)

"""Linking a login through Plaid, repairing it, and letting it go."""

import logging
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from investments import ledger
from investments.entries import AccountEntry, InstitutionEntry
from investments.models import Account, Institution, Security
from plaid_link import jobs
from plaid_link.models import Item
from plaid_link.snapshots import link_accounts
from plaid_link.sources.base import SourceError
from plaid_link.sources.plaid import PlaidSource, client
from plaid_link.tokens import open_token, seal_token
from portfolio_site.lib import rls
from portfolio_site.lib.crypto import SealBroken
from portfolio_site.models import Job

logger = logging.getLogger(__name__)

PRODUCTS = ["investments"]
# When the queue has lost the first sync, the sweep finds it after this.
FIRST_SYNC_WITHIN = timedelta(minutes=2)
GONE = frozenset({"ITEM_NOT_FOUND", "INVALID_ACCESS_TOKEN", "USER_PERMISSION_REVOKED", "USER_ACCOUNT_REVOKED"})


class ExchangeIncomplete(Exception):
    """Plaid answered an exchange without an access token or an item id."""

    def __init__(self) -> None:
        super().__init__("Failed to exchange public token")


@dataclass(frozen=True, slots=True)
class Linked:
    """A new item with its accounts stored, and the job that reads two years of it."""

    item: Item
    job: Job


def create_link_token(*, user_id: int, item: Item | None = None) -> str:
    """A token to open Link with; with an item, Link repairs that one (update mode). Raises SourceError."""
    if item is None:
        return client().link_token(user_id=user_id)
    return client().link_token(user_id=user_id, access_token=open_token(item), error_code=item.error_code)


def exchange_public_token(*, user_id: int, public_token: str) -> Linked:
    """Make an item of what the user did in Link, store its accounts, and queue the first sync.

    Accounts that the user linked before (same institution, mask and subtype) go on under the new item, so that nothing
    is doubled. Raises ExchangeIncomplete, SourceError; then nothing is stored and Plaid forgets the item.
    """
    answer = client().exchange(public_token)
    access_token, item_id = answer.get("access_token"), answer.get("item_id")
    if not (isinstance(access_token, str) and access_token and isinstance(item_id, str) and item_id):
        raise ExchangeIncomplete
    source = PlaidSource(client(), access_token)
    try:
        institution, accounts = source.institution(), source.accounts()
        if not accounts:
            raise SourceError("NO_INVESTMENT_ACCOUNTS")
    except SourceError:
        _forget(access_token, item_id)
        raise
    linked, retired = _store(user_id, item_id, access_token, institution, accounts)
    for item in retired:
        remove_item(item=item, erase=False)
    return linked


def _store(
    user_id: int, item_id: str, access_token: str, institution: InstitutionEntry, entries: list[AccountEntry]
) -> tuple[Linked, list[Item]]:
    """The item with its accounts and job, and the items that feed no account any more."""
    with rls.tenant(user_id), ledger.together():
        where = ledger.upsert_institution(entry=institution)
        item = Item.objects.create(
            owner_id=user_id,
            institution=where,
            item_id=item_id,
            access_token_encrypted=seal_token(access_token, item_id=item_id),
            products=PRODUCTS,
            next_try_at=timezone.now() + FIRST_SYNC_WITHIN,
        )
        _adopt(user_id, where, entries)
        written = ledger.upsert_accounts(
            owner_id=user_id, institution=where, source=Security.Source.PLAID, entries=entries
        )
        accounts = written.by_external_id.values()
        link_accounts(item=item, accounts=accounts)
        Account.objects.filter(pk__in=[account.pk for account in accounts]).update(
            sync_state=Account.SyncState.SYNCING, closed_at=None
        )
        retired = Item.objects.filter(owner_id=user_id, institution=where, linked_accounts=None).connected()
        return Linked(item, jobs.queue_link(item=item)), list(retired.exclude(pk=item.pk))


def _adopt(user_id: int, institution: Institution, entries: Iterable[AccountEntry]) -> None:
    """Let accounts that come back under new ids go on, where institution, mask and subtype name exactly one."""
    coming = Counter((entry.mask, entry.subtype) for entry in entries)
    known = Account.objects.filter(owner_id=user_id, institution=institution, source=Security.Source.PLAID)
    by_look: dict[tuple[str, str], list[Account]] = {}
    for account in known.order_by("pk"):
        by_look.setdefault((account.mask, account.subtype), []).append(account)
    adopted = {}
    for entry in entries:
        look = (entry.mask, entry.subtype)
        if entry.mask and coming[look] == 1 and len(by_look.get(look, [])) == 1:
            adopted[by_look[look][0].pk] = entry.external_id
    ledger.adopt_accounts(external_ids=adopted)


def remove_item(*, item: Item, erase: bool) -> None:
    """Disconnect: from now on nothing of the item is written, and Plaid is told to forget it.

    `erase` deletes its accounts with all that is in them (only a worker may); else they stay as they were last known.
    Where Plaid cannot be told now, the token is kept and the sweep tells it later.
    """
    with rls.tenant(item.owner_id):
        Item.objects.select_for_update().get(pk=item.pk)
        Item.objects.filter(pk=item.pk).update(
            status=Item.Status.DISCONNECTED, error_code="", error_message="", next_try_at=None
        )
        fed = Account.objects.filter(linked_account__item=item)
        fed.update(sync_state=Account.SyncState.DISCONNECTED)
        if erase:
            ledger.erase_accounts(account_ids=list(fed.values_list("pk", flat=True)))
    tell_plaid_to_forget(item=item)


def tell_plaid_to_forget(*, item: Item) -> None:
    """Remove a disconnected item at Plaid and drop its token; without accounts left, the item goes too."""
    try:
        if item.access_token_encrypted and not _forget(open_token(item), item.item_id):
            return
    except SealBroken:
        # Kept: the key may come back, and until then this item must not hold up the others of the sweep.
        logger.error("token cannot be opened, still known to Plaid item_id=%s", item.item_id)
        return
    with rls.tenant(item.owner_id):
        disconnected = Item.objects.filter(pk=item.pk, status=Item.Status.DISCONNECTED)
        disconnected.update(access_token_encrypted=b"")
        disconnected.filter(linked_accounts=None).delete()


def _forget(access_token: str, item_id: str) -> bool:
    """Whether Plaid knows the item no more. One that it keeps costs money."""
    try:
        client().remove(access_token)
    except SourceError as error:
        if error.code not in GONE:
            logger.warning("still known to Plaid item_id=%s code=%s", item_id, error.code)
            return False
    return True

"""Linking a login through Plaid, repairing it, and letting it go."""

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Exists, OuterRef
from django.utils import timezone

from investments import ledger
from investments.entries import AccountEntry, InstitutionEntry
from investments.models import Account, Security
from plaid_link import jobs, placing, runs
from plaid_link.models import Item, UnplacedAccount
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


class NotACandidate(ValueError):
    """The account named is none of those that were offered."""

    def __init__(self) -> None:
        super().__init__("Choose one of the accounts that are offered, or none for a new one")


@dataclass(frozen=True, slots=True)
class Linked:
    """A new item with its accounts stored, and the job that reads two years of it."""

    item: Item
    job: Job


def create_link_token(*, user_id: int, item: Item | None = None, add_accounts: bool = False) -> str:
    """A token to open Link with; with an item, Link repairs that one (update mode). Raises SourceError.

    `add_accounts`: Link asks anew which of the item's accounts are shared.
    """
    if item is None:
        return client().link_token(user_id=user_id)
    return client().link_token(
        user_id=user_id, access_token=open_token(item), error_code=item.error_code, choose_accounts=add_accounts
    )


def exchange_public_token(*, user_id: int, public_token: str) -> Linked:
    """Make an item of what the user did in Link, store its accounts, and queue the first sync.

    Accounts that the user linked before (same institution, mask and subtype) go on under the new item, so that nothing
    is doubled; of those that may be such, nothing is written until the user has said. Raises ExchangeIncomplete,
    SourceError; then nothing is stored and Plaid forgets the item.
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
        remove_item(item=item)
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
        waiting = placing.place(item=item, entries=entries, linking=True)
        written = ledger.upsert_accounts(
            owner_id=user_id,
            institution=where,
            source=Security.Source.PLAID,
            entries=[entry for entry in entries if entry.external_id not in waiting],
        )
        accounts = written.by_external_id.values()
        placing.link_accounts(item=item, accounts=accounts)
        Account.objects.filter(pk__in=[account.pk for account in accounts]).update(
            sync_state=Account.SyncState.SYNCING, closed_at=None
        )
        return Linked(item, jobs.queue_link(item=item)), _retired(item)


def place_account(*, unplaced: UnplacedAccount, same_as: Account | None) -> Job:
    """Take the user's word for which account it is, None for a new one, and read all of it; nothing is doubled.

    A connection that feeds no account any more is let go. Raises NotACandidate.
    """
    if same_as is not None and same_as.pk not in unplaced.candidates:
        raise NotACandidate
    with rls.tenant(unplaced.owner_id):
        item = unplaced.item
        # A sync under way has left the account out. Its run is locked before the item, as the sync itself does.
        runs.ask_for_another(item=item)
        placing.put(unplaced=unplaced, same_as=same_as)
        for left in _retired(item):
            disconnect(item=left, erase=False)
        return jobs.queue_link(item=item)


def _retired(item: Item) -> list[Item]:
    """Other items at the institution that feed no account any more and wait for no answer."""
    others = Item.objects.filter(owner_id=item.owner_id, institution=item.institution_id, linked_accounts=None)
    waiting = UnplacedAccount.objects.waiting().filter(item=OuterRef("pk"))
    return list(others.connected().exclude(pk=item.pk).exclude(Exists(waiting)))


def disconnect(*, item: Item, erase: bool) -> None:
    """From now on nothing is read from the item; its accounts stay as they were last known until it is removed.

    `erase` asks a worker to delete them with all that is in them. Both are rows, so that a lost message loses nothing.
    """
    with rls.tenant(item.owner_id):
        Item.objects.select_for_update().get(pk=item.pk)
        values: dict[str, Any] = {"erase_requested_at": timezone.now()} if erase else {}
        Item.objects.filter(pk=item.pk).update(
            status=Item.Status.DISCONNECTED, error_code="", error_message="", next_try_at=None, **values
        )
        Account.objects.filter(linked_account__item=item).update(sync_state=Account.SyncState.DISCONNECTED)


def remove_item(*, item: Item, erase: bool = False) -> None:
    """Disconnect, erase where that was asked for (only a worker may), and tell Plaid to forget the item.

    Where Plaid cannot be told now, the token is kept and the sweep tells it later.
    """
    disconnect(item=item, erase=erase)
    finish_removal(item=item)


def finish_removal(*, item: Item) -> None:
    """Do what is left to do about a disconnected item; twice does no harm."""
    _erase(item)
    _tell_plaid_to_forget(item)


def _erase(item: Item) -> None:
    with rls.tenant(item.owner_id):
        leaving = Item.objects.select_for_update().leaving().filter(pk=item.pk)
        if leaving.exclude(erase_requested_at=None).exists():
            fed = Account.objects.filter(linked_account__item=item)
            ledger.erase_accounts(account_ids=list(fed.values_list("pk", flat=True)))


def _tell_plaid_to_forget(item: Item) -> None:
    """Remove the item at Plaid and drop its token; without accounts left, the item goes too."""
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

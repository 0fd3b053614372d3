"""Accounts that an item lists under ids we do not know: ones we have from an earlier link, new ones, or who can tell.

Where institution, mask and subtype name exactly one, it goes on under the new id. Where they may mean one that we have,
nothing of the account is written until its user has said which it is: written as new, it would be counted twice.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from investments import ledger
from investments.entries import AccountEntry
from investments.models import Account, Security
from plaid_link.models import Item, LinkedAccount, UnplacedAccount


@dataclass(frozen=True, slots=True)
class Question:
    """Which of these accounts, if any, is the one that is listed?"""

    unplaced: UnplacedAccount
    candidates: tuple[Account, ...]


def questions(item_ids: Collection[int]) -> dict[int, list[Question]]:
    """What the user is asked, by item; one query, and another where there is something to ask."""
    rows = list(UnplacedAccount.objects.waiting().filter(item__in=item_ids))
    named = {pk for row in rows for pk in row.candidates}
    accounts = Account.objects.filter(pk__in=named).order_by("name", "pk") if rows else []
    found: dict[int, list[Question]] = {}
    for row in rows:
        candidates = tuple(account for account in accounts if account.pk in row.candidates)
        found.setdefault(row.item_id, []).append(Question(row, candidates))
    return found


def place(*, item: Item, entries: Collection[AccountEntry], linking: bool = False) -> frozenset[str]:
    """Let accounts that come back under new ids go on; the ids of those that are not to be written, now or at all.

    While `linking`, an account is taken over from another connection: who links a login again means that one. Later it
    is not, for the two would take it from each other for ever. Call within a transaction that holds the item.
    """
    unplaced = {row.external_id: row for row in _rows(item)}
    known = _known(item)
    named = {account.external_id for account in known}
    fresh = [entry for entry in entries if entry.external_id not in named and entry.external_id not in unplaced]
    if fresh:
        listed = {entry.external_id for entry in entries}
        vacant = [account for account in known if account.external_id not in listed]
        adopted = {
            key: one for key, one in _exact(fresh, vacant).items() if linking or not _is_fed_by_another(one, item)
        }
        for external_id, account in adopted.items():
            _feed(item, account, external_id)
        left = [account for account in vacant if account not in adopted.values()]
        unplaced |= _ask(item, [entry for entry in fresh if entry.external_id not in adopted], left)
    return frozenset(unplaced) - _taken_back(item, unplaced.values())


def put(*, unplaced: UnplacedAccount, same_as: Account | None) -> None:
    """The user's answer: it is that account, or with None a new one. Call within a transaction."""
    with ledger.together():
        item = Item.objects.select_for_update(of=("self",)).select_related("institution").get(pk=unplaced.item_id)
        if same_as is None:
            entry = AccountEntry(
                unplaced.external_id,
                name=unplaced.name,
                official_name=unplaced.official_name,
                mask=unplaced.mask,
                type=unplaced.type,
                subtype=unplaced.subtype,
            )
            written = ledger.upsert_accounts(
                owner_id=item.owner_id, institution=item.institution, source=Security.Source.PLAID, entries=[entry]
            )
            link_accounts(item=item, accounts=written.by_external_id.values())
        else:
            _feed(item, same_as, unplaced.external_id)
            ledger.reopen_accounts(account_ids=[same_as.pk])
        unplaced.delete()


def link_accounts(*, item: Item, accounts: Iterable[Account]) -> None:
    """Let the item feed these accounts, whichever fed them before."""
    LinkedAccount.objects.bulk_create(
        [LinkedAccount(owner_id=item.owner_id, item=item, account=account) for account in accounts],
        update_conflicts=True,
        unique_fields=["account"],
        update_fields=["item"],
    )


def _rows(item: Item) -> Iterable[UnplacedAccount]:
    return UnplacedAccount.objects.filter(item=item).select_related("same_as__linked_account__item")


def _known(item: Item) -> list[Account]:
    """The owner's accounts at the institution, without those that the user wants erased."""
    accounts = Account.objects.filter(
        owner_id=item.owner_id, institution=item.institution_id, source=Security.Source.PLAID
    )
    accounts = accounts.filter(linked_account__item__erase_requested_at=None)
    return list(accounts.select_related("linked_account__item").order_by("pk"))


def _exact(fresh: Sequence[AccountEntry], vacant: Sequence[Account]) -> dict[str, Account]:
    """The entries whose mask and subtype are one entry's and one account's only."""
    coming = Counter((entry.mask, entry.subtype) for entry in fresh)
    by_look: dict[tuple[str, str], list[Account]] = {}
    for account in vacant:
        by_look.setdefault((account.mask, account.subtype), []).append(account)
    looks = {entry.external_id: (entry.mask, entry.subtype) for entry in fresh if entry.mask}
    return {
        key: by_look[look][0] for key, look in looks.items() if coming[look] == 1 and len(by_look.get(look, ())) == 1
    }


def _may_be(entry: AccountEntry, account: Account) -> bool:
    if entry.mask and account.mask:
        return entry.mask == account.mask
    return entry.subtype == account.subtype


def _ask(item: Item, entries: Iterable[AccountEntry], accounts: Sequence[Account]) -> dict[str, UnplacedAccount]:
    """A question for each entry that may be one of the accounts."""
    rows = [_question(item, entry, [one.pk for one in accounts if _may_be(entry, one)]) for entry in entries]
    asked = [row for row in rows if row.candidates]
    UnplacedAccount.objects.bulk_create(asked, ignore_conflicts=True)
    return {row.external_id: row for row in asked}


def _question(item: Item, entry: AccountEntry, candidates: list[int]) -> UnplacedAccount:
    return UnplacedAccount(
        owner_id=item.owner_id,
        item=item,
        external_id=entry.external_id,
        name=entry.name[:200],
        official_name=entry.official_name[:300],
        mask=entry.mask[:10],
        type=entry.type[:40],
        subtype=entry.subtype[:60],
        candidates=candidates,
    )


def _feed(item: Item, account: Account, external_id: str) -> None:
    """Let the account go on under this id and item. An item that goes on listing it as before is told to leave it."""
    linked = LinkedAccount.objects.filter(account=account).select_related("item").first()
    if linked is not None and linked.item_id != item.pk and linked.item.status != Item.Status.DISCONNECTED:
        look = {name: getattr(account, name) for name in ("name", "official_name", "mask", "type", "subtype")}
        UnplacedAccount.objects.create(
            owner_id=item.owner_id, item=linked.item, external_id=account.external_id, same_as=account, **look
        )
    ledger.adopt_accounts(external_ids={account.pk: external_id})
    link_accounts(item=item, accounts=[account])


def _taken_back(item: Item, unplaced: Iterable[UnplacedAccount]) -> set[str]:
    """Accounts left to another connection that reads them no more: they go on here."""
    orphans = [row for row in unplaced if row.same_as is not None and not _is_fed_by_another(row.same_as, item)]
    for row in orphans:
        _feed(item, row.same_as, row.external_id)
        row.delete()
    return {row.external_id for row in orphans}


def _is_fed_by_another(account: Account, item: Item) -> bool:
    linked = getattr(account, "linked_account", None)
    return linked is not None and linked.item_id != item.pk and linked.item.status != Item.Status.DISCONNECTED

"""Access tokens at rest: sealed with the keyring, each to its own item."""

from dataclasses import dataclass

from django.db import transaction

from plaid_link.models import Item
from portfolio_site.lib.crypto import SealBroken, keyring

BATCH = 500


def seal_token(access_token: str, *, item_id: str) -> bytes:
    """The token as it is stored; it opens for Plaid's `item_id` only."""
    return keyring().seal(access_token.encode(), context=_context(item_id))


def open_token(item: Item) -> str:
    """The item's access token. Raises SealBroken when it was dropped, or cannot be opened."""
    return keyring().open(bytes(item.access_token_encrypted), context=_context(item.item_id)).decode()


@dataclass(frozen=True, slots=True)
class Rotated:
    """How many tokens were sealed anew, were on the current key already, and cannot be opened (by item id)."""

    sealed_anew: int
    current: int
    broken: tuple[str, ...]


def rotate_tokens() -> Rotated:
    """Seal every token with the current key, a batch per transaction. Safe to stop and to run again."""
    sealed_anew, current = 0, 0
    broken: list[str] = []
    last = 0
    while batch := list(Item.objects.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:BATCH]):
        last = batch[-1]
        done = _rotate_batch(batch, broken)
        sealed_anew, current = sealed_anew + done[0], current + done[1]
    return Rotated(sealed_anew, current, tuple(broken))


@transaction.atomic
def _rotate_batch(ids: list[int], broken: list[str]) -> tuple[int, int]:
    held = Item.objects.select_for_update().filter(pk__in=ids).exclude(access_token_encrypted=b"").order_by("pk")
    stale = [item for item in held if not keyring().is_current(bytes(item.access_token_encrypted))]
    opened = []
    for item in stale:
        try:
            item.access_token_encrypted = seal_token(open_token(item), item_id=item.item_id)
            opened.append(item)
        except SealBroken:
            broken.append(item.item_id)
    Item.objects.bulk_update(opened, ["access_token_encrypted"])
    return len(opened), len(held) - len(stale)


def _context(item_id: str) -> bytes:
    return f"plaid-item:{item_id}".encode()

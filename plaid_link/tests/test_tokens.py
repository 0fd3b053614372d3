import base64
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from plaid_link.models import Item
from plaid_link.tokens import open_token, seal_token
from portfolio_site.lib.crypto import SealBroken

NEW = "new:" + base64.b64encode(b"n" * 32).decode()


def rotate() -> str:
    out = StringIO()
    call_command("rotate_keys", stdout=out)
    return out.getvalue().strip()


def test_a_token_opens_for_its_own_item_only(item: Item) -> None:
    assert open_token(item) == "access-sandbox-secret"
    item.item_id = "item-2"
    with pytest.raises(SealBroken):
        open_token(item)


# The tokens, and who their owner is.
def test_rotation_seals_every_token_with_the_first_key(item: Item, settings: Any) -> None:
    settings.ENCRYPTION_KEYS = f"{NEW},{settings.ENCRYPTION_KEYS}"
    assert rotate() == "2 sealed anew, 0 on the current key already"
    assert rotate() == "0 sealed anew, 2 on the current key already"
    settings.ENCRYPTION_KEYS = NEW
    assert open_token(Item.objects.get()) == "access-sandbox-secret"


def test_rotation_goes_on_over_batches_and_dropped_tokens(item: Item, settings: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("plaid_link.tokens.BATCH", 2)
    for number in range(5):
        sealed = seal_token(f"token-{number}", item_id=f"more-{number}") if number else b""
        Item.objects.create(
            owner=item.owner, institution=item.institution, item_id=f"more-{number}", access_token_encrypted=sealed
        )
    settings.ENCRYPTION_KEYS = f"{NEW},{settings.ENCRYPTION_KEYS}"
    assert rotate() == "6 sealed anew, 0 on the current key already"


def test_a_token_that_no_key_opens_is_named_and_left(item: Item, settings: Any) -> None:
    before = bytes(item.access_token_encrypted)
    settings.ENCRYPTION_KEYS = NEW
    with pytest.raises(CommandError, match="item-1"):
        rotate()
    assert bytes(Item.objects.get().access_token_encrypted) == before

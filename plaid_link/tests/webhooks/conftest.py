import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from investments import ledger
from investments.entries import AccountEntry, InstitutionEntry
from plaid_link.models import Item
from plaid_link.snapshots import link_accounts
from plaid_link.tests.webhooks.stand_in import SigningKey, StandIn
from plaid_link.tokens import seal_token
from plaid_link.webhooks import verify
from plaid_link.webhooks.fetch import fetch_key
from plaid_link.webhooks.keys import VerificationKeys

ITEM_ID = "wz666MBjYWTp2PDzzggYhM6oWWmBb"


@pytest.fixture
def plaid(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    """The stand-in as PLAID_HOST, and a process that knows none of its keys yet."""
    monkeypatch.setattr(verify, "plaid_keys", VerificationKeys(fetch_key))
    stand_in = StandIn()
    settings.PLAID_HOST = stand_in.url
    yield stand_in
    stand_in.stop()


@pytest.fixture
def key(plaid: StandIn) -> SigningKey:
    return plaid.new_key()


@pytest.fixture
def item(owner: Any) -> Item:
    """A connected item with one account, synced never."""
    return make_item(owner)


def make_item(owner: Any, item_id: str = ITEM_ID, account_id: str = "acc", **given: Any) -> Item:
    institution = ledger.upsert_institution(entry=InstitutionEntry("ins_1", "First Platypus"))
    item = Item.objects.create(
        owner=owner,
        institution=institution,
        item_id=item_id,
        access_token_encrypted=seal_token(f"access-sandbox-{item_id}", item_id=item_id),
        **{"status": Item.Status.OK, **given},
    )
    written = ledger.upsert_accounts(
        owner_id=owner.pk, institution=institution, source="plaid", entries=[AccountEntry(account_id, "Brokerage")]
    )
    link_accounts(item=item, accounts=written.by_external_id.values())
    return item


def body_of(webhook_type: str, webhook_code: str, **given: Any) -> bytes:
    """A webhook's raw body, as Plaid's sandbox would send it."""
    payload = {
        "webhook_type": webhook_type,
        "webhook_code": webhook_code,
        "item_id": ITEM_ID,
        "environment": "sandbox",
        "error": None,
        **given,
    }
    return json.dumps(payload).encode()


@pytest.fixture
def send(client: Any, key: SigningKey) -> Callable[..., Any]:
    """`send(body)` posts a webhook as Plaid would, signed; `token=` and headers of one's own for the rest."""

    def post(body: bytes, *, path: str = "/api/webhooks/plaid", token: str | None = None, **headers: str) -> Any:
        signed = key.sign(body) if token is None else token
        headers = {"Plaid-Verification": signed, **headers}
        return client.post(path, data=body, content_type="application/json", headers=headers)

    return post

"""Webhooks while things break: Redis stopped or frozen, a worker killed, keys that rotate."""

import os
import signal
from collections import Counter
from typing import Any

import pytest
from django.db.models import F

from investments import ledger
from investments.entries import InstitutionEntry
from investments.models import Holding, Transaction
from plaid_link import runs
from plaid_link.models import Item, SyncRun, WebhookEvent
from plaid_link.tokens import seal_token
from portfolio_site.demo.waiting import wait_until
from portfolio_site.schedule import ensure_schedule
from tests.faults.product import Product, webhook

pytestmark = [pytest.mark.fault, pytest.mark.slow]

HOLDINGS = ("HOLDINGS", "DEFAULT_UPDATE")
HOLDINGS_PATH = "/investments/holdings/get"


def link(product: Product, owner: Any, *, webhook: str | None = None) -> Item:
    """An item that the local Plaid server knows too; `webhook`: where that sends what it has to tell."""
    access_token, item_id = product.plaid.link(webhook=webhook)
    return Item.objects.create(
        owner=owner,
        institution=ledger.upsert_institution(entry=InstitutionEntry("ins_12", "Fidelity")),
        item_id=item_id,
        access_token_encrypted=seal_token(access_token, item_id=item_id),
        status=Item.Status.OK,
    )


def statuses() -> Counter[str]:
    return Counter(WebhookEvent.objects.values_list("status", flat=True))


def test_redis_stopped_in_a_burst(product: Product, owner: Any) -> None:
    """Every webhook is answered and stored at once, and handled once Redis is back, by nobody's hand."""
    ensure_schedule()
    product.start("web", "worker", "beat")
    item = link(product, owner)
    assert product.send(webhook(item.item_id, *HOLDINGS))[0].status == 200
    product.settle()
    product.stop_redis()
    answers = product.send(*(webhook(item.item_id, *HOLDINGS, number=number) for number in range(100)), at_once=4)
    assert {answer.status for answer in answers} == {200}
    assert sorted(answer.seconds for answer in answers)[90] < 0.5
    assert WebhookEvent.objects.count() == 101
    product.start_redis()
    product.settle()
    assert statuses() == {"done": 101}


def test_redis_frozen(product: Product, owner: Any) -> None:
    product.start("web", "worker")
    item = link(product, owner)
    assert product.send(webhook(item.item_id, *HOLDINGS))[0].status == 200
    pid = int(product.redis.info("server")["process_id"])
    os.kill(pid, signal.SIGSTOP)
    try:
        answers = product.send(*(webhook(item.item_id, *HOLDINGS, number=number) for number in range(20)))
    finally:
        os.kill(pid, signal.SIGCONT)
    assert {answer.status for answer in answers} == {200}
    assert sorted(answer.seconds for answer in answers)[10] < 0.5
    assert WebhookEvent.objects.count() == 21


def test_worker_killed_in_mid_sync(product: Product, owner: Any) -> None:
    """What it had claimed is taken over by the next one, and written once.

    A sync without a sign of life is given up after 90 seconds; here they pass at once.
    """
    ensure_schedule()
    product.start("web", "worker", "beat")
    item = link(product, owner)
    product.plaid.fail("/investments/transactions/get", kind="delay", seconds=30)
    product.send(webhook(item.item_id, *HOLDINGS))
    assert wait_until(lambda: product.plaid.requests(HOLDINGS_PATH) == 1, seconds=60)
    product.kill("worker")
    assert statuses() == {"processing": 1}
    SyncRun.objects.update(alive_at=F("alive_at") - runs.LEASE)
    product.start("worker")
    product.settle()
    assert statuses() == {"done": 1}
    rows = Transaction.objects.current()
    assert rows.count() == rows.values("account", "external_id").distinct().count() > 0
    assert Holding.objects.filter(removed_at=None).exists()


def test_signed_by_the_local_server_whose_key_rotates(product: Product, owner: Any) -> None:
    product.start("web", "worker")
    item = link(product, owner, webhook=f"{product.url}/api/webhooks/plaid")
    fire = {"item_id": item.item_id, "webhook_type": "HOLDINGS", "webhook_code": "DEFAULT_UPDATE"}
    for number in range(1, 4):
        product.plaid.control("webhook", **fire, number=number)
        product.plaid.wait_for(lambda seen: all(delivery["delivered"] for delivery in seen["webhooks"]))
        product.plaid.control("keys/rotate")
    assert WebhookEvent.objects.filter(payload__has_key="number").count() == 3

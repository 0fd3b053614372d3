"""The deployment that a package of fault tests shares, and what must hold after each of them.

L: every acknowledged event is done or a dead letter, every job and sync has ended. X: nothing of the canary, who is
another tenant, has changed or appears anywhere else, and no log holds an access token. D and S are the tests' own.
"""

import json
import os
import random
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from portfolio_site.demo.scratch import EMPTY, scratch_database
from portfolio_site.demo.waiting import wait_until
from tests.faults.deployment import Deployment
from tests.faults.people import Person, newcomer
from tests.faults.posting import make_key_known

CANARY = f"canary{secrets.token_hex(4)}"
CANARY_ACCOUNT = {
    "type": "investment",
    "subtype": "brokerage",
    "meta": {"name": f"Purse of {CANARY}", "mask": "7777"},
    "starting_balance": 70777.77,
    "holdings": [
        {
            "institution_price": 100.25,
            "institution_price_as_of": "2026-11-20",
            "cost_basis": 7000,
            "quantity": 77.5,
            "currency": "USD",
            "security": {"ticker_symbol": "CNRYX", "name": f"Mine of {CANARY}", "currency": "USD"},
        }
    ],
    "investment_transactions": [
        {"date": "2026-03-02", "name": f"Deposit of {CANARY}", "type": "cash", "quantity": 0, "price": 0, "fees": 0,
         "currency": "USD", "amount": -7777.77},
    ],
}  # fmt: skip
UNFINISHED = """
SELECT 'webhook ' || webhook_code || ' ' || status AS what FROM plaid_link_webhookevent
WHERE status IN ('received', 'processing')
UNION ALL SELECT 'job ' || kind || ' ' || state FROM portfolio_site_job WHERE state IN ('queued', 'running')
UNION ALL SELECT 'sync ' || trigger FROM plaid_link_syncrun WHERE state = 'running'
UNION ALL SELECT 'history ' || state FROM history_accounthistory WHERE state IN ('waiting', 'running')
UNION ALL SELECT 'history behind' FROM history_accounthistory h JOIN investments_account a ON a.id = h.account_id
WHERE h.processed_version < a.ledger_version
UNION ALL SELECT 'erasing' FROM plaid_link_item WHERE status = 'disconnected' AND access_token_encrypted <> ''
"""
FOREIGN = """
SELECT count(*) FROM investments_account a JOIN (
    SELECT account_id, owner_id FROM investments_holding UNION ALL
    SELECT account_id, owner_id FROM investments_transaction UNION ALL
    SELECT account_id, owner_id FROM history_accountday UNION ALL
    SELECT account_id, owner_id FROM plaid_link_linkedaccount
) r ON r.account_id = a.id WHERE r.owner_id <> a.owner_id
"""
PATIENCE, STEP = 90.0, 5.0


@contextmanager
def deployed(name: str, database_url: str, *, template: str = EMPTY) -> Iterator[Deployment]:
    """Everything up and running, with a canary in it; gone afterwards. An empty URL: with a PostgreSQL of its own."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    with scratch_database(database_url, template=template) as url:
        deployment = Deployment(var=Path(settings.VAR_DIR) / f"{name}-{worker}", database_url=url)
        deployment.erase()
        try:
            deployment.start()
            yield deployment
        finally:
            deployment.stop()
            deployment.erase()


@pytest.fixture(scope="package")
def deployment(template_database: str) -> Iterator[Deployment]:
    with deployed("faults", settings.DATABASE_URL, template=template_database) as deployment:
        yield deployment


@pytest.fixture(scope="package")
def canary(deployment: Deployment) -> Person:
    """Another tenant, who does nothing."""
    return hatched(deployment)


def hatched(deployment: Deployment) -> Person:
    canary = newcomer(deployment, CANARY).link(custom={"override_accounts": [CANARY_ACCOUNT]})
    settle(deployment)
    return canary


@pytest.fixture
def site(deployment: Deployment, canary: Person) -> Iterator[Deployment]:
    """The deployment without faults; when the test is over, L and X must hold."""
    with watched(deployment, canary):
        yield deployment


@contextmanager
def watched(deployment: Deployment, canary: Person) -> Iterator[None]:
    deployment.plaid.control("reset")
    make_key_known(deployment)
    before = canary.books()
    deployment.people.clear()
    yield
    deployment.plaid.control("reset")
    # On a busy machine Plaid may be given up on where no fault was asked for; the canary says so until its next sync.
    settle(deployment, well=canary)
    assert deployment.broken_parts() == []
    books = canary.books()
    assert not {table: (before[table], books[table]) for table in books if books[table] != before[table]}, "canary"
    assert deployment.value(FOREIGN) == 0
    for person in deployment.people[:1]:
        assert not [text for text in person.everything_shown() if CANARY in text]
    assert leaked_tokens(deployment) == []


def settle(deployment: Deployment, *, well: Person | None = None) -> None:
    """Wait until nothing is left to do. The clocks go faster meanwhile, so that no backoff is sat out."""

    def is_settled() -> bool:
        return not deployment.rows(UNFINISHED) and deployment.is_idle() and (not well or well.item()["status"] == "ok")

    deadline = time.monotonic() + PATIENCE
    while not wait_until(is_settled, seconds=STEP):
        assert time.monotonic() < deadline, f"never done: {deployment.rows(UNFINISHED)} {well and well.item()}"
        deployment.pass_time(2 * STEP)


def leaked_tokens(deployment: Deployment) -> list[str]:
    """Logs that an access token is found in."""
    items = json.loads((deployment.var / "plaid-sandbox.json").read_text())["items"]
    tokens = [item["access_token"] for item in items if item["access_token"]]
    logs = {name: deployment.log(name) for name in ("web", "worker", "beat")}
    return [name for name, text in logs.items() if any(token in text for token in tokens)]


@pytest.fixture
def dice(request: Any) -> random.Random:
    """Chance that can be had again: `FAULT_SEED=<seed>`."""
    seed = os.environ.get("FAULT_SEED") or secrets.token_hex(4)
    print(f"{request.node.name}: FAULT_SEED={seed}")  # noqa: T201
    return random.Random(seed)

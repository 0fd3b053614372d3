"""Webhooks as Plaid sends them, and as it would not."""

import hashlib
import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpx
import jwt

from plaid_link.sandbox import keys
from tests.faults.deployment import Deployment

HOLDINGS = ("HOLDINGS", "DEFAULT_UPDATE")
PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    seconds: float


def webhook(item_id: str, webhook_type: str, webhook_code: str, **facts: Any) -> bytes:
    """The raw body of a webhook about one item."""
    body = {"webhook_type": webhook_type, "webhook_code": webhook_code, "item_id": item_id, "error": None}
    return json.dumps({**body, **facts, "environment": "sandbox"}).encode()


def plaids_key(deployment: Deployment) -> dict[str, Any]:
    """The key pair that the local Plaid server signs with now."""
    stored = json.loads((deployment.var / "plaid-sandbox.json").read_text())
    return dict(stored["keys"][-1])


def signed(deployment: Deployment, body: bytes, *, now: float | None = None) -> str:
    """What Plaid would send as `Plaid-Verification` with that body at `now`, in epoch seconds."""
    return keys.signature(plaids_key(deployment), body, now=now)


def token(body: bytes, *, key: Any, algorithm: str | None, kid: str) -> str:
    """The same by anybody else, with whatever key, algorithm and key id."""
    claims = {"iat": int(time.time()), "request_body_sha256": hashlib.sha256(body).hexdigest()}
    return jwt.encode(claims, key, algorithm=algorithm, headers={"kid": kid})


def post(deployment: Deployment, body: bytes, verification: str | None) -> Answer:
    """One webhook; None leaves the header out."""
    headers = {"Content-Type": "application/json"}
    if verification is not None:
        headers["Plaid-Verification"] = verification
    url = f"{deployment.addresses.web}/api/webhooks/plaid"
    response = httpx.post(url, content=body, headers=headers, timeout=PATIENCE)
    return Answer(response.status_code, response.elapsed.total_seconds())


def send(deployment: Deployment, *bodies: bytes, at_once: int = 1) -> list[int]:
    """Well-signed webhooks, so many at the same time; returns the statuses of the answers."""
    with ThreadPoolExecutor(at_once) as pool:
        return list(pool.map(lambda body: post(deployment, body, signed(deployment, body)).status, bodies))


def make_key_known(deployment: Deployment) -> None:
    """Have the web process ask Plaid for its key before a test counts on it: Plaid, not the test, tries again."""
    key_id = plaids_key(deployment)["kid"]
    if key_id not in deployment.known_keys:
        body = webhook("", "NOTHING", "TO_DO")
        deployment.until(
            lambda: post(deployment, body, signed(deployment, body)).status == 200, "Plaid's key to be known"
        )
        deployment.known_keys.add(key_id)


def events(deployment: Deployment, item_id: str) -> list[str]:
    """What became of the webhooks about an item, oldest first."""
    found = deployment.rows(
        "SELECT status FROM plaid_link_webhookevent WHERE item_external_id = %(i)s ORDER BY id", i=item_id
    )
    return [row["status"] for row in found]

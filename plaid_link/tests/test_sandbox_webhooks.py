"""Webhooks of the local Plaid server: what is sent when, signed so that the published key verifies it, and retried."""

import hashlib
import json
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import jwt
import pytest
from django.conf import settings

from plaid_link.tests.openapi import PlaidContract


class Receiver:
    """A web server that keeps what is posted to it and refuses the first few."""

    def __init__(self) -> None:
        self.received: list[tuple[dict[str, str], bytes]] = []
        self.refusals = 0
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.received.append((dict(self.headers), body))
                receiver.refusals -= 1
                self.send_response(503 if receiver.refusals >= 0 else 200)
                self.end_headers()

            def log_message(self, *args: object) -> None:
                """Keeps quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/webhook"
        Thread(target=self.server.serve_forever, daemon=True).start()

    def bodies(self) -> list[dict]:
        return [json.loads(body) for _, body in self.received]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()
    yield found
    found.server.shutdown()


def all_delivered(count):
    return lambda seen: len(seen["webhooks"]) == count and all(row["delivered"] for row in seen["webhooks"])


def test_after_the_exchange_history_and_holdings_are_announced(plaid_server, receiver):
    access, item_id = plaid_server.link(webhook=receiver.url)
    plaid_server.wait_for(all_delivered(2))
    shown = {(body["webhook_type"], body["webhook_code"]): body for body in receiver.bodies()}
    assert set(shown) == {("INVESTMENTS_TRANSACTIONS", "HISTORICAL_UPDATE"), ("HOLDINGS", "DEFAULT_UPDATE")}
    assert {body["item_id"] for body in shown.values()} == {item_id}
    assert shown["INVESTMENTS_TRANSACTIONS", "HISTORICAL_UPDATE"]["new_investments_transactions"] > 100
    last = plaid_server.call("/item/get", access_token=access).json()["status"]["last_webhook"]
    assert last["code_sent"] == "DEFAULT_UPDATE"


def test_the_published_key_verifies_the_signature(plaid_server, receiver):
    plaid_server.link(webhook=receiver.url)
    plaid_server.wait_for(all_delivered(2))
    headers, body = receiver.received[0]
    token = headers["Plaid-Verification"]
    header = jwt.get_unverified_header(token)
    key = plaid_server.call("/webhook_verification_key/get", key_id=header["kid"]).json()["key"]
    claims = jwt.decode(token, jwt.PyJWK(key).key, algorithms=["ES256"])
    assert header["alg"] == "ES256"
    assert claims["request_body_sha256"] == hashlib.sha256(body).hexdigest()
    assert abs(claims["iat"] - time.time()) < 60


def test_after_a_rotation_the_new_key_signs_and_the_old_one_has_expired(plaid_server, receiver):
    old = plaid_server.control("keys/rotate")["kid"]
    new = plaid_server.control("keys/rotate")["kid"]
    plaid_server.link(webhook=receiver.url)
    plaid_server.wait_for(all_delivered(2))
    assert jwt.get_unverified_header(receiver.received[0][0]["Plaid-Verification"])["kid"] == new
    assert plaid_server.call("/webhook_verification_key/get", key_id=old).json()["key"]["expired_at"]


def test_a_refused_webhook_comes_again(plaid_server, receiver):
    receiver.refusals = 2
    access, _ = plaid_server.link("user_bank", webhook=receiver.url)
    plaid_server.call("/sandbox/item/fire_webhook", access_token=access, webhook_code="ERROR")
    seen = plaid_server.wait_for(all_delivered(1))
    assert seen["webhooks"][0]["attempts"] == [503, 503, 200]
    assert len({body for _, body in receiver.received}) == 1


@pytest.mark.parametrize(
    ("webhook_type", "webhook_code", "schema"),
    [
        ("HOLDINGS", "DEFAULT_UPDATE", "HoldingsDefaultUpdateWebhook"),
        ("INVESTMENTS_TRANSACTIONS", "DEFAULT_UPDATE", "InvestmentsDefaultUpdateWebhook"),
        ("ITEM", "ERROR", "ItemErrorWebhook"),
        ("ITEM", "LOGIN_REPAIRED", "ItemLoginRepairedWebhook"),
        ("ITEM", "NEW_ACCOUNTS_AVAILABLE", "NewAccountsAvailableWebhook"),
        ("ITEM", "PENDING_DISCONNECT", "PendingDisconnectWebhook"),
        ("ITEM", "USER_PERMISSION_REVOKED", "UserPermissionRevokedWebhook"),
        ("ITEM", "USER_ACCOUNT_REVOKED", "UserAccountRevokedWebhook"),
    ],
)
def test_fired_webhooks_carry_the_documented_fields(plaid_server, receiver, webhook_type, webhook_code, schema):
    access, _ = plaid_server.link("user_bank", webhook=receiver.url)
    body = {"access_token": access, "webhook_type": webhook_type, "webhook_code": webhook_code}
    assert plaid_server.call("/sandbox/item/fire_webhook", **body).json()["webhook_fired"]
    plaid_server.wait_for(all_delivered(1))
    sent = receiver.bodies()[0]
    assert (sent["webhook_type"], sent["webhook_code"]) == (webhook_type, webhook_code)
    contract = PlaidContract(settings.REFERENCE_DATA)
    if schema in contract.document["components"]["schemas"]:
        assert contract.schema_errors(schema, sent) == []


def test_only_documented_codes_are_fired(plaid_server, receiver):
    access, _ = plaid_server.link("user_bank", webhook=receiver.url)
    for body, expected in (
        ({"webhook_code": "SURPRISE"}, "INVALID_FIELD"),
        ({"webhook_code": "HISTORICAL_UPDATE", "webhook_type": "INVESTMENTS_TRANSACTIONS"}, "INVALID_FIELD"),
        ({"webhook_code": "SYNC_UPDATES_AVAILABLE", "webhook_type": "TRANSACTIONS"}, "SANDBOX_PRODUCT_NOT_ENABLED"),
    ):
        answer = plaid_server.call("/sandbox/item/fire_webhook", access_token=access, **body)
        assert answer.json()["error_code"] == expected


def test_without_a_webhook_there_is_nothing_to_fire(plaid_server):
    access, _ = plaid_server.link()
    answer = plaid_server.call("/sandbox/item/fire_webhook", access_token=access, webhook_code="DEFAULT_UPDATE")
    assert answer.json()["error_code"] == "SANDBOX_WEBHOOK_INVALID"


def test_refresh_repair_and_a_new_address_are_told(plaid_server, receiver):
    access, _ = plaid_server.link()
    plaid_server.call("/item/webhook/update", access_token=access, webhook=receiver.url)
    plaid_server.call("/investments/refresh", access_token=access)
    plaid_server.call("/sandbox/item/reset_login", access_token=access)
    plaid_server.wait_for(all_delivered(4))
    assert sorted(body["webhook_code"] for body in receiver.bodies()) == [
        "DEFAULT_UPDATE",
        "DEFAULT_UPDATE",
        "ERROR",
        "WEBHOOK_UPDATE_ACKNOWLEDGED",
    ]

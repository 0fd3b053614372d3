"""Items of the local Plaid server: tokens, errors in Plaid's shapes, sign-in that must be repeated, a restart."""

import asyncio
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from django.conf import settings

from plaid_link.sandbox.app import Application
from plaid_link.sandbox.server import Options
from plaid_link.sandbox.testing import running
from plaid_link.tests.openapi import PlaidContract


def code(answer):
    return answer.status_code, answer.json()["error_code"]


LINK = {"client_name": "Longview", "language": "en", "country_codes": ["US"], "user": {"client_user_id": "7"}}


def link_token(server, **more):
    return server.call("/link/token/create", **LINK, **more).json()["link_token"]


def test_wrong_credentials(plaid_server):
    for headers in ({}, {"PLAID-CLIENT-ID": "sandbox", "PLAID-SECRET": "guess"}):
        answer = httpx.post(f"{plaid_server.url}/item/get", json={"access_token": "x"}, headers=headers)
        assert code(answer) == (400, "INVALID_API_KEYS")


def test_credentials_in_the_body_do_too(plaid_server):
    access, _ = plaid_server.link()
    body = {"access_token": access, "client_id": "sandbox", "secret": "sandbox"}
    assert httpx.post(f"{plaid_server.url}/item/get", json=body).status_code == 200


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        ("/item/get", {"access_token": "access-sandbox-unknown"}, (400, "INVALID_ACCESS_TOKEN")),
        ("/item/get", {}, (400, "MISSING_FIELDS")),
        ("/item/get", {"access_token": "x", "colour": "red"}, (400, "UNKNOWN_FIELDS")),
        ("/item/public_token/exchange", {"public_token": "public-sandbox-unknown"}, (400, "INVALID_PUBLIC_TOKEN")),
        ("/institutions/get_by_id", {"institution_id": "ins_0", "country_codes": ["US"]}, (400, "INVALID_INSTITUTION")),
        (
            "/sandbox/public_token/create",
            {"institution_id": "ins_0", "initial_products": ["investments"]},
            (400, "INVALID_INSTITUTION"),
        ),
        (
            "/sandbox/public_token/create",
            {"institution_id": "ins_109511", "initial_products": ["investments"]},
            (400, "PRODUCTS_NOT_SUPPORTED"),
        ),
        ("/link/token/get", {"link_token": "link-sandbox-unknown"}, (400, "INVALID_LINK_TOKEN")),
        ("/webhook_verification_key/get", {"key_id": "x"}, (400, "INVALID_WEBHOOK_VERIFICATION_KEY_ID")),
        ("/identity/get", {}, (404, "NOT_FOUND")),
    ],
)
def test_errors_have_plaids_shape(plaid_server, path, body, expected):
    answer = plaid_server.call(path, **body)
    assert code(answer) == expected
    assert PlaidContract(settings.REFERENCE_DATA).schema_errors("PlaidError", answer.json()) == []


def test_a_body_that_is_no_json(plaid_server):
    answer = httpx.post(f"{plaid_server.url}/item/get", content=b"{", headers={"Content-Type": "application/json"})
    assert code(answer) == (400, "INVALID_BODY")


def test_a_public_token_is_good_once_and_for_half_an_hour(plaid_server):
    token = plaid_server.public_token()
    assert plaid_server.call("/item/public_token/exchange", public_token=token).status_code == 200
    assert code(plaid_server.call("/item/public_token/exchange", public_token=token)) == (400, "INVALID_PUBLIC_TOKEN")
    late = plaid_server.public_token()
    plaid_server.control("clock", now=(datetime.now(UTC) + timedelta(minutes=31)).isoformat())
    assert code(plaid_server.call("/item/public_token/exchange", public_token=late)) == (400, "INVALID_PUBLIC_TOKEN")


def test_a_second_remove_finds_nothing(plaid_server):
    access, _ = plaid_server.link()
    assert plaid_server.call("/item/remove", access_token=access).status_code == 200
    for path in ("/item/remove", "/item/get", "/investments/holdings/get"):
        assert code(plaid_server.call(path, access_token=access)) == (400, "ITEM_NOT_FOUND")


def test_an_invalidated_token_gives_way_to_its_successor(plaid_server):
    old, item_id = plaid_server.link()
    new = plaid_server.call("/item/access_token/invalidate", access_token=old).json()["new_access_token"]
    assert code(plaid_server.call("/item/get", access_token=old)) == (400, "INVALID_ACCESS_TOKEN")
    assert plaid_server.call("/item/get", access_token=new).json()["item"]["item_id"] == item_id


def test_reset_login_until_the_item_is_repaired_in_update_mode(plaid_server):
    access, item_id = plaid_server.link()
    plaid_server.call("/sandbox/item/reset_login", access_token=access)
    assert code(plaid_server.call("/investments/holdings/get", access_token=access)) == (400, "ITEM_LOGIN_REQUIRED")
    shown = plaid_server.call("/item/get", access_token=access).json()["item"]
    assert shown["error"]["error_code"] == "ITEM_LOGIN_REQUIRED"
    token = link_token(plaid_server, access_token=access)
    httpx.post(f"{plaid_server.url}/link/complete", json={"link_token": token}).raise_for_status()
    answer = plaid_server.call("/investments/holdings/get", access_token=access).json()
    assert (answer["item"]["item_id"], answer["item"]["error"]) == (item_id, None)


def test_user_errors_has_accounts_but_no_investments_until_repaired(plaid_server):
    access, _ = plaid_server.link("user_errors")
    assert len(plaid_server.call("/accounts/get", access_token=access).json()["accounts"]) == 1
    for path in ("/investments/holdings/get", "/investments/refresh", "/accounts/balance/get"):
        assert code(plaid_server.call(path, access_token=access)) == (400, "ITEM_LOGIN_REQUIRED")


def test_a_revoked_item(plaid_server):
    access, item_id = plaid_server.link()
    plaid_server.control("item", item_id=item_id, revoked=True)
    assert code(plaid_server.call("/item/get", access_token=access)) == (400, "USER_PERMISSION_REVOKED")


def test_a_login_without_investments(plaid_server):
    access, _ = plaid_server.link("user_bank")
    accounts = plaid_server.call("/accounts/get", access_token=access).json()["accounts"]
    assert [account["type"] for account in accounts] == ["depository"]
    answer = plaid_server.call("/investments/holdings/get", access_token=access)
    assert code(answer) == (400, "NO_INVESTMENT_ACCOUNTS")


def test_only_the_accounts_asked_for(plaid_server):
    access, _ = plaid_server.link("user_family")
    accounts = plaid_server.call("/accounts/get", access_token=access).json()["accounts"]
    wanted = [accounts[3]["account_id"]]
    options = {"account_ids": wanted}
    for path in ("/accounts/get", "/accounts/balance/get", "/investments/holdings/get"):
        answer = plaid_server.call(path, access_token=access, options=options).json()
        assert [account["account_id"] for account in answer["accounts"]] == wanted
    answer = plaid_server.call("/accounts/get", access_token=access, options={"account_ids": ["foreign"]})
    assert code(answer) == (400, "INVALID_ACCOUNT_ID")


def test_linking_again_gives_new_ids_for_the_same_accounts(plaid_server):
    def accounts():
        access, _ = plaid_server.link()
        return plaid_server.call("/accounts/get", access_token=access).json()["accounts"]

    first, second = accounts(), accounts()
    assert {row["account_id"] for row in first}.isdisjoint(row["account_id"] for row in second)
    assert [(row["mask"], row["subtype"]) for row in first] == [(row["mask"], row["subtype"]) for row in second]


def test_link_needs_a_user_and_a_product(plaid_server):
    body = {name: value for name, value in LINK.items() if name != "user"}
    assert code(plaid_server.call("/link/token/create", **body, products=["investments"])) == (400, "MISSING_FIELDS")
    assert code(plaid_server.call("/link/token/create", **LINK)) == (400, "MISSING_FIELDS")


def test_items_survive_a_restart(tmp_path):
    state = tmp_path / "plaid.json"
    with running(state=state) as server:
        access, item_id = server.link("user_crypto")
        before = server.call("/investments/holdings/get", access_token=access).json()["holdings"]
        kid = server.control("keys/rotate")["kid"]
    with running(state=state) as server:
        assert server.call("/item/get", access_token=access).json()["item"]["item_id"] == item_id
        assert server.call("/investments/holdings/get", access_token=access).json()["holdings"] == before
        assert server.call("/webhook_verification_key/get", key_id=kid).json()["key"]["kid"] == kid


@pytest.mark.parametrize(("control", "status"), [(False, 404), (True, 200)])
def test_control_is_shut_unless_asked_for(control, status):
    async def ask():
        transport = httpx.ASGITransport(app=Application(Options(), control=control))
        async with httpx.AsyncClient(transport=transport, base_url="http://plaid.test") as client:
            return await client.post("/_control/seen", json={})

    assert asyncio.run(ask()).status_code == status

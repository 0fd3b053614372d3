"""Rows 17 to 22: webhooks doubled, out of order, forged, replayed, lost, and about items that are not ours."""

import base64
import random
import time
import uuid
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jwt
import pytest

from plaid_link.sandbox import keys
from tests.faults.deployment import Deployment
from tests.faults.people import newcomer
from tests.faults.posting import HOLDINGS, events, plaids_key, post, send, signed, token, webhook

pytestmark = pytest.mark.fault

HOLDINGS_PATH = "/investments/holdings/get"
TRANSACTIONS_PATH = "/investments/transactions/get"
KEY_PATH = "/webhook_verification_key/get"
DAY = 86_400
AN_HOUR = 3600


@pytest.mark.parametrize("signed_anew", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_17_fifty_copies_at_once_are_one_sync(site: Deployment, signed_anew: bool) -> None:
    """Fifty deliveries that Plaid signed one by one, or one delivery that somebody sends fifty times."""
    person = newcomer(site).link()
    site.pass_time(AN_HOUR)
    before, syncs = person.books(), len(person.syncs())
    site.plaid.control("reset")
    body = webhook(person.item_id, *HOLDINGS)
    tokens = [signed(site, body, now=time.time() - (number if signed_anew else 0)) for number in range(50)]

    with site.frozen("worker"), ThreadPoolExecutor(25) as pool:
        answers = list(pool.map(lambda token: post(site, body, token), tokens))
    assert Counter(answer.status for answer in answers) == {200: 50}
    site.until(lambda: Counter(events(site, person.item_id)) == {"done": 50}, "50 handled webhooks")

    assert person.syncs()[syncs:] == ["succeeded"]
    assert site.plaid.requests(HOLDINGS_PATH) == 1
    assert person.books() == before


def test_18_repaired_arrives_before_the_error(site: Deployment) -> None:
    """What is shown is what Plaid says when asked, whatever the order of its webhooks."""
    person = newcomer(site).link()
    site.pass_time(AN_HOUR)
    send(site, webhook(person.item_id, "ITEM", "LOGIN_REPAIRED"))
    site.until(lambda: events(site, person.item_id) == ["done"], "the repair to be handled")
    send(site, webhook(person.item_id, "ITEM", "ERROR", error={"error_code": "ITEM_LOGIN_REQUIRED"}))
    site.until(lambda: events(site, person.item_id) == ["done", "done"], "the late error to be handled")
    assert (person.item()["status"], person.shown()["error_code"]) == ("ok", "")

    site.plaid.control("item", item_id=person.item_id, login_required=True)
    site.pass_time(AN_HOUR)
    send(site, webhook(person.item_id, "ITEM", "LOGIN_REPAIRED"))
    site.until(lambda: events(site, person.item_id) == ["done"] * 3, "the untrue repair to be handled")
    shown = person.shown()
    assert (shown["status"], shown["error_code"]) == ("needs_repair", "ITEM_LOGIN_REQUIRED")
    assert "Sign in" in shown["message"]


def _flipped(text: str, at: int) -> str:
    return text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]


def _unsigned(site: Deployment, body: bytes, dice: random.Random) -> str:
    return token(body, key=None, algorithm="none", kid=plaids_key(site)["kid"])


def _symmetric(site: Deployment, body: bytes, dice: random.Random) -> str:
    """The public key, which everybody can have, taken for a shared secret."""
    key = plaids_key(site)
    return token(body, key=keys.published(key)["x"], algorithm="HS256", kid=key["kid"])


def _of_a_key_of_ones_own(site: Deployment, body: bytes, dice: random.Random) -> str:
    return token(body, key=keys.new_key(0)["pem"], algorithm="ES256", kid=plaids_key(site)["kid"])


def _of_an_unknown_key(site: Deployment, body: bytes, dice: random.Random) -> str:
    return token(body, key=keys.new_key(0)["pem"], algorithm="ES256", kid=str(uuid.uuid4()))


def _with_the_key_inside(site: Deployment, body: bytes, dice: random.Random) -> str:
    """The header brings the key to verify with."""
    own = keys.new_key(0)
    header = {"kid": own["kid"], "jwk": keys.published(own)}
    claims = jwt.decode(signed(site, body), options={"verify_signature": False})
    return jwt.encode(claims, own["pem"], algorithm="ES256", headers=header)


def _with_one_byte_changed(site: Deployment, body: bytes, dice: random.Random) -> str:
    header, claims, seal = signed(site, body).split(".")
    return f"{header}.{_flipped(claims, dice.randrange(len(claims) - 2))}.{seal}"


def _with_the_signature_changed(site: Deployment, body: bytes, dice: random.Random) -> str:
    start, _, seal = signed(site, body).rpartition(".")
    return f"{start}.{_flipped(seal, dice.randrange(len(seal) - 2))}"


def _of_another_body(site: Deployment, body: bytes, dice: random.Random) -> str:
    return signed(site, body.replace(b"HOLDINGS", b"holdings"))


def _six_minutes_old(site: Deployment, body: bytes, dice: random.Random) -> str:
    return signed(site, body, now=time.time() - 360)


def _from_the_future(site: Deployment, body: bytes, dice: random.Random) -> str:
    return signed(site, body, now=time.time() + 360)


def _garbage(site: Deployment, body: bytes, dice: random.Random) -> str:
    return base64.b64encode(dice.randbytes(300)).decode()


FORGERIES: dict[str, Callable[..., str | None]] = {
    "19 no token": lambda *_: None,
    "19 garbage": _garbage,
    "19 alg none": _unsigned,
    "19 HS256 with the public key": _symmetric,
    "19 a key of one's own": _of_a_key_of_ones_own,
    "19 wrong kid": _of_an_unknown_key,
    "19 the key in the header": _with_the_key_inside,
    "19 one byte changed": _with_one_byte_changed,
    "19 the signature changed": _with_the_signature_changed,
    "19 body swapped": _of_another_body,
    "20 replayed six minutes later": _six_minutes_old,
    "20 signed in the future": _from_the_future,
}


@pytest.mark.parametrize("name", FORGERIES)
def test_19_20_what_plaid_did_not_just_sign_is_refused(site: Deployment, dice: random.Random, name: str) -> None:
    stored = site.value("SELECT count(*) FROM plaid_link_webhookevent")
    body = webhook("any-item", *HOLDINGS)
    assert post(site, body, FORGERIES[name](site, body, dice)).status == 401
    assert site.value("SELECT count(*) FROM plaid_link_webhookevent") == stored
    assert send(site, body) == [200], "and the true one is taken after it"


def test_19_a_flood_of_forged_key_ids_asks_plaid_for_few_keys(site: Deployment, dice: random.Random) -> None:
    body = webhook("any-item", *HOLDINGS)
    assert send(site, body) == [200]
    site.plaid.control("reset")
    own = keys.new_key(0)["pem"]
    statuses: Counter[Any] = Counter(
        post(site, body, token(body, key=own, algorithm="ES256", kid=str(uuid.UUID(bytes=dice.randbytes(16))))).status
        for _ in range(60)
    )
    assert statuses == {401: 60}
    assert site.plaid.requests(KEY_PATH) <= 10
    assert send(site, body) == [200]


def test_21_webhooks_lost_for_a_day_are_made_up_for_by_the_sweep(site: Deployment) -> None:
    person = newcomer(site).link()
    # A row that appears at the institution after this answer, and that no webhook tells of.
    site.plaid.fail(TRANSACTIONS_PATH, kind="shift", item_id=person.item_id)
    site.pass_time(2 * AN_HOUR)
    assert person.refresh().status_code == 200
    known = person.count("transactions")
    assert not events(site, person.item_id)

    site.pass_time(DAY)
    site.until(lambda: person.count("transactions") == known + 1, "the sweep to find the news")
    site.until(lambda: person.shown()["status"] == "ok", "the item to be well")
    person.wait_for_history()


@pytest.mark.parametrize("gone", ["never was", "disconnected", "revoked"])
def test_22_an_item_that_is_not_ours_is_parked_and_revives_nothing(site: Deployment, gone: str) -> None:
    item_id = "an-item-that-never-was"
    if gone != "never was":
        person = newcomer(site).link()
        item_id = person.item_id
        site.pass_time(AN_HOUR)
    if gone == "disconnected":
        assert person.press("disconnect", data="keep").status_code == 200
    if gone == "revoked":
        send(site, webhook(item_id, "ITEM", "USER_PERMISSION_REVOKED"))
    if gone != "never was":
        site.until(lambda: bytes(person.item()["access_token_encrypted"]) == b"", "the token to be dropped")
        before = person.books()
    first = len(events(site, item_id))

    send(site, webhook(item_id, *HOLDINGS), webhook(item_id, "ITEM", "LOGIN_REPAIRED"))
    site.until(lambda: events(site, item_id)[first:] == ["parked"] * 2, "both to be parked")

    assert "webhooks parked" in site.log("worker")
    if gone != "never was":
        assert person.item()["status"] == "disconnected"
        assert person.books() == before

"""Whose webhooks are believed: forged, altered, old and misdirected ones are not."""

import base64
import hashlib
import json
import time
from typing import Any

import jwt
import pytest

from plaid_link.tests.webhooks.conftest import body_of
from plaid_link.tests.webhooks.stand_in import KEY, SigningKey, StandIn
from plaid_link.webhooks.verify import NotVerified, check_api_key, is_required, verify

BODY = body_of("HOLDINGS", "DEFAULT_UPDATE")


def refusal(token: str, body: bytes = BODY, **given: Any) -> str:
    with pytest.raises(NotVerified) as refused:
        verify(token, body, **given)
    return refused.value.reason


def part(content: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


def claims(**given: Any) -> dict[str, Any]:
    return {"iat": int(time.time()), "request_body_sha256": hashlib.sha256(BODY).hexdigest(), **given}


def test_signed_by_plaid(key: SigningKey) -> None:
    token = key.sign(BODY)
    assert verify(token, BODY) == hashlib.sha256(token.rsplit(".", 1)[0].encode()).hexdigest()


def test_two_signatures_of_one_statement_have_one_digest(key: SigningKey) -> None:
    now = time.time()
    tokens = [key.sign(BODY, issued_at=now) for _ in range(2)]
    assert tokens[0] != tokens[1]
    assert verify(tokens[0], BODY) == verify(tokens[1], BODY)


def test_no_header_costs_no_key(plaid: StandIn) -> None:
    assert refusal("") == "missing"
    assert refusal("x" * 10_000) == "malformed"
    assert refusal("é.b.c") == "malformed"
    assert refusal("a.b.c") == "malformed"
    assert not plaid.calls


def test_algorithm_none(plaid: StandIn, key: SigningKey) -> None:
    for name in ("none", "None", "NONE", ""):
        token = f"{part({'alg': name, 'typ': 'JWT', 'kid': key.key_id})}.{part(claims())}."
        assert refusal(token) in {"algorithm", "malformed"}
    assert plaid.calls[KEY] == 0


def test_public_key_as_hmac_secret(key: SigningKey) -> None:
    """The classic confusion: HS256 keyed with the text of the public key."""
    signed = f"{part({'alg': 'HS256', 'typ': 'JWT', 'kid': key.key_id})}.{part(claims())}"
    mac = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    signature = base64.urlsafe_b64encode(mac.sign(signed.encode(), json.dumps(key.jwk()).encode())).rstrip(b"=")
    assert refusal(f"{signed}.{signature.decode()}") == "algorithm"


def test_header_that_claims_es256_over_another_signature(key: SigningKey) -> None:
    signed = f"{part({'alg': 'ES256', 'typ': 'JWT', 'kid': key.key_id})}.{part(claims())}"
    assert refusal(f"{signed}.{base64.urlsafe_b64encode(b'x' * 64).rstrip(b'=').decode()}") == "signature"
    assert refusal(f"{signed}.") == "signature"


def test_key_that_the_token_brings_along(key: SigningKey) -> None:
    """A `jwk` in the header is the forger's own key: only Plaid's answer counts."""
    forger = SigningKey(key.key_id)
    token = jwt.encode(claims(), forger.private, "ES256", headers={"kid": key.key_id, "jwk": forger.jwk()})
    assert refusal(token) == "signature"


def test_wrong_key(plaid: StandIn, key: SigningKey) -> None:
    assert refusal(SigningKey(key.key_id).sign(BODY)) == "signature"
    assert refusal(SigningKey("unknown-to-plaid").sign(BODY)) == "key"
    assert refusal(plaid.new_key(expired_at=1_700_000_000).sign(BODY)) == "key"


@pytest.mark.parametrize("kid", [None, 7, "", "../../etc/passwd", "a" * 65, ["x"], "kid\n"])
def test_what_is_no_key_id_is_not_asked_for(plaid: StandIn, key: SigningKey, kid: Any) -> None:
    signed = f"{part({'alg': 'ES256', 'typ': 'JWT', 'kid': kid})}.{part(claims())}"
    assert refusal(f"{signed}.{key.sign(BODY).rsplit('.', 1)[1]}") in {"key", "malformed"}
    assert plaid.calls[KEY] == 0


def test_each_byte_of_the_body_counts(key: SigningKey) -> None:
    token = key.sign(BODY)
    for position in range(len(BODY)):
        changed = bytearray(BODY)
        changed[position] ^= 1
        assert refusal(token, bytes(changed)) == "body"


def test_swapped_bodies(key: SigningKey) -> None:
    other = body_of("ITEM", "USER_PERMISSION_REVOKED")
    assert refusal(key.sign(BODY), other) == "body"
    assert refusal(key.sign(other), BODY) == "body"
    assert refusal(key.sign(BODY), b"") == "body"


@pytest.mark.parametrize("stated", [None, 5, "", ["a"], "é", hashlib.sha256(BODY).hexdigest().upper()])
def test_statements_about_the_body_that_are_none(key: SigningKey, stated: Any) -> None:
    assert refusal(key.sign(BODY, request_body_sha256=stated)) == "body"


def test_one_character_of_the_token_changed(key: SigningKey) -> None:
    token = key.sign(BODY)
    for position in range(0, len(token), 7):
        changed = "A" if token[position] != "A" else "B"
        with pytest.raises(NotVerified):
            verify(token[:position] + changed + token[position + 1 :], BODY)


@pytest.mark.parametrize("age", [0, 1, 299, 300, -30, -1])
def test_age_that_is_taken(key: SigningKey, age: int) -> None:
    now = time.time()
    verify(key.sign(BODY, issued_at=int(now) - age), BODY, now=int(now))


@pytest.mark.parametrize("age", [301, 360, 86_400, -31, -3600])
def test_age_that_is_refused(key: SigningKey, age: int) -> None:
    now = int(time.time())
    assert refusal(key.sign(BODY, issued_at=now - age), now=now) == "age"


@pytest.mark.parametrize("issued_at", [None, "now", True, [], float("nan"), 10**400])
def test_time_of_issue_that_is_none(key: SigningKey, issued_at: Any) -> None:
    assert refusal(key.sign(BODY, iat=issued_at)) in {"age", "signature"}


def test_api_key_is_a_second_lock(settings: Any) -> None:
    check_api_key("")
    settings.PLAID_WEBHOOK_API_KEY = "sésame"
    check_api_key("sésame")
    for given in ("", "sesame", "sésame "):
        with pytest.raises(NotVerified, match="X-API-Key"):
            check_api_key(given)


@pytest.mark.parametrize(
    ("debug", "verified", "required"), [(False, False, True), (True, True, True), (True, False, False)]
)
def test_verification_is_off_for_developers_only(settings: Any, debug: bool, verified: bool, required: bool) -> None:
    settings.DEBUG, settings.PLAID_WEBHOOK_VERIFY = debug, verified
    assert is_required() is required

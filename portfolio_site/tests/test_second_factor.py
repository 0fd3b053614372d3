"""The second step on pages and API, with codes made as RFC 6238 says, apart from the library that checks them."""

import base64
import hmac
import json
import re
import struct
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from django.core.cache import cache
from django.core.management import call_command

from portfolio_site.lib import second_factor
from portfolio_site.lib.crypto import Keyring, SealBroken

PASSWORD, TOKEN, NOW = "correct horse battery", "/api/auth/token/", datetime(2026, 11, 20, 15, tzinfo=UTC)
OTHER_KEY = "2027a:" + base64.b64encode(b"k" * 32).decode()


def code_of(secret: str, at: datetime = NOW) -> str:
    """RFC 6238 with SHA-1, 30 seconds, 6 digits."""
    digest = hmac.digest(base64.b32decode(secret), struct.pack(">Q", int(at.timestamp()) // 30), "sha1")
    start = digest[-1] & 15
    return f"{(int.from_bytes(digest[start : start + 4]) & 0x7FFFFFFF) % 10**6:06}"


def test_the_codes_of_the_rfc() -> None:
    """Appendix B, of which the last six of eight digits."""
    secret = base64.b32encode(b"12345678901234567890").decode()
    for seconds, digits in ((59, "287082"), (1111111109, "081804"), (20000000000, "353130")):
        assert code_of(secret, datetime.fromtimestamp(seconds, UTC)) == digits


@pytest.fixture(autouse=True)
def _now() -> Any:
    cache.clear()
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def signed_in(client: Any, owner: Any) -> Any:
    """By the password twice: what guards the account asks for it again."""
    client.post("/accounts/login/", {"login": owner.email, "password": PASSWORD})
    assert client.get("/accounts/2fa/totp/activate/")["Location"].startswith("/accounts/reauthenticate/")
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    return client


@pytest.fixture
def secret(signed_in: Any) -> str:
    """Set up on the pages, as a person does."""
    found = re.search(r"focus-card__key[^>]*>(\w+)<", signed_in.get("/accounts/2fa/totp/activate/").content.decode())
    assert found is not None
    answer = signed_in.post("/accounts/2fa/totp/activate/", {"code": code_of(found[1])})
    assert (answer.status_code, answer["Location"]) == (302, "/accounts/2fa/recovery-codes/")
    cache.clear()  # within one period a code works once
    return found[1]


def _recovery_codes(client: Any) -> list[str]:
    page = client.get("/accounts/2fa/recovery-codes/").content.decode()
    return re.findall(r"<li><code>(\d{8})</code></li>", page)


def test_signing_in_takes_the_second_step(client: Any, owner: Any, secret: str) -> None:
    client.logout()
    answer = client.post("/accounts/login/", {"login": owner.email, "password": PASSWORD})
    assert answer["Location"] == "/accounts/2fa/authenticate/"
    assert client.get("/settings/").status_code == 302
    assert b"Incorrect" in client.post("/accounts/2fa/authenticate/", {"code": "000000"}).content
    client.post("/accounts/2fa/authenticate/", {"code": code_of(secret)})
    assert client.get("/settings/").status_code == 200


def test_a_recovery_code_works_once(client: Any, owner: Any, secret: str) -> None:
    codes = _recovery_codes(client)
    assert len(set(codes)) == 10
    for status in (200, 302):
        client.logout()
        client.post("/accounts/login/", {"login": owner.email, "password": PASSWORD})
        client.post("/accounts/2fa/authenticate/", {"code": codes[0]})
        assert client.get("/settings/").status_code == status


def test_a_token_takes_it_too(api: Any, owner: Any, secret: str) -> None:
    credentials = {"email": owner.email, "password": PASSWORD}
    without = api().post(TOKEN, credentials)
    assert (without.status_code, "as `code`" in without.json()["detail"]) == (401, True)
    assert api().post(TOKEN, credentials | {"code": "000000"}).status_code == 401
    assert set(api().post(TOKEN, credentials | {"code": code_of(secret)}).json()) == {"access", "refresh"}
    again = api().post(TOKEN, credentials | {"code": code_of(secret)})
    assert (again.status_code, "used before" in again.json()["detail"]) == (401, True)


def test_with_a_wrong_password_nobody_learns_of_it(api: Any, owner: Any, secret: str) -> None:
    answer = api().post(TOKEN, {"email": owner.email, "password": "x"})
    assert (answer.status_code, "code" in answer.json()["detail"]) == (401, False)


def test_a_code_of_another_time_is_not_accepted(api: Any, owner: Any, secret: str) -> None:
    late = code_of(secret, NOW + timedelta(minutes=5))
    assert not second_factor.accepts(owner, late)
    assert second_factor.accepts(owner, code_of(secret))


def test_operators_sign_in_with_it(client: Any, staff: Any) -> None:
    answer = client.get("/admin/")
    assert answer["Location"].startswith("/admin/login/")
    assert client.get(answer["Location"])["Location"].startswith("/accounts/login/")


def test_secrets_are_sealed_and_follow_the_keys(owner: Any, secret: str, settings: Any) -> None:
    stored = json.dumps(list(Authenticator.objects.values_list("data", flat=True)))
    assert secret not in stored
    # An authenticator, recovery codes, who their owner is, and the browser that they came with.
    settings.ENCRYPTION_KEYS = f"{OTHER_KEY},{settings.ENCRYPTION_KEYS}"
    out = StringIO()
    call_command("rotate_keys", stdout=out)
    assert out.getvalue().startswith("4 sealed anew")
    settings.ENCRYPTION_KEYS = OTHER_KEY
    assert Keyring.parse(OTHER_KEY).current == "2027a"
    assert second_factor.accepts(owner, code_of(secret))


def test_without_its_key_nothing_opens(owner: Any, secret: str, settings: Any) -> None:
    settings.ENCRYPTION_KEYS = OTHER_KEY
    with pytest.raises(SealBroken):
        second_factor.accepts(owner, code_of(secret))


def test_turning_it_off(signed_in: Any, owner: Any, secret: str) -> None:
    assert b"Turn off" in signed_in.get("/settings/").content
    signed_in.post("/accounts/2fa/totp/deactivate/")
    assert not second_factor.is_needed(owner)
    assert not Authenticator.objects.exists()


@pytest.mark.parametrize("path", ["", "totp/activate/", "totp/deactivate/", "recovery-codes/generate/"])
def test_no_page_has_a_script_or_style_inside(signed_in: Any, secret: str, path: str) -> None:
    text = signed_in.get(f"/accounts/2fa/{path}", follow=True).content.decode()
    assert re.findall(r"<script(?![^>]*\bsrc=)[^>]*>|<style|\sstyle=|\son\w+=", text) == []

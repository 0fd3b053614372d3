import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolio_site.lib.crypto import Keyring, KeyringError, SealBroken, keyring

OLD = "old:" + base64.b64encode(b"o" * 32).decode()
NEW = "new:" + base64.b64encode(b"n" * 32).decode()


@given(secret=st.binary(max_size=200), context=st.binary(max_size=50))
def test_what_is_sealed_opens_in_its_context(secret: bytes, context: bytes) -> None:
    ring = Keyring.parse(NEW)
    assert ring.open(ring.seal(secret, context=context), context=context) == secret


def test_the_first_key_seals_and_every_key_opens() -> None:
    sealed_before = Keyring.parse(OLD).seal(b"token", context=b"item")
    ring = Keyring.parse(f"{NEW},{OLD}")
    assert ring.open(sealed_before, context=b"item") == b"token"
    assert not ring.is_current(sealed_before)
    assert ring.seal(b"token", context=b"item").startswith(b"new:")


def test_equal_secrets_never_look_equal() -> None:
    ring = Keyring.parse(NEW)
    assert ring.seal(b"token", context=b"item") != ring.seal(b"token", context=b"item")


def test_a_value_moved_to_another_row_does_not_open() -> None:
    ring = Keyring.parse(NEW)
    with pytest.raises(SealBroken):
        ring.open(ring.seal(b"token", context=b"item-1"), context=b"item-2")


@pytest.mark.parametrize("position", [0, 4, 20, -1])
def test_one_changed_byte_is_noticed(position: int) -> None:
    ring = Keyring.parse(NEW)
    sealed = bytearray(ring.seal(b"token", context=b"item"))
    sealed[position] ^= 1
    with pytest.raises(SealBroken):
        ring.open(bytes(sealed), context=b"item")


@pytest.mark.parametrize("sealed", [b"", b"new", b"new:", b"new:short", b"\xff\xfe:" + b"x" * 40])
def test_garbage_does_not_open(sealed: bytes) -> None:
    with pytest.raises(SealBroken):
        Keyring.parse(NEW).open(sealed, context=b"item")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "empty"),
        ("noseparator", "id:base64"),
        (":AAAA", "id:base64"),
        ("k:***", "'k' of ENCRYPTION_KEYS is not base64"),
        ("k:AAAA", "has 3 bytes, not 32"),
        (f"{NEW},{NEW}", "twice"),
    ],
)
def test_a_bad_setting_says_what_is_wrong(text: str, says: str) -> None:
    with pytest.raises(KeyringError, match=says):
        Keyring.parse(text)


def test_an_error_never_shows_the_key() -> None:
    secret = base64.b64encode(b"s" * 31).decode()
    with pytest.raises(KeyringError) as caught:
        Keyring.parse(f"k:{secret}")
    assert secret not in str(caught.value)


def test_the_settings_have_a_usable_keyring(settings: object) -> None:
    assert keyring().current == "demo"

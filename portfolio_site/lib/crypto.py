"""Authenticated encryption of secrets at rest, with keys that rotate.

AES-256-GCM. A sealed value is `key-id:` + 12 bytes of nonce + ciphertext and tag, and opens only in the context (the
associated data) in which it was sealed, so that a value copied to another row does not open there.
"""

import base64
import binascii
import os
from dataclasses import dataclass
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

KEY_BYTES = 32
NONCE_BYTES = 12


class KeyringError(ValueError):
    """A setting of keys cannot be used; says which part, never the key."""


class SealBroken(Exception):
    """A value cannot be opened: its key is not in the keyring, or it was altered or moved."""


@dataclass(frozen=True, slots=True)
class Keyring:
    """Keys by id. The one named `current` seals; all of them open."""

    keys: dict[str, bytes]
    current: str

    @classmethod
    def parse(cls, text: str, setting: str = "ENCRYPTION_KEYS") -> "Keyring":
        """The keyring of `id:base64,id:base64`; the first is current. Raises KeyringError, which names the setting."""
        pairs = [_key(part.strip(), setting) for part in text.split(",") if part.strip()]
        if not pairs:
            raise KeyringError(f"{setting} is empty; it needs at least one id:base64 key")
        if len({key_id for key_id, _ in pairs}) < len(pairs):
            raise KeyringError(f"{setting} names a key id twice")
        return cls(keys=dict(pairs), current=pairs[0][0])

    def seal(self, plaintext: bytes, *, context: bytes) -> bytes:
        """`plaintext` encrypted with the current key, to be opened in `context` only."""
        nonce = os.urandom(NONCE_BYTES)
        ciphertext = AESGCM(self.keys[self.current]).encrypt(nonce, plaintext, context)
        return self.current.encode() + b":" + nonce + ciphertext

    def open(self, sealed: bytes, *, context: bytes) -> bytes:
        """What was sealed in `context`. Raises SealBroken."""
        key_id, _, rest = sealed.partition(b":")
        key = self.keys.get(key_id.decode("ascii", "replace"))
        if key is None:
            raise SealBroken("Sealed with a key that is not in ENCRYPTION_KEYS")
        try:
            return AESGCM(key).decrypt(rest[:NONCE_BYTES], rest[NONCE_BYTES:], context)
        except (InvalidTag, ValueError):
            raise SealBroken("Altered, or sealed for another row") from None

    def is_current(self, sealed: bytes) -> bool:
        """Whether `sealed` was made with the current key."""
        return sealed.startswith(self.current.encode() + b":")


def keyring() -> Keyring:
    """The keyring of the settings. Raises KeyringError."""
    return parsed(settings.ENCRYPTION_KEYS)


@lru_cache(maxsize=8)
def parsed(text: str, setting: str = "ENCRYPTION_KEYS") -> Keyring:
    """`Keyring.parse`, once for each text."""
    return Keyring.parse(text, setting)


def _key(part: str, setting: str) -> tuple[str, bytes]:
    key_id, separator, encoded = part.partition(":")
    if not separator or not (key_id.isascii() and key_id.replace("-", "").replace("_", "").isalnum()):
        raise KeyringError(f"Each of {setting} is id:base64, the id of letters, digits, - and _")
    try:
        key = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        raise KeyringError(f"Key {key_id!r} of {setting} is not base64") from None
    if len(key) != KEY_BYTES:
        raise KeyringError(f"Key {key_id!r} of {setting} has {len(key)} bytes, not {KEY_BYTES}")
    return key_id, key

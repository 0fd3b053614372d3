"""Ids that look like Plaid's and follow from what they name, so that a restart does not change them."""

import hashlib
import secrets
import uuid
from typing import Final

# Letters and digits that are not mistaken for each other; upper and lower case differ, as with Plaid.
ALPHABET: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
LENGTH: Final = 37


def named(*parts: object) -> str:
    """The 37-character id of what `parts` name."""
    number = int.from_bytes(hashlib.sha512("\x00".join(map(str, parts)).encode()).digest(), "big")
    characters = []
    for _ in range(LENGTH):
        number, digit = divmod(number, len(ALPHABET))
        characters.append(ALPHABET[digit])
    return "".join(characters)


def request_id() -> str:
    """A fresh id for one answer."""
    return "".join(secrets.choice(ALPHABET) for _ in range(15))


def token(kind: str) -> str:
    """A fresh token: `access-sandbox-<uuid>` for the kind `access`."""
    return f"{kind}-sandbox-{uuid.uuid4()}"

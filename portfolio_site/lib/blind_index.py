"""How a sealed e-mail address is found again: by its keyed hash, under keys that do nothing else.

Equal addresses have equal hashes, so that one can be looked up, whole, and exists once. Without a key of LOOKUP_KEYS a
hash says nothing about its address, and cannot be tried out against a list of addresses.
"""

import hmac
from typing import Final

from django.conf import settings

from portfolio_site.lib.crypto import Keyring, parsed

BYTES: Final = 32


def lookup_keys() -> Keyring:
    """The keyring of LOOKUP_KEYS. Raises KeyringError."""
    return parsed(settings.LOOKUP_KEYS, "LOOKUP_KEYS")


def normal(address: str) -> str:
    """The form in which an address is stored and looked up: no spaces around it, lower case."""
    return address.strip().lower()


def blind_indexes(address: str) -> list[bytes]:
    """HMAC-SHA-256 of the address under each of LOOKUP_KEYS, 32 bytes each; the first is the one that is stored."""
    text = normal(address).encode()
    return [hmac.digest(key, text, "sha256") for key in lookup_keys().keys.values()]


def pseudonym(address: str) -> str:
    """What stands for an address where it only has to be told from others, in counters and locks: 64 hex digits."""
    return blind_indexes(address)[0].hex()

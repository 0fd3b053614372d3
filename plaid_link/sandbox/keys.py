"""ES256 keys that sign webhooks, published as JWKs. A key that is rotated out stays published, with its expiry."""

import base64
import hashlib
import time
import uuid
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from .errors import PlaidError

BYTES: Final = 32


def new_key(now: int) -> dict[str, Any]:
    """A key pair as it is stored: kid, PEM, times in epoch seconds."""
    private = ec.generate_private_key(ec.SECP256R1())
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return {"kid": str(uuid.uuid4()), "pem": pem.decode(), "created_at": now, "expired_at": None}


def published(key: dict[str, Any]) -> dict[str, Any]:
    """The JWK that Plaid would answer with."""
    numbers = _private(key).public_key().public_numbers()
    return {
        "alg": "ES256",
        "crv": "P-256",
        "kid": key["kid"],
        "kty": "EC",
        "use": "sig",
        "x": _encoded(numbers.x),
        "y": _encoded(numbers.y),
        "created_at": key["created_at"],
        "expired_at": key["expired_at"],
    }


def _private(key: dict[str, Any]) -> ec.EllipticCurvePrivateKey:
    private = serialization.load_pem_private_key(key["pem"].encode(), password=None)
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    return private


def _encoded(number: int) -> str:
    return base64.urlsafe_b64encode(number.to_bytes(BYTES, "big")).rstrip(b"=").decode()


def signature(key: dict[str, Any], body: bytes, *, now: float | None = None) -> str:
    """The JWT for the header `Plaid-Verification` of a webhook with this body."""
    claims = {"iat": int(now or time.time()), "request_body_sha256": hashlib.sha256(body).hexdigest()}
    return jwt.encode(claims, key["pem"], algorithm="ES256", headers={"kid": key["kid"]})


def rotate(keys: list[dict[str, Any]], now: int) -> dict[str, Any]:
    """Retires the current key, if any, and appends the next."""
    for key in keys:
        key["expired_at"] = key["expired_at"] or now
    keys.append(new_key(now))
    return keys[-1]


def find(keys: list[dict[str, Any]], kid: str) -> dict[str, Any]:
    """The key with an id. Raises PlaidError."""
    for key in keys:
        if key["kid"] == kid:
            return key
    raise PlaidError("INVALID_WEBHOOK_VERIFICATION_KEY_ID")

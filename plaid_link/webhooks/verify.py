"""Whether a webhook is Plaid's: https://plaid.com/docs/api/webhooks/webhook-verification/."""

import hashlib
import hmac
import time
from typing import Any

import jwt
from django.conf import settings
from jwt.exceptions import PyJWTError
from jwt.types import Options

from plaid_link.webhooks.fetch import fetch_key
from plaid_link.webhooks.keys import KeyRefused, VerificationKeys

MAX_AGE_SECONDS = 300
MAX_AHEAD_SECONDS = 30
MAX_TOKEN_LENGTH = 4096
LAST_SECOND = 10**11
# The claims are checked here: PyJWT knows no greatest age, and Plaid's have neither audience nor expiry.
NO_CLAIM_CHECKS: Options = {"verify_iat": False, "verify_exp": False, "verify_nbf": False, "verify_aud": False}

plaid_keys = VerificationKeys(fetch_key)


class NotVerified(Exception):
    """The webhook is not believed. `reason` is one of a few words, to count by; the message says more, for the log."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


def is_required() -> bool:
    """Verification can be switched off on a developer's machine only."""
    return bool(settings.PLAID_WEBHOOK_VERIFY or not settings.DEBUG)


def check_api_key(given: str) -> None:
    """The second lock, where one is set. Raises NotVerified."""
    wanted = settings.PLAID_WEBHOOK_API_KEY
    if wanted and not hmac.compare_digest(given.encode(), wanted.encode()):
        raise NotVerified("api_key", "X-API-Key is missing or wrong")


def verify(token: str, body: bytes, *, now: float | None = None) -> str:
    """Hold `Plaid-Verification` against the raw body. Returns the SHA-256, in hex, of what Plaid signed.

    The signature is left out of that digest: one signed text has many valid ES256 signatures. Raises NotVerified.
    """
    claims = _claims(token)
    _check_age(claims.get("iat"), time.time() if now is None else now)
    _check_body(claims.get("request_body_sha256"), body)
    return hashlib.sha256(token.rpartition(".")[0].encode()).hexdigest()


def _claims(token: str) -> dict[str, Any]:
    """What the token states, once its signature holds."""
    header = _header(token)
    if header.get("alg") != "ES256":
        raise NotVerified("algorithm", f"signed with {str(header.get('alg'))[:20]!r}, not ES256")
    try:
        key = plaid_keys.find(header.get("kid"))
        claims: dict[str, Any] = jwt.decode(token, key, algorithms=["ES256"], options=NO_CLAIM_CHECKS)
    except KeyRefused as error:
        raise NotVerified("key", str(error)) from error
    except PyJWTError as error:
        raise NotVerified("signature", type(error).__name__) from error
    return claims


def _header(token: str) -> dict[str, Any]:
    if not token:
        raise NotVerified("missing", "no Plaid-Verification header")
    if len(token) > MAX_TOKEN_LENGTH or not token.isascii():
        raise NotVerified("malformed", "not a token")
    try:
        return jwt.get_unverified_header(token)
    except PyJWTError as error:
        raise NotVerified("malformed", type(error).__name__) from error


def _check_age(issued_at: object, now: float) -> None:
    if isinstance(issued_at, bool) or not isinstance(issued_at, int | float) or not 0 < issued_at < LAST_SECOND:
        raise NotVerified("age", "no time of issue")
    if not -MAX_AHEAD_SECONDS <= now - issued_at <= MAX_AGE_SECONDS:
        raise NotVerified("age", f"issued {now - issued_at:.0f} s ago")


def _check_body(stated: object, body: bytes) -> None:
    digest = hashlib.sha256(body).hexdigest()
    if not isinstance(stated, str) or not hmac.compare_digest(stated.encode(), digest.encode()):
        raise NotVerified("body", "the body is not the one that was signed")

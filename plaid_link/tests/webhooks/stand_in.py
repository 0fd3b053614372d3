"""The scripted Plaid with keys to sign webhooks with, and answers for a small item."""

import hashlib
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from plaid_link.tests.scripted import (
    HOLDINGS,
    TRANSACTIONS,
    Answer,
    Body,
    ScriptedPlaid,
    error,
    holding,
    holdings_answer,
    paged,
    transaction,
)

KEY = "/webhook_verification_key/get"
ITEM = "/item/get"
REMOVE = "/item/remove"


@dataclass
class SigningKey:
    """An ES256 key pair with Plaid's metadata."""

    key_id: str
    expired_at: int | None = None
    private: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def jwk(self) -> Body:
        public = ECAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        about = {"alg": "ES256", "use": "sig", "kid": self.key_id, "created_at": 1, "expired_at": self.expired_at}
        return {"crv": public["crv"], "kty": public["kty"], "x": public["x"], "y": public["y"], **about}

    def sign(self, body: bytes, *, issued_at: float | None = None, **claims: Any) -> str:
        """The `Plaid-Verification` header for a body."""
        stated = {
            "iat": int(time.time() if issued_at is None else issued_at),
            "request_body_sha256": hashlib.sha256(body).hexdigest(),
            **claims,
        }
        return jwt.encode(stated, self.private, algorithm="ES256", headers={"kid": self.key_id})


class StandIn(ScriptedPlaid):
    """Knows the keys it made; its item is well, and holds ten Apple shares and their purchase."""

    def __init__(self) -> None:
        super().__init__()
        self.keys: dict[str, SigningKey] = {}
        self.answers = {
            KEY: self.answer_key,
            ITEM: item_answer(),
            REMOVE: {"request_id": "r"},
            HOLDINGS: holdings_answer(holding()),
            TRANSACTIONS: paged([transaction()]),
        }

    @property
    def calls(self) -> Counter[str]:
        """How often each path was asked."""
        return Counter(path for path, _ in self.asked)

    def new_key(self, **given: Any) -> SigningKey:
        """A key with an id that no other test has had: ids are cached in Redis."""
        key = SigningKey(str(uuid.uuid4()), **given)
        self.keys[key.key_id] = key
        return key

    def answer_key(self, request: Body) -> Answer:
        key = self.keys.get(request["key_id"])
        return {"key": key.jwk(), "request_id": "r"} if key else error("INVALID_WEBHOOK_VERIFICATION_KEY_ID")


def item_answer(error_code: str = "", *, consent_expiration_time: str | None = None) -> Body:
    """`/item/get` of an item that works, or that is in this error."""
    wrong = {"error_type": "ITEM_ERROR", "error_code": error_code, "error_message": "no"} if error_code else None
    return {"item": {"error": wrong, "consent_expiration_time": consent_expiration_time}, "request_id": "r"}

"""What a webhook's body says, read strictly: a body that two readers could take differently is refused."""

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

MAX_BODY_BYTES = 256 * 1024


class BadBody(Exception):
    """The body cannot be taken; the message says why, to Plaid."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """The fields that every webhook has, '' where one is missing or no text."""

    webhook_type: str
    webhook_code: str
    item_external_id: str
    environment: str


def parse(body: bytes) -> dict[str, Any]:
    """The body's JSON object. Raises BadBody."""
    if not body:
        raise BadBody("The body is empty")
    try:
        payload = json.loads(body, object_pairs_hook=_without_duplicates, parse_constant=_no_constant)
    except RecursionError:
        raise BadBody("The body is nested too deep") from None
    except ValueError:
        raise BadBody("The body is not JSON") from None
    if not isinstance(payload, dict):
        raise BadBody("The body is not a JSON object")
    return payload


def envelope(payload: dict[str, Any]) -> Envelope:
    """The fields we go by. Raises BadBody for a webhook of another environment than PLAID_HOST's."""
    environment = _text(payload, "environment", 20)
    if environment and environment != own_environment():
        raise BadBody(f"This is a webhook of {environment}; only those of {own_environment()} are taken here")
    return Envelope(
        webhook_type=_text(payload, "webhook_type", 60),
        webhook_code=_text(payload, "webhook_code", 60),
        item_external_id=_text(payload, "item_id", 100),
        environment=environment,
    )


def own_environment() -> str:
    """Plaid's name for the environment behind PLAID_HOST; the local Plaid server is a sandbox."""
    return "production" if urlsplit(settings.PLAID_HOST).hostname == "production.plaid.com" else "sandbox"


def _text(payload: dict[str, Any], name: str, longest: int) -> str:
    value = payload.get(name)
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > longest:
        raise BadBody(f"{name} is not a text of at most {longest} characters")
    return value


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        raise BadBody("The body has a key twice")
    return result


def _no_constant(name: str) -> float:
    raise BadBody(f"The body has {name}, which is not JSON")

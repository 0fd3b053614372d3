"""/webhook_verification_key/get"""

from typing import Any

from .. import keys
from ..server import Call, Server


def get(server: Server, call: Call) -> dict[str, Any]:
    """The public key with an id, rotated out or not."""
    return {"key": keys.published(keys.find(server.state.keys, call["key_id"]))}

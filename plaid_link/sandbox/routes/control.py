"""/_control/*: what only tests do. Faults, time, keys, and what the server has seen. Not part of Plaid's API."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from .. import keys
from ..errors import PlaidError
from ..server import Call, Server

SETTABLE: Final = frozenset({"login_required", "revoked", "removed", "consent_expires_at", "webhook"})


def add_fault(server: Server, call: Call) -> dict[str, Any]:
    """One fault; the body is `faults.Fault`."""
    try:
        return {"fault": asdict(server.faults.add(call.body))}
    except TypeError as error:
        raise PlaidError("INVALID_FIELD", str(error)) from error


def reset(server: Server, call: Call) -> dict[str, Any]:
    """No faults, real time, nothing counted. Items stay."""
    server.faults.waiting.clear()
    server.slipped_in.clear()
    server.requests.clear()
    server.outbox.deliveries.clear()
    server.clock.offset *= 0
    return {}


def seen(server: Server, call: Call) -> dict[str, Any]:
    """Requests by path, and webhooks with their attempts."""
    return {
        "requests": dict(server.requests),
        "webhooks": [asdict(delivery) for delivery in server.outbox.deliveries],
        "faults": [asdict(fault) for fault in server.faults.waiting],
    }


def set_clock(server: Server, call: Call) -> dict[str, Any]:
    """`now`: an ISO 8601 moment with its offset; time goes on from there."""
    server.clock.move_to(datetime.fromisoformat(call["now"]))
    return {"now": server.clock.stamp()}


def change_item(server: Server, call: Call) -> dict[str, Any]:
    """Sets fields of the item `item_id`, as the institution or the user would."""
    item = server.state.items[call["item_id"]]
    for name in SETTABLE & set(call.body):
        setattr(item, name, call[name])
    return {"item": asdict(item)}


def send_webhook(server: Server, call: Call) -> dict[str, Any]:
    """Any webhook: `item_id`, `webhook_type`, `webhook_code` and further facts."""
    facts = dict(call.body)
    item = server.state.items[facts.pop("item_id")]
    server.outbox.post(item, facts.pop("webhook_type"), facts.pop("webhook_code"), **facts)
    return {}


def rotate_key(server: Server, call: Call) -> dict[str, Any]:
    """Webhooks are signed with a new key from now on."""
    return {"kid": keys.rotate(server.state.keys, int(server.clock.now().timestamp()))["kid"]}


CONTROLS: Final[dict[str, Callable[[Server, Call], dict[str, Any]]]] = {
    "/_control/faults": add_fault,
    "/_control/reset": reset,
    "/_control/seen": seen,
    "/_control/clock": set_clock,
    "/_control/item": change_item,
    "/_control/webhook": send_webhook,
    "/_control/keys/rotate": rotate_key,
}

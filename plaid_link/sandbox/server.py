"""The server as its routes see it: memory, clock, faults, outgoing webhooks."""

import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import keys
from .clock import Clock
from .errors import PlaidError
from .faults import Fault, Faults
from .rates import Rates
from .state import Item, State
from .webhooks import Outbox


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How the server is run. `webhook_delay` in seconds; `retry_scale` 1 is Plaid's own schedule; `rate_limits` are
    those of production."""

    client_id: str = "sandbox"
    secret: str = "sandbox"
    state_file: Path | None = None
    webhook_delay: float = 0.5
    retry_scale: float = 1.0
    rate_limits: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """One request: its body, and the faults that hit it."""

    body: dict[str, Any]
    faults: tuple[Fault, ...] = ()

    def __getitem__(self, name: str) -> Any:
        return self.body[name]

    @property
    def options(self) -> dict[str, Any]:
        return self.body.get("options") or {}

    def hit_by(self, kind: str) -> bool:
        return any(fault.kind == kind for fault in self.faults)


class Server:
    """Everything that lives between requests."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.state = State(options.state_file)
        self.clock = Clock()
        self.faults = Faults()
        self.rates = Rates()
        self.outbox = Outbox(self.state, self.clock, delay=options.webhook_delay, time_scale=options.retry_scale)
        self.requests: Counter[str] = Counter()
        self.slipped_in: Counter[str] = Counter()  # rows added between two pages, by item
        if not self.state.keys:
            keys.rotate(self.state.keys, int(time.time()))
            self.state.save()

    def item(self, call: Call) -> Item:
        """The item of the call's access token. Raises PlaidError."""
        return self.state.item_of(call["access_token"])

    def working_item(self, call: Call) -> Item:
        """The item, where its institution can be asked. Raises PlaidError where the user must sign in again."""
        item = self.item(call)
        if item.login_required:
            raise PlaidError("ITEM_LOGIN_REQUIRED")
        return item

"""Webhooks out: signed, sent soon after what they tell of, and sent again while nobody accepts them."""

import asyncio
import logging
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import httpx
import orjson

from . import keys
from .clock import Clock
from .errors import PlaidError
from .state import Item, State

logger = logging.getLogger(__name__)

TIMEOUT: Final = 10.0
FIRST_RETRY: Final = 30.0
GROWTH: Final = 4
GIVE_UP_AFTER: Final = 86_400.0
ITEM_CODES: Final = (
    "ERROR",
    "LOGIN_REPAIRED",
    "NEW_ACCOUNTS_AVAILABLE",
    "PENDING_DISCONNECT",
    "PENDING_EXPIRATION",
    "USER_ACCOUNT_REVOKED",
    "USER_PERMISSION_REVOKED",
    "WEBHOOK_UPDATE_ACKNOWLEDGED",
)


def payload(item: Item, webhook_type: str, webhook_code: str, *, in_a_week: str, **facts: Any) -> dict[str, Any]:
    """The body of a webhook, with the fields that Plaid documents for its code; deadlines are `in_a_week`."""
    body = {"webhook_type": webhook_type, "webhook_code": webhook_code, "item_id": item.item_id, "error": None}
    return {**body, **_defaults(webhook_type, webhook_code, in_a_week), **facts, "environment": "sandbox"}


def _defaults(webhook_type: str, webhook_code: str, in_a_week: str) -> dict[str, Any]:
    if webhook_type == "HOLDINGS":
        return {"new_holdings": 0, "updated_holdings": 0}
    if webhook_type == "INVESTMENTS_TRANSACTIONS":
        return {"new_investments_transactions": 0, "cancelled_investments_transactions": 0}
    if webhook_code == "ERROR":
        return {"error": PlaidError("ITEM_LOGIN_REQUIRED").body()}
    if webhook_code == "USER_PERMISSION_REVOKED":
        return {"error": PlaidError("USER_PERMISSION_REVOKED").body()}
    if webhook_code == "PENDING_DISCONNECT":
        return {"reason": "INSTITUTION_MIGRATION", "disconnect_time": in_a_week}
    if webhook_code == "PENDING_EXPIRATION":
        return {"consent_expiration_time": in_a_week}
    return {}


@dataclass(slots=True)
class Delivery:
    """One webhook and what became of it: a status, or the error, for each attempt."""

    url: str
    body: dict[str, Any]
    attempts: list[int | str] = field(default_factory=list)
    delivered: bool = False


class Outbox:
    """Sends webhooks in the background. `time_scale` shortens Plaid's retry schedule (30 s, four times longer each,
    for 24 hours); `delay` is the wait in seconds before the first attempt."""

    def __init__(self, state: State, clock: Clock, *, delay: float, time_scale: float) -> None:
        self.state = state
        self.clock = clock
        self.delay = delay
        self.time_scale = time_scale
        self.deliveries: list[Delivery] = []
        self._tasks: set[asyncio.Task[None]] = set()

    def post(self, item: Item, webhook_type: str, webhook_code: str, **facts: Any) -> None:
        """Queues one for the item's webhook, if it has any."""
        if not item.webhook:
            return
        item.last_webhook = {"sent_at": self.clock.stamp(), "code_sent": webhook_code}
        in_a_week = self.clock.stamp(timedelta(days=7))
        delivery = Delivery(item.webhook, payload(item, webhook_type, webhook_code, in_a_week=in_a_week, **facts))
        self.deliveries.append(delivery)
        task = asyncio.get_running_loop().create_task(self._deliver(delivery))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Drops what is still waiting."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _deliver(self, delivery: Delivery) -> None:
        await asyncio.sleep(self.delay)
        wait, waited = FIRST_RETRY, 0.0
        while not await self._attempt(delivery):
            if waited + wait > GIVE_UP_AFTER:
                logger.warning("Giving up on %s for %s", delivery.body["webhook_code"], delivery.url)
                return
            await asyncio.sleep(wait * self.time_scale)
            waited, wait = waited + wait, wait * GROWTH

    async def _attempt(self, delivery: Delivery) -> bool:
        """Whether the receiver took it: 2xx within ten seconds. Each attempt is signed anew."""
        body = orjson.dumps(delivery.body)
        signed = keys.signature(self.state.keys[-1], body, now=self.clock.now().timestamp())
        headers = {"Content-Type": "application/json", "Plaid-Verification": signed}
        try:
            async with httpx.AsyncClient(timeout=TIMEOUT) as client:
                answer = await client.post(delivery.url, content=body, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            delivery.attempts.append(type(error).__name__)
            return False
        delivery.attempts.append(answer.status_code)
        delivery.delivered = answer.is_success
        return delivery.delivered

"""The product as real processes over the test's database, each of which a test may kill, stop and start."""

import json
import os
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx
from django.conf import settings
from django.db import connection
from redis import Redis

from plaid_link.models import WebhookEvent
from plaid_link.sandbox import keys
from plaid_link.sandbox.testing import PlaidServer, running
from portfolio_site.demo.processes import Supervisor
from portfolio_site.demo.stack import free_port
from portfolio_site.demo.waiting import wait_until
from portfolio_site.lib.embedded import redis

CHECKOUT = Path(__file__).resolve().parents[2]
PATIENCE = 120.0
COMMANDS = {
    "web": ("web", ["uvicorn", "portfolio_site.asgi:application", "--no-access-log", "--port", "{port}"]),
    "worker": ("worker", ["celery", "-A", "portfolio_site", "worker", "--queues=high,default,low", "--concurrency=1"]),
    "beat": ("worker", ["celery", "-A", "portfolio_site", "beat", "--pidfile={folder}/beat.pid"]),
}


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Product:
    """`start("web", "worker")` and so on; Redis and the local Plaid server run already."""

    folder: Path
    plaid: PlaidServer
    supervisor: Supervisor
    environment: dict[str, str]
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, *names: str) -> None:
        """Start processes by name; the web has answered when this returns."""
        for name in names:
            role, command = COMMANDS[name]
            filled = [part.format(port=self.port, folder=self.folder) for part in command]
            environment = {**self.environment, "LONGVIEW_ROLE": role}
            self.supervisor.start(name, sys.executable, "-m", *filled, environment=environment)
        if "web" in names:
            assert wait_until(self._answers, seconds=PATIENCE), self.supervisor.log_tail("web")

    def kill(self, name: str) -> None:
        """kill -9, with all its children."""
        child = self.supervisor.children.pop(name).process
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()

    def send(self, *bodies: bytes, at_once: int = 1) -> list[Answer]:
        """Webhooks, signed with Plaid's current key, so many at the same time."""
        key = json.loads((self.folder / "plaid.json").read_text())["keys"][-1]
        with ThreadPoolExecutor(at_once) as pool, httpx.Client(timeout=PATIENCE) as client:
            return list(pool.map(lambda body: self._post(client, body, keys.signature(key, body)), bodies))

    def settle(self, seconds: float = PATIENCE) -> None:
        """Return once every stored webhook is closed. Raises AssertionError with the worker's last words."""
        closed = wait_until(lambda: not WebhookEvent.objects.unfinished().exists(), seconds=seconds)
        waiting = list(WebhookEvent.objects.unfinished().values("status", "attempts", "next_try_at", "error"))
        assert closed, f"{waiting}\n{self.supervisor.log_tail('worker')}"

    @property
    def redis(self) -> Redis:
        return Redis.from_url(self.environment["REDIS_URL"])

    def stop_redis(self) -> None:
        redis.stop(self.folder)

    def start_redis(self) -> None:
        redis.ensure_running(self.folder)

    def _post(self, client: httpx.Client, body: bytes, token: str) -> Answer:
        headers = {"Content-Type": "application/json", "Plaid-Verification": token}
        response = client.post(f"{self.url}/api/webhooks/plaid", content=body, headers=headers)
        return Answer(response.status_code, response.elapsed.total_seconds())

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/health", timeout=5).status_code == 200
        except httpx.HTTPError:
            return False


@contextmanager
def product(folder: Path) -> Iterator[Product]:
    """Redis and the local Plaid server of one's own; whatever the test starts is stopped at the end."""
    parts = urlsplit(settings.DATABASE_URL)
    port = free_port()
    with running("--webhook-delay", "0.01", "--retry-scale", "0.02", state=folder / "plaid.json") as plaid:
        environment = {
            "DATABASE_URL": urlunsplit(parts._replace(path=f"/{connection.settings_dict['NAME']}")),
            "REDIS_URL": redis.ensure_running(folder),
            "PLAID_HOST": plaid.url,
            "LONGVIEW_VAR": str(folder),
        }
        supervisor = Supervisor(directory=CHECKOUT, log_directory=folder / "log")
        try:
            yield Product(folder, plaid, supervisor, environment, port)
        finally:
            supervisor.stop()
            redis.ENGINE.erase(folder)


def webhook(item_id: str, *code: str, **given: Any) -> bytes:
    """The raw body of a webhook about one item."""
    facts = {"webhook_type": code[0], "webhook_code": code[1], "item_id": item_id, "error": None}
    return json.dumps({**facts, **given, "environment": "sandbox"}).encode()

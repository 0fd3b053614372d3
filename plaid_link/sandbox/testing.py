"""For tests: the local Plaid server as a real process on a free port, and what they do to it.

Fixtures: `from plaid_link.sandbox.testing import plaid_process, plaid_server` in a conftest.
"""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import orjson
import pytest

from .process import ANNOUNCEMENT

PATIENCE: Final = 30.0
CREDENTIALS: Final = {"PLAID-CLIENT-ID": "sandbox", "PLAID-SECRET": "sandbox"}


@dataclass(frozen=True, slots=True)
class PlaidServer:
    """A running server. `url` is what PLAID_HOST takes; client id and secret are both `sandbox`."""

    url: str
    client_id: str = "sandbox"
    secret: str = "sandbox"

    def call(self, path: str, **body: Any) -> httpx.Response:
        """A raw request to Plaid's API."""
        return httpx.post(f"{self.url}{path}", json=body, headers=CREDENTIALS, timeout=PATIENCE)

    def control(self, name: str, **body: Any) -> dict[str, Any]:
        """A request to `/_control/<name>`, which must succeed."""
        answer = httpx.post(f"{self.url}/_control/{name}", json=body, timeout=PATIENCE)
        answer.raise_for_status()
        return dict(answer.json())

    def fail(self, path: str = "*", *, kind: str = "error", **fault: Any) -> None:
        """Asks for a fault on the next call of `path`; see `faults.Fault` for the rest."""
        self.control("faults", path=path, kind=kind, **fault)

    def public_token(
        self,
        username: str = "user_good",
        *,
        institution_id: str = "ins_12",
        webhook: str | None = None,
        custom: dict[str, Any] | None = None,
    ) -> str:
        """A fresh login, as if through Link. `custom`: a custom user's JSON, in place of a built-in one."""
        options: dict[str, Any] = {"override_username": "user_custom" if custom is not None else username}
        if custom is not None:
            options["override_password"] = orjson.dumps(custom).decode()
        if webhook:
            options["webhook"] = webhook
        body = {"institution_id": institution_id, "initial_products": ["investments"], "options": options}
        answer = self.call("/sandbox/public_token/create", **body)
        answer.raise_for_status()
        return str(answer.json()["public_token"])

    def link(self, username: str = "user_good", **how: Any) -> tuple[str, str]:
        """A fresh item: its access token and its id."""
        answer = self.call("/item/public_token/exchange", public_token=self.public_token(username, **how))
        answer.raise_for_status()
        return answer.json()["access_token"], answer.json()["item_id"]

    def requests(self, path: str) -> int:
        """How often a path was called since the last reset."""
        return int(self.control("seen")["requests"].get(path, 0))

    def wait_for(self, condition: Callable[[dict[str, Any]], bool], *, patience: float = PATIENCE) -> dict[str, Any]:
        """Polls what the server has seen until `condition` holds for it. Raises AssertionError when it never does."""
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            seen = self.control("seen")
            if condition(seen):
                return seen
            time.sleep(0.02)
        raise AssertionError(f"not seen within {patience} s: {seen}")


@contextmanager
def running(*arguments: str, state: Path | None = None) -> Iterator[PlaidServer]:
    """A server process of its own, stopped at the end. `arguments` as on the command line."""
    kept = ["--state", str(state)] if state else []
    command = [sys.executable, "-m", "plaid_link.sandbox", "--port", "0", "--control", *kept, *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2])
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith(ANNOUNCEMENT), f"the local Plaid server did not start: {line!r}"
        yield PlaidServer(line.removeprefix(ANNOUNCEMENT).strip())
    finally:
        process.terminate()
        process.wait(timeout=PATIENCE)


@pytest.fixture(scope="session")
def plaid_process() -> Iterator[PlaidServer]:
    """One server for the session; webhooks go out at once and retries follow within a second."""
    with running("--webhook-delay", "0.01", "--retry-scale", "0.002") as server:
        yield server


@pytest.fixture
def plaid_server(plaid_process: PlaidServer) -> Iterator[PlaidServer]:
    """The session's server without faults, at real time. Items of other tests stay; link fresh ones."""
    plaid_process.control("reset")
    yield plaid_process
    plaid_process.control("reset")

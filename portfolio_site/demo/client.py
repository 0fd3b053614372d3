"""The product as a client sees it: JSON over HTTP, and the local Plaid server standing in for Link."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import jwt

from portfolio_site.demo.waiting import wait_until

SANDBOX_KEYS = {"client_id": "sandbox", "secret": "sandbox"}
PRODUCTS = ["investments"]
POLL_SECONDS = 0.7  # within the limit of requests a minute
FINISHED = ("succeeded", "failed")


class Unexpected(AssertionError):
    """An answer that is not what the journey needs."""


@dataclass(slots=True)
class Client:
    """One signed-in user of the API at `web`, linking through the Plaid server at `plaid`."""

    web: str
    plaid: str
    http: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=30, follow_redirects=True))
    user_id: int = 0

    def sign_in(self, email: str, password: str) -> None:
        """Raises Unexpected when the credentials are refused."""
        answer = self.post("/api/auth/token/", {"email": email, "password": password})
        self.http.headers["Authorization"] = f"Bearer {answer['access']}"
        # Who we are stands in the token; the server checks its signature, a client only reads it.
        self.user_id = int(jwt.decode(answer["access"], options={"verify_signature": False})["user_id"])

    def get(self, path: str, **query: Any) -> Any:
        return _json(self._answered(lambda: self.http.get(f"{self.web}{path}", params=query)))

    def post(self, path: str, body: dict[str, Any]) -> Any:
        return _json(self._answered(lambda: self.http.post(f"{self.web}{path}", json=body)))

    def _answered(self, ask: Callable[[], httpx.Response]) -> httpx.Response:
        """Waits as long as it is told to where it has asked too often."""
        while (answer := ask()).status_code == httpx.codes.TOO_MANY_REQUESTS:
            time.sleep(float(answer.headers["Retry-After"]))
        return answer

    def link(self, *, institution: str, sandbox_user: str) -> dict[str, Any]:
        """Link an institution the way the page does; returns what the exchange answered (item_id, job_id)."""
        self.post("/api/plaid/investments/generate_link_token", {"user_id": self.user_id})
        body = {
            **SANDBOX_KEYS,
            "institution_id": institution,
            "initial_products": PRODUCTS,
            "options": {"override_username": sandbox_user, "override_password": "pass_good"},
        }
        public = _json(self.http.post(f"{self.plaid}/sandbox/public_token/create", json=body, headers={}))
        exchange = {"user_id": self.user_id, "public_token": public["public_token"]}
        answer: dict[str, Any] = self.post("/api/plaid/investments/exchange_public_token", exchange)
        return answer

    def wait_for_job(self, job_id: str, *, seconds: float = 120) -> dict[str, Any]:
        """The finished job. Raises Unexpected when it fails, or does not finish in time."""
        job: dict[str, Any] = {}

        def finished() -> bool:
            job.update(self.get(f"/api/jobs/{job_id}"))
            return job["state"] in FINISHED

        if not wait_until(finished, seconds=seconds, every=POLL_SECONDS) or job["state"] == "failed":
            raise Unexpected(f"Job {job_id}: {job.get('state')} {job.get('error') or job.get('message')}")
        return job

    def wait_for_history(self, *, seconds: float = 120) -> list[dict[str, Any]]:
        """The reconstruction of every account, once all of them are ready."""
        accounts: list[dict[str, Any]] = []

        def ready() -> bool:
            accounts[:] = self.get("/api/portfolio/reconstruction")["accounts"]
            return bool(accounts) and all(account["state"] == "ready" for account in accounts)

        if not wait_until(ready, seconds=seconds, every=POLL_SECONDS):
            raise Unexpected(f"History is not ready: {[(row['account_id'], row['state']) for row in accounts]}")
        return accounts


def _json(response: httpx.Response) -> Any:
    if response.is_error:
        raise Unexpected(
            f"{response.request.method} {response.request.url} answered {response.status_code}: {response.text[:300]}"
        )
    return response.json()

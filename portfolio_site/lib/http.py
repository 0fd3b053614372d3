"""The one way to ask a server of somebody else: bounded in time and size, and telling nobody its secrets.

A request has a timeout to connect, one between two pieces of the answer, and one for the whole; the answer may be only
so large once unpacked. Errors name the service and the status, never the address, which may carry a key.
"""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import httpx

CONNECT_SECONDS: Final = 5.0
LARGEST_ANSWER: Final = 16 * 2**20  # 5,000 days of prices are under a megabyte
AGENT: Final = "Longview/1.0 (portfolio history)"
_local = threading.local()


class Unreachable(Exception):
    """No answer, or none that could be read in time."""


class TooLarge(Exception):
    """An answer beyond what any true one is."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers in lower case, and the body, unpacked."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def retry_after(self) -> float | None:
        """The seconds that the server asks to wait, where it gives them as a number."""
        given = self.headers.get("retry-after", "")
        return float(given) if given.isdigit() else None


def get(url: str, *, params: Mapping[str, str], timeout: float, largest: int = LARGEST_ANSWER) -> Answer:
    """GET, without following redirects. Raises Unreachable or TooLarge; any status is an answer."""
    deadline = time.monotonic() + timeout
    limits = httpx.Timeout(timeout, connect=min(CONNECT_SECONDS, timeout))
    try:
        with _client().stream("GET", url, params=dict(params), timeout=limits) as response:
            body = bytearray()
            for piece in response.iter_bytes():
                body += piece
                if len(body) > largest:
                    raise TooLarge(f"more than {largest} bytes")
                if time.monotonic() > deadline:
                    raise Unreachable("the answer took too long")
            return Answer(response.status_code, dict(response.headers), bytes(body))
    except httpx.HTTPError as error:
        # Without the cause: its text has the address, and the address may have a key.
        raise Unreachable(type(error).__name__) from None


def _client() -> httpx.Client:
    """One client a thread: connections are kept, and a process that forks makes its own."""
    client: httpx.Client | None = getattr(_local, "client", None)
    if client is None:
        client = _local.client = httpx.Client(headers={"User-Agent": AGENT}, follow_redirects=False)
    return client

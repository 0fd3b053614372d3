"""Answers read within bounds: of bytes, packed ones too, and of seconds, however slowly they trickle in.

The official client reads the body of an error whole and unpacked before anybody can look at it, and a timeout of a
socket starts anew with every byte. So answers are read here, between the client and its pool of connections.
"""

import time
from dataclasses import dataclass
from typing import Any

import urllib3

# An answer of 500 transactions is about 300 kB; the largest holdings answers a few MB.
LARGEST_ANSWER = 64 * 2**20
CHUNK = 2**18


class TooLarge(ValueError):
    """An answer larger than any true one."""


class TooSlow(TimeoutError):
    """An answer that had begun, and did not end in time."""


@dataclass(frozen=True, slots=True)
class WholeAnswer:
    """An answer with all of its body, as far as the official client looks at one."""

    status: int
    reason: str | None
    headers: urllib3.HTTPHeaderDict
    data: bytes

    def getheaders(self) -> urllib3.HTTPHeaderDict:
        return self.headers


class BoundedPool:
    """A pool whose answers come whole, or not at all."""

    def __init__(self, pool: urllib3.PoolManager) -> None:
        self._pool = pool

    def request(self, method: str, url: str, *, timeout: urllib3.Timeout, **how: Any) -> WholeAnswer:
        """Raises TooLarge, TooSlow, and what urllib3 raises. `timeout` needs a total: it is for the body, too."""
        deadline = time.monotonic() + float(timeout.total or 0)
        response = self._pool.request(method, url, timeout=timeout, **{**how, "preload_content": False})
        try:
            body = _body(response, deadline)
        except BaseException:
            # What is left in the socket is no beginning of another answer.
            response.close()
            raise
        response.release_conn()
        return WholeAnswer(response.status, response.reason, response.headers, body)


def _body(response: urllib3.BaseHTTPResponse, deadline: float) -> bytes:
    parts: list[bytes] = []
    size = 0
    while part := response.read1(CHUNK, decode_content=True):
        size += len(part)
        if size > LARGEST_ANSWER:
            raise TooLarge
        if time.monotonic() > deadline:
            raise TooSlow
        parts.append(part)
    return b"".join(parts)

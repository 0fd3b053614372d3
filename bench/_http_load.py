"""Callers over kept-alive connections, each asking again as soon as it is answered.

The callers share the machine with what they measure, so they do as little as can be: of an answer its status, its
length and, where it matters, its tag are looked at, and the bytes are counted, not read.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import uvloop

HEAD = (
    "GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept-Encoding: gzip\r\nAuthorization: Bearer {token}\r\n"
    "{condition}\r\n"
)
CONDITION = "If-None-Match: {tag}\r\n"
Path = Callable[[int], str]  # of a caller's request, by its number


@dataclass(frozen=True, slots=True)
class Load:
    """Milliseconds of each answer, ascending; answers a second of all callers; the bytes of one answer.

    `share`: of one core, what the callers took themselves.
    """

    times: list[float]
    per_second: float
    size: int
    share: float

    def percentile(self, percent: int) -> float:
        return self.times[min(len(self.times) * percent // 100, len(self.times) - 1)]


def load(path: Path, tokens: Sequence[str], *, port: int, seconds: float, conditional: bool = False) -> Load:
    """One caller for each token; `conditional`: each tells the tag of the answer before.

    Raises SystemExit for an answer that is neither 200 nor, to those, 304, and where a connection is closed.
    """
    return uvloop.run(_load(path, tokens, port, seconds, conditional))


async def _load(path: Path, tokens: Sequence[str], port: int, seconds: float, conditional: bool) -> Load:
    start, used = time.perf_counter(), time.process_time()
    callers = [Caller(path, token, start + seconds, conditional) for token in tokens]
    loop = asyncio.get_running_loop()
    for caller in callers:
        await loop.create_connection(lambda caller=caller: caller, "127.0.0.1", port)
    await asyncio.gather(*(caller.done for caller in callers))
    taken = time.perf_counter() - start
    times = sorted(one for caller in callers for one in caller.times)
    return Load(times, len(times) / taken, callers[0].size, (time.process_time() - used) / taken)


class Caller(asyncio.Protocol):
    """One connection: a question, its answer, the next question, until it is late."""

    def __init__(self, path: Path, token: str, until: float, conditional: bool) -> None:
        self.path, self.token, self.until, self.conditional = path, token, until, conditional
        self.times: list[float] = []
        self.size, self.condition = 0, ""
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.WriteTransport = transport  # type: ignore[assignment]
        self._ask()

    def _ask(self) -> None:
        self.head, self.missing = b"", -1
        question = HEAD.format(path=self.path(len(self.times)), token=self.token, condition=self.condition)
        self.sent = time.perf_counter()
        self.transport.write(question.encode())

    def data_received(self, data: bytes) -> None:
        if self.missing < 0:
            self.head += data
            end = self.head.find(b"\r\n\r\n") + 4
            if end < 4:
                return
            self.missing = self._read(self.head[:end])
            data = self.head[end:]
        self.missing -= len(data)
        if not self.missing:
            self._answered()

    def _read(self, head: bytes) -> int:
        """The length of the body that follows."""
        status = head.split(b" ", 2)[1]
        if status not in (b"200", b"304"):
            raise SystemExit(head.decode())
        lines = head.lower()
        if self.conditional:
            self.condition = CONDITION.format(tag=_value(lines, b"etag").decode().replace("w/", "W/"))
        if status == b"304":
            return 0
        self.size = int(_value(lines, b"content-length"))
        return self.size

    def _answered(self) -> None:
        now = time.perf_counter()
        self.times.append((now - self.sent) * 1000)
        if now < self.until:
            self._ask()
        else:
            self.done.set_result(None)
            self.transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(error or SystemExit("A connection was closed before its time"))


def _value(head: bytes, name: bytes) -> bytes:
    """Of a header, whose name is in lower case as the whole head is."""
    return head.partition(b"\r\n" + name + b":")[2].partition(b"\r\n")[0].strip()

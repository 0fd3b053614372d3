"""Callers over kept-alive connections, each asking again as soon as it is answered."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from _webhook_load import body_length

HEAD = (
    "GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept-Encoding: gzip\r\nAuthorization: Bearer {token}\r\n"
    "{condition}\r\n"
)
CONDITION = "If-None-Match: {tag}\r\n"
Path = Callable[[int], str]  # of a caller's request, by its number


@dataclass(frozen=True, slots=True)
class Load:
    """Milliseconds of each answer, ascending; answers a second of all callers; the bytes of one answer."""

    times: list[float]
    per_second: float
    size: int

    def percentile(self, percent: int) -> float:
        return self.times[min(len(self.times) * percent // 100, len(self.times) - 1)]


def load(path: Path, tokens: Sequence[str], *, port: int, seconds: float, conditional: bool = False) -> Load:
    """One caller for each token; `conditional`: each tells the tag of the answer before.

    Raises SystemExit for an answer that is neither 200 nor, to those, 304.
    """
    return asyncio.run(_load(path, tokens, port, seconds, conditional))


async def _load(path: Path, tokens: Sequence[str], port: int, seconds: float, conditional: bool) -> Load:
    start = time.perf_counter()
    callers = [_caller(path, token, port, start + seconds, conditional) for token in tokens]
    answered = await asyncio.gather(*callers)
    taken = time.perf_counter() - start
    times = sorted(one for times, _size in answered for one in times)
    return Load(times, len(times) / taken, answered[0][1])


async def _caller(path: Path, token: str, port: int, until: float, conditional: bool) -> tuple[list[float], int]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**20)
    times, size, condition = [], 0, ""
    while not times or time.perf_counter() < until:
        sent = time.perf_counter()
        writer.write(HEAD.format(path=path(len(times)), token=token, condition=condition).encode())
        head = await reader.readuntil(b"\r\n\r\n")
        status = head.split(b" ", 2)[1]
        if status not in ((b"200",) if not condition else (b"200", b"304")):
            raise SystemExit(head.decode())
        size = 0 if status == b"304" else len(await reader.readexactly(body_length(head)))
        if conditional:
            tag = head.lower().partition(b"\r\netag:")[2].partition(b"\r\n")[0].strip().decode()
            condition = CONDITION.format(tag=tag.replace("w/", "W/"))
        times.append((time.perf_counter() - sent) * 1000)
    writer.close()
    return times, size

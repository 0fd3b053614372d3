"""Sending signed webhooks over kept-alive connections, each at its own second, with as little work as can be."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

HEAD = (
    "POST /api/webhooks/plaid HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    "Plaid-Verification: {token}\r\nContent-Length: {length}\r\n\r\n"
)


Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True, slots=True)
class Answered:
    """Milliseconds from when the request was due, or from when it was sent, to the whole answer; and its status."""

    since_due: float
    since_sent: float
    status: int


def request(body: bytes, token: str) -> bytes:
    """The bytes of one webhook on the wire."""
    return HEAD.format(token=token, length=len(body)).encode() + body


def send_all(requests: Sequence[bytes], *, port: int, seconds: float, connections: int) -> list[Answered]:
    """Send all, evenly over so many seconds, whether or not the earlier ones are answered yet."""
    return asyncio.run(_send_all(requests, port, seconds, connections))


async def _send_all(requests: Sequence[bytes], port: int, seconds: float, connections: int) -> list[Answered]:
    streams = [await asyncio.open_connection("127.0.0.1", port) for _ in range(connections)]
    free: asyncio.Queue[Stream] = asyncio.Queue()
    for stream in streams:
        free.put_nowait(stream)
    started, sending = time.perf_counter(), []
    for number, content in enumerate(requests):
        due = started + number * seconds / len(requests)
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        sending.append(asyncio.create_task(_send(content, due, free)))
    answered = await asyncio.gather(*sending)
    for _, writer in streams:
        writer.close()
    return answered


async def _send(content: bytes, due: float, free: asyncio.Queue[Stream]) -> Answered:
    reader, writer = await free.get()
    sent = time.perf_counter()
    writer.write(content)
    head = await reader.readuntil(b"\r\n\r\n")
    await reader.readexactly(body_length(head))
    now = time.perf_counter()
    free.put_nowait((reader, writer))
    return Answered((now - due) * 1000, (now - sent) * 1000, int(head.split(b" ", 2)[1]))


def body_length(head: bytes) -> int:
    """The body's length, as the head of the answer states it."""
    stated = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
    return int(stated)

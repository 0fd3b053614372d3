import asyncio
import contextvars
import zlib
from collections.abc import Coroutine, Generator
from typing import TypeVar

import pytest
from django.http import HttpRequest
from django.middleware.gzip import GZipMiddleware
from django.test import AsyncRequestFactory, RequestFactory

from portfolio_site.lib.streaming import streamed

T = TypeVar("T")


class Made:
    """Chunks that note how many were asked for, and whether they were closed."""

    def __init__(self) -> None:
        self.count, self.closed = 0, False

    def chunks(self) -> Generator[bytes, None, None]:
        try:
            while True:
                self.count += 1
                yield b"x"
        finally:
            self.closed = True


def _run(work: Coroutine[object, object, T]) -> T:
    """As a server would, with nothing of the tests before in its context variables."""
    return contextvars.Context().run(asyncio.run, work)


def _answer(request: HttpRequest, made: Made) -> object:
    return streamed(request, made.chunks(), content_type="text/csv", filename="a.csv")


def test_under_asgi_chunks_are_made_one_by_one_and_closed_when_the_client_leaves() -> None:
    made = Made()

    async def read_three() -> None:
        content = aiter(_answer(AsyncRequestFactory().get("/"), made))  # type: ignore[call-overload]
        for _ in range(3):
            assert await anext(content) == b"x"
        await content.aclose()
        while not made.closed:  # by a task of its own, soon
            await asyncio.sleep(0.01)

    _run(read_three())
    assert (made.count, made.closed) == (3, True)


@pytest.mark.django_db  # closing an answer ends its request
def test_under_wsgi_too() -> None:
    made = Made()
    answer = _answer(RequestFactory().get("/"), made)
    content = iter(answer)  # type: ignore[call-overload]
    assert [next(content) for _ in range(3)] == [b"x"] * 3
    answer.close()  # type: ignore[attr-defined]
    assert (made.count, made.closed) == (3, True)


def test_compressed_it_is_one_gzip_however_many_chunks_and_middlewares() -> None:
    """Django's own middleware makes one of each chunk, and clients read the first only."""
    texts = [b"one,two\r\n" * 9000, b"three\r\n" * 9000, b"four\r\n"]

    async def read() -> bytes:
        request = AsyncRequestFactory().get("/", headers={"Accept-Encoding": "gzip, br"})
        answer = streamed(request, (text for text in texts), content_type="text/csv", filename="a.csv")
        passed_on = GZipMiddleware(lambda _: answer)(request)
        assert passed_on["Content-Encoding"] == "gzip"
        return b"".join([part async for part in passed_on])

    unpacker = zlib.decompressobj(wbits=31)
    assert unpacker.decompress(_run(read())) == b"".join(texts)
    assert (unpacker.eof, unpacker.unused_data) == (True, b"")

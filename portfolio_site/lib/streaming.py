"""Answers longer than memory: sent while they are made."""

import zlib
from collections.abc import AsyncIterator, Generator

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse

Chunks = Generator[bytes, None, None]
GZIP = 16 + zlib.MAX_WBITS


def streamed(request: HttpRequest, chunks: Chunks, *, content_type: str, filename: str) -> StreamingHttpResponse:
    """A file made of chunks, closed when the client leaves. Chunks are made after the request's own transaction.

    Compressed here where the client takes it: Django's middleware makes each chunk of an asynchronous answer a gzip of
    its own, and clients read the first.
    """
    headers = {"Content-Disposition": f'attachment; filename="{filename}"', "Vary": "Accept-Encoding"}
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        chunks = _compressed(chunks)
        headers["Content-Encoding"] = "gzip"
    content = _asked_in_thread(chunks) if isinstance(request, ASGIRequest) else chunks
    return StreamingHttpResponse(content, content_type=content_type, headers=headers)


def _compressed(chunks: Chunks) -> Chunks:
    packer = zlib.compressobj(wbits=GZIP)
    try:
        for chunk in chunks:
            if packed := packer.compress(chunk):
                yield packed
        yield packer.flush()
    finally:
        chunks.close()


async def _asked_in_thread(chunks: Chunks) -> AsyncIterator[bytes]:
    """One by one in the request's thread, whose database connection they use: Django would make a list of them all."""
    step = sync_to_async(lambda: next(chunks, None))
    try:
        while (chunk := await step()) is not None:
            yield chunk
    finally:
        await sync_to_async(chunks.close)()

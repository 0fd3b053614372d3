"""The ASGI application: reads a request, finds its route, turns errors into Plaid's, applies the faults asked for."""

import asyncio
import logging
import re
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final
from urllib.parse import parse_qs

import orjson

from portfolio_site.lib import sessions

from . import identifiers, link_page
from .errors import PlaidError
from .faults import GARBAGE, Fault, gzip_bomb
from .routes import ROUTES, link
from .routes.control import CONTROLS
from .server import Call, Options, Server

logger = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

LARGEST_BODY: Final = 4_000_000
TRICKLE_BYTES: Final = 1000
QUANTITY: Final = re.compile(rb'("quantity":)-?[\d.]+')
READ_ONLY: Final = frozenset(path for path in ROUTES if path.endswith("/get") or "institutions" in path)


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back."""

    body: bytes
    status: int = 200
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    seconds_a_byte: float = 0.0


class Application:
    """One server behind one port. `control` opens `/_control/*` to tests."""

    def __init__(self, options: Options, *, control: bool = False) -> None:
        self.server = Server(options)
        self.control = control

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await _respond(send, await self._answer(scope, receive))

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        sessions.is_session(self.server.clock.today())  # loads the calendar before anybody waits for it
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.server.outbox.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        path = scope["path"]
        try:
            if scope["method"] == "GET":
                return _page(self.server, path, scope)
            return await self._post(path, _headers(scope), await _read(receive), receive)
        except PlaidError as error:
            return _failure(error)
        except Exception:
            logger.exception("%s failed", path)
            return _failure(PlaidError("INTERNAL_SERVER_ERROR"))

    async def _post(self, path: str, headers: dict[str, str], raw: bytes, receive: Receive) -> Answer:
        body = _parsed(raw)
        if path in CONTROLS and self.control:
            return self._ran(CONTROLS[path](self.server, Call(body)))
        if path == "/link/complete":
            return self._ran(link.complete(self.server, Call(body)))
        if path not in ROUTES:
            raise PlaidError("NOT_FOUND")
        self.server.requests[path] += 1
        self._authenticate(headers, body)
        return await self._call(path, body, receive)

    def _ran(self, answer: dict[str, Any]) -> Answer:
        self.server.state.save()
        return _json(answer)

    def _authenticate(self, headers: dict[str, str], body: dict[str, Any]) -> None:
        """Client id and secret in the headers or in the body. Raises PlaidError."""
        options = self.server.options
        given = (
            str(headers.get("plaid-client-id") or body.get("client_id") or ""),
            str(headers.get("plaid-secret") or body.get("secret") or ""),
        )
        expected = (options.client_id, options.secret)
        if not all(secrets.compare_digest(a.encode(), b.encode()) for a, b in zip(given, expected, strict=True)):
            raise PlaidError("INVALID_API_KEYS")

    async def _call(self, path: str, body: dict[str, Any], receive: Receive) -> Answer:
        route = ROUTES[path]
        for code, names in (("MISSING_FIELDS", route.missing(body)), ("UNKNOWN_FIELDS", route.unknown(body))):
            if names:
                raise PlaidError(code, ", ".join(names))
        item_id = self._item_id(body)
        if self.server.options.rate_limits:
            self.server.rates.count(path, item_id, self.server.clock.now())
        faults = self.server.faults.take(path, item_id)
        if broken := await _broken(faults, receive):
            return broken
        answer = {**route.handler(self.server, Call(body, tuple(faults))), "request_id": identifiers.request_id()}
        if path not in READ_ONLY:
            self.server.state.save()
        return _spoiled(answer, faults)

    def _item_id(self, body: dict[str, Any]) -> str | None:
        token = body.get("access_token")
        return next((item.item_id for item in self.server.state.items.values() if item.access_token == token), None)


async def _broken(faults: list[Fault], receive: Receive) -> Answer | None:
    """The answer that faults put in place of the true one, if any. Raises PlaidError for an error asked for."""
    for fault in faults:
        if fault.kind == "delay":
            await asyncio.sleep(fault.seconds)
        if fault.kind == "hang":
            await receive()  # returns when the client has given up
            return Answer(b"")
        if fault.kind == "trickle":
            return Answer(b" " * TRICKLE_BYTES, seconds_a_byte=fault.seconds)
        if fault.kind == "bomb":
            return Answer(gzip_bomb(), fault.status or 200, headers={"Content-Encoding": "gzip"})
        if fault.kind == "garbage":
            body, content_type = GARBAGE[fault.form]
            return Answer(body, content_type=content_type)
        if fault.kind == "error":
            wait = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
            raise PlaidError(fault.code, status=fault.status, headers=wait)
    return None


def _spoiled(answer: dict[str, Any], faults: list[Fault]) -> Answer:
    """The true answer, with a part left out or an absurd number in it where that was asked for."""
    for fault in faults:
        if fault.kind == "drop_field":
            answer.pop(fault.field, None)
    spoiled = _json(answer)
    for fault in faults:
        if fault.kind == "number":
            spoiled = Answer(QUANTITY.sub(rb"\g<1>" + fault.form.encode(), spoiled.body, count=1))
    return spoiled


def _headers(scope: Scope) -> dict[str, str]:
    return {name.decode().lower(): value.decode("latin-1") for name, value in scope["headers"]}


async def _read(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += bytes(message.get("body", b""))
        if len(body) > LARGEST_BODY:
            raise PlaidError("INVALID_BODY")
        if not message.get("more_body"):
            return body


def _parsed(raw: bytes) -> dict[str, Any]:
    try:
        body = orjson.loads(raw or b"{}")
    except orjson.JSONDecodeError as error:
        raise PlaidError("INVALID_BODY") from error
    if not isinstance(body, dict):
        raise PlaidError("INVALID_BODY")
    return body


def _page(server: Server, path: str, scope: Scope) -> Answer:
    query = {name: values[0] for name, values in parse_qs(scope["query_string"].decode()).items()}
    page = link_page.page(server, path, query)
    return Answer(page.body, page.status, page.content_type, page.headers)


def _json(answer: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None) -> Answer:
    return Answer(orjson.dumps(answer, default=_number), status, headers=headers or {})


def _number(value: object) -> orjson.Fragment:
    """Decimals keep every digit."""
    if isinstance(value, Decimal):
        return orjson.Fragment(format(value, "f"))
    raise TypeError(f"{type(value)} in an answer")


def _failure(error: PlaidError) -> Answer:
    return _json(error.body(identifiers.request_id()), error.status, error.headers)


async def _respond(send: Send, answer: Answer) -> None:
    headers = {"Content-Type": answer.content_type, "Content-Length": str(len(answer.body)), **answer.headers}
    encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": encoded})
    if answer.seconds_a_byte:
        for byte in answer.body:
            await send({"type": "http.response.body", "body": bytes([byte]), "more_body": True})
            await asyncio.sleep(answer.seconds_a_byte)
    await send({"type": "http.response.body", "body": b"" if answer.seconds_a_byte else answer.body})

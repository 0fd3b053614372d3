"""Answers read within bounds of bytes and seconds, from a server that keeps to neither."""

import gzip
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import urllib3

from plaid_link.sources.plaid.bounded import BoundedPool, TooLarge, TooSlow

MEBIBYTE = 2**20
Serve = Callable[..., str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """`serve(body, packed=, status=, pause=)` gives a URL that answers so; `pause` seconds before each byte."""
    servers: list[ThreadingHTTPServer] = []

    def start(body: bytes, *, packed: bool = False, status: int = 200, pause: float = 0.0) -> str:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("X-Kept", "yes")
                if packed:
                    self.send_header("Content-Encoding", "gzip")
                self.end_headers()
                for part in [bytes([byte]) for byte in body] if pause else [body]:
                    time.sleep(pause)
                    self.wfile.write(part)

            def log_message(self, *_: Any) -> None:
                """Quiet."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        return f"http://127.0.0.1:{server.server_address[1]}/"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def ask(url: str, *, seconds: float = 10.0) -> Any:
    pool = BoundedPool(urllib3.PoolManager(retries=False))
    return pool.request("POST", url, body="{}", timeout=urllib3.Timeout(total=seconds), preload_content=True)


@pytest.mark.parametrize("status", [200, 400, 503])
@pytest.mark.parametrize("packed", [True, False])
def test_an_answer_comes_whole(serve: Serve, status: int, packed: bool) -> None:
    text = b'{"accounts": []}' * 100_000
    answer = ask(serve(gzip.compress(text) if packed else text, packed=packed, status=status))
    assert (answer.status, answer.data) == (status, text)
    assert answer.getheaders()["x-kept"] == "yes"


def test_an_empty_answer_is_one(serve: Serve) -> None:
    assert ask(serve(b"")).data == b""


@pytest.mark.parametrize("status", [200, 500])
def test_a_bomb_is_left_before_it_is_unpacked(serve: Serve, status: int) -> None:
    bomb = gzip.compress(b" " * MEBIBYTE) * 4096
    with pytest.raises(TooLarge):
        ask(serve(bomb, packed=True, status=status))


@pytest.mark.parametrize("status", [200, 500])
def test_a_trickle_ends_with_the_time_for_the_whole(serve: Serve, status: int) -> None:
    began = time.monotonic()
    with pytest.raises(TooSlow):
        ask(serve(b" " * 100, status=status, pause=0.1), seconds=0.5)
    assert time.monotonic() - began < 3

"""Real worker processes at one provider: nothing is fetched twice, a dead one's claim is taken over."""

import json
import multiprocessing
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import PurePosixPath
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
from django.db import connections
from django.utils import timezone

from history.market import leases, prices
from history.market.prices import ensure_prices
from history.models import MarketSymbol, Price
from history.providers import DataProviderChain, resilience
from history.providers.base import ProviderError
from history.providers.remote import Access
from history.providers.resilience import Patience
from history.providers.yahoo import Yahoo
from history.tests.price_worker import FRIDAY, MONDAY, work
from history.tests.providers import Listed
from history.tests.test_rebuild_killed import environment, wait_for

pytestmark = [pytest.mark.fault, pytest.mark.usefixtures("committed")]

DAYS = [MONDAY + timedelta(days=number) for number in range(5)]
FORKED: Final = multiprocessing.get_context("forkserver")


class Exchange:
    """A provider on the network that counts who asked for what, and can keep everybody waiting."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.status, self.open = 200, threading.Event()
        self.meeting: threading.Barrier | None = None
        self.open.set()
        self._lock = threading.Lock()

    def answer(self, symbol: str) -> int:
        """The status, once it is time to answer."""
        with self._lock:
            self.asked[symbol] += 1
            meets = self.meeting is not None and sum(self.asked.values()) <= self.meeting.parties
        if meets and self.meeting:
            self.meeting.wait(30)
        self.open.wait(30)
        return self.status


def _handler(exchange: Exchange) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = exchange.answer(PurePosixPath(urlsplit(self.path).path).name), json.dumps(_chart()).encode()
            with suppress(ConnectionError):  # who asked may be dead by now
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, *said: Any) -> None:
            """Says nothing."""

    return Handler


def _chart() -> dict[str, Any]:
    opens = [int(datetime(day.year, day.month, day.day, 14, 30, tzinfo=UTC).timestamp()) for day in DAYS]
    meta = {"exchangeTimezoneName": "America/New_York", "currency": "USD"}
    columns = {"quote": [{"close": [10.0] * 5}], "adjclose": [{"adjclose": [10.0] * 5}]}
    return {"chart": {"result": [{"meta": meta, "timestamp": opens, "indicators": columns}], "error": None}}


@dataclass
class Worker:
    """A process of its own, and what it says."""

    process: BaseProcess
    lines: Connection

    def said(self, beginning: str) -> str:
        """The next line that begins so."""
        while True:
            assert self.lines.poll(60), "it says nothing"
            line = str(self.lines.recv())
            if line.startswith(beginning):
                return line

    def kill(self) -> None:
        self.process.kill()
        self.process.join()


@pytest.fixture(scope="module")
def address(django_db_setup: None) -> Iterator[ThreadingHTTPServer]:
    """A server of the module's, known to the process that workers are forked from: it is loaded once for all."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    reached = {
        "MARKET_DATA_PROVIDERS": "yahoo",
        "YAHOO_URL": f"http://127.0.0.1:{server.server_port}",
        "YAHOO_CALLS_PER_MINUTE": "100000",
        "PROVIDER_RETRY_SECONDS": "0.01,0.01,0.01",
    }
    with pytest.MonkeyPatch.context() as patched:
        for name, value in {**environment(), **reached}.items():
            patched.setenv(name, value)
        FORKED.set_forkserver_preload(["history.tests.price_worker"])
        forkserver.ensure_running()
    yield server
    server.shutdown()


@pytest.fixture
def exchange(address: ThreadingHTTPServer) -> Iterator[Exchange]:
    made = Exchange()
    address.RequestHandlerClass = _handler(made)
    resilience.breaker("yahoo").close()
    yield made
    made.open.set()
    resilience.breaker("yahoo").close()


@contextmanager
def worker(symbols: list[MarketSymbol]) -> Iterator[Worker]:
    """A process of its own that wants the week's prices of the symbols."""
    ours, theirs = FORKED.Pipe(duplex=False)
    process = FORKED.Process(target=work, args=([symbol.pk for symbol in symbols], theirs))
    process.start()
    theirs.close()
    started = Worker(process, ours)
    try:
        yield started
    finally:
        started.kill()


def symbols(count: int) -> list[MarketSymbol]:
    return [MarketSymbol.objects.create(symbol=f"S{number:02}") for number in range(count)]


def test_two_processes_that_want_the_same_fetch_it_once(exchange: Exchange) -> None:
    wanted = symbols(60)
    exchange.meeting = threading.Barrier(2)  # nobody is answered before both have asked for something
    with worker(wanted) as one, worker(wanted) as other:
        assert [process.said("prices") for process in (one, other)] == ["prices 300 failed 0"] * 2
    assert exchange.asked == Counter(symbol.symbol for symbol in wanted)
    assert Price.objects.count() == 300


def test_the_claim_of_a_killed_process_runs_out_and_is_taken_over(exchange: Exchange) -> None:
    wanted = symbols(3)
    exchange.open.clear()
    with ExitStack() as running:
        doomed = running.enter_context(worker(wanted))
        wait_for(lambda: exchange.asked["S00"] == 1, "the first question")
        doomed.kill()
        exchange.open.set()
        heir = running.enter_context(worker(wanted))
        heir.said("looked 0.00")  # it has found everything claimed, and waits
        assert exchange.asked == Counter(["S00"])
        assert MarketSymbol.objects.filter(claimed_until__gt=timezone.now()).count() == 3
        MarketSymbol.objects.update(claimed_until=timezone.now())  # two minutes go by
        assert heir.said("prices") == "prices 15 failed 0"
    assert exchange.asked == Counter({"S00": 2, "S01": 1, "S02": 1})
    assert not MarketSymbol.objects.exclude(claimed_until=None).exists()


def test_processes_share_the_breaker_that_their_retries_have_opened(
    exchange: Exchange, address: ThreadingHTTPServer
) -> None:
    """Each question is asked four times; after the third that fails nobody asks any more, in either process."""
    exchange.status = 503
    reached = Access(f"http://127.0.0.1:{address.server_port}", "", 5.0, per_minute=100_000)
    ours = Yahoo(reached, Patience(delays=(0.0, 0.0, 0.0), sleep=lambda seconds: None))
    for name in ("OURS1", "OURS2"):
        with pytest.raises(ProviderError, match="yahoo has trouble"):
            ours.daily_prices([name], MONDAY, FRIDAY)
    with worker(symbols(1)) as process:
        assert process.said("prices") == "prices 0 failed 1"
    with pytest.raises(ProviderError, match="left alone for a minute"):
        ours.daily_prices(["OURS3"], MONDAY, FRIDAY)
    assert exchange.asked == Counter({"OURS1": 4, "OURS2": 4, "S00": 4})


class Slow(Listed):
    """Answers when it is let go."""

    def daily_prices(self, *asked: Any) -> Any:
        let_go.wait(30)
        return super().daily_prices(*asked)


let_go = threading.Event()


def test_a_claim_is_renewed_while_its_holder_lives_and_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (leases, prices):
        monkeypatch.setattr(module, "LEASE", timedelta(milliseconds=400))
    (symbol,) = symbols(1)
    slow = DataProviderChain([Slow({"S00": "10"})])

    def work() -> None:
        try:
            ensure_prices(symbol_ids=[symbol.pk], start=MONDAY, end=FRIDAY, chain=slow)
        finally:
            connections.close_all()

    def claimed() -> datetime | None:
        return MarketSymbol.objects.values_list("claimed_until", flat=True).get()

    let_go.clear()
    holder = threading.Thread(target=work)
    holder.start()
    try:
        wait_for(lambda: claimed() is not None, "the claim")
        first = claimed()
        assert first is not None
        wait_for(lambda: timezone.now() > first + timedelta(seconds=1), "more than two leases")
        later = claimed()
        assert later is not None
        assert later > timezone.now()
    finally:
        let_go.set()
        holder.join(30)
    assert (claimed(), Price.objects.count()) == (None, 5)

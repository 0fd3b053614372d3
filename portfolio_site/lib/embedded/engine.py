"""The life of an engine, the same for PostgreSQL and Redis: find it running, start it once, end it with all it left."""

import socket
from abc import ABC, abstractmethod
from pathlib import Path

from portfolio_site.lib.embedded import processes
from portfolio_site.lib.embedded.accounts import Account, account_for
from portfolio_site.lib.embedded.errors import EngineError
from portfolio_site.lib.embedded.places import Place

START_SECONDS = 120  # recovery after a crash included
BUSY_SECONDS = 10  # how long a server that lives but does not answer may be busy before it counts as lost
ANSWER_SECONDS = 5


class Engine(ABC):
    """One kind of server. All methods take `var`, the directory under which the engine of a checkout lives."""

    name: str
    program: str
    socket_name: str
    stop_steps: tuple[processes.Step, ...]

    def ensure_running(self, var: Path, *, durable: bool = True) -> str:
        """The URL of the engine of `var`, made and started if need be; a running one is used as it is.

        `durable=False` starts it without syncing to disk, for tests. Raises EngineError.
        """
        place = Place(var, self.name)
        if not self.is_running(var):
            with place.lock():
                if not self.is_running(var) and not self._is_only_busy(place):
                    self._start(place, durable)
        return self.url(var)

    def stop(self, var: Path) -> bool:
        """Stops the engine of `var` and keeps its data; returns whether one was running. Raises EngineError."""
        place = Place(var, self.name)
        if not place.entry.exists():
            return False
        with place.lock():
            return self._end(place)

    def erase(self, var: Path) -> None:
        """Stops the engine of `var` and removes its data."""
        place = Place(var, self.name)
        if place.entry.exists() or place.entry.is_symlink():
            with place.lock():
                self._end(place)
                place.erase()

    def is_running(self, var: Path) -> bool:
        """Whether the engine of `var` is up and takes commands."""
        place = Place(var, self.name)
        return place.sockets is not None and self._answers(place, place.sockets / self.socket_name)

    def url(self, var: Path) -> str:
        """The URL of the engine last started under `var`. Raises EngineError when there was none."""
        sockets = Place(var, self.name).sockets
        if sockets is None:
            raise EngineError(f"No {self.name} has been started under {var}.")
        return self._url(sockets)

    @abstractmethod
    def _url(self, sockets: Path) -> str:
        """The URL of the server whose socket lies in `sockets`."""

    @abstractmethod
    def _answers(self, place: Place, path: Path) -> bool:
        """Whether the server on the socket `path` takes commands."""

    @abstractmethod
    def _prepare(self, place: Place, account: Account) -> Path:
        """Makes the data directory if there is none; returns the program to run."""

    @abstractmethod
    def _options(self, place: Place, path: Path, durable: bool) -> list[str]:
        """The arguments of the program that make it listen on the socket `path`, and nowhere else."""

    def _is_only_busy(self, place: Place) -> bool:
        """Whether a server that lives but did not answer does so in a while; one without a socket never will."""
        sockets = place.sockets
        if sockets is None or not (sockets / self.socket_name).exists():
            return False
        processes.wait_until(lambda: self.is_running(place.var) or not self._lives(place), seconds=BUSY_SECONDS)
        return self.is_running(place.var)

    def _lives(self, place: Place) -> bool:
        return bool(processes.working_in(place.data, program=self.program))

    def _start(self, place: Place, durable: bool) -> None:
        account = account_for(place.home)
        place.settle(account)
        self._end(place)
        program = self._prepare(place, account)
        path = place.open_sockets(account, longest_name=self.socket_name) / self.socket_name
        command: list[str | Path] = [program, *self._options(place, path, durable)]
        pid = processes.spawn(command, account=account, cwd=place.data, log=place.log)
        processes.wait_until(lambda: self.is_running(place.var) or not processes.is_alive(pid), seconds=START_SECONDS)
        if not self.is_running(place.var):
            self._end(place)
            raise EngineError(f"{self.name} does not start; the end of {place.log}:\n{place.log_tail()}")

    def _end(self, place: Place) -> bool:
        """Ends the server, or what a killed one has left, and its sockets."""
        was_running = processes.end(place.data, program=self.program, steps=self.stop_steps)
        place.close_sockets()
        return was_running


def converse(path: Path, request: bytes) -> bytes:
    """The first bytes that the server on the Unix socket `path` answers to `request`; none when it does not in time.

    A connection alone proves nothing: the kernel accepts it for a server that is stopped or dying.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(ANSWER_SECONDS)
        try:
            client.connect(str(path))
            client.sendall(request)
            return client.recv(64)
        except OSError:
            return b""

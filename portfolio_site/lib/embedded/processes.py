"""The processes of an engine, known by their program and working directory.

A process id in a file says nothing after a `kill -9`, a reboot or a copied checkout: the number may be someone else's.
PostgreSQL and Redis both work inside their data directory, and `/proc` tells who does.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from portfolio_site.lib.embedded.accounts import Account, engine_environment
from portfolio_site.lib.embedded.errors import EngineError

PROC = Path("/proc")
POLL_SECONDS = 0.01

Step = tuple[signal.Signals, float]


def spawn(command: Sequence[str | Path], *, account: Account, cwd: Path, log: Path) -> int:
    """Starts a process that outlives us, detached from our terminal and process group; returns its process id.

    The shell in between makes the engine a child of init, which reaps it, and takes the arguments as they are, so that
    spaces and quotes in paths mean nothing to it.
    """
    script = '"$@" </dev/null >>"$0" 2>&1 & echo $!'
    done = subprocess.run(
        ["/bin/sh", "-c", script, str(log), *(str(part) for part in command)],
        cwd=cwd,
        env=engine_environment(),
        text=True,
        stdout=subprocess.PIPE,
        start_new_session=True,
        umask=0o077,
        check=True,
        **account.identity(),
    )
    return int(done.stdout)


def working_in(directory: Path, *, program: str) -> list[int]:
    """The ids of the processes of `program` whose working directory is, or was before its removal, `directory`."""
    if not PROC.joinpath("self", "cwd").exists():
        raise EngineError("The embedded engines need Linux (/proc). Set DATABASE_URL and REDIS_URL.")
    places = {str(directory), f"{directory} (deleted)"}
    return [pid for pid in _process_ids() if _read(pid, "comm") == program and _cwd(pid) in places]


def end(directory: Path, *, program: str, steps: Sequence[Step]) -> bool:
    """Ends the engine of `directory`, one (signal, seconds to wait) after the other; False if nothing was running.

    Raises EngineError when it survives them all.
    """
    if not working_in(directory, program=program):
        return False
    for sent, seconds in steps:
        for pid in _leaders(working_in(directory, program=program)):
            _send(pid, sent)
        if wait_until(lambda: not working_in(directory, program=program), seconds=seconds):
            return True
    raise EngineError(f"{program} in {directory} does not stop: {working_in(directory, program=program)}")


def wait_until(holds: Callable[[], bool], *, seconds: float) -> bool:
    """Polls until `holds()` is true or the time is over; returns whether it came true."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def is_alive(pid: int) -> bool:
    """Whether the process runs; a zombie that nobody has reaped does not."""
    status = _read(pid, "stat")
    return bool(status) and status.rpartition(")")[2].split()[0] not in "ZX"


def _process_ids() -> Iterator[int]:
    return (int(entry) for entry in os.listdir(PROC) if entry.isdigit())


def _leaders(pids: list[int]) -> list[int]:
    """Those that no other of them started: the server, or what a killed server has left behind."""
    return [pid for pid in pids if _parent(pid) not in pids]


def _parent(pid: int) -> int:
    status = _read(pid, "stat")
    return int(status.rpartition(")")[2].split()[1]) if status else 0


def _read(pid: int, name: str) -> str:
    try:
        return PROC.joinpath(str(pid), name).read_text().strip()
    except OSError:
        return ""


def _cwd(pid: int) -> str:
    try:
        return os.readlink(PROC / str(pid) / "cwd")
    except OSError:
        return ""


def _send(pid: int, sent: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, sent)

"""Engines for one test session alone: sessions side by side, and a demo beside them, never share a database."""

import atexit
import fcntl
import itertools
import os
import signal
import sys
from pathlib import Path
from types import FrameType

from portfolio_site.lib.embedded import postgres, redis

_held: list[int] = []  # open files: the lock on each lasts as long as this process, however it ends


def claim(var: Path) -> Path:
    """The first directory `var/test-<n>` that no living session holds, held by this process until it ends.

    Engines started in it are stopped at exit, and on SIGTERM; after a `kill -9` the next session takes them over.
    """
    for number in itertools.count(1):
        directory = var / f"test-{number}"
        directory.mkdir(parents=True, exist_ok=True)
        if _hold(directory / "session.lock"):
            break
    atexit.register(_stop, directory, os.getpid())
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _exit)
    return directory


def _hold(path: Path) -> bool:
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return False
    _held.append(handle)
    return True


def _stop(directory: Path, claimant: int) -> None:
    """A fork of the claimant ends without stopping what is not its own."""
    if os.getpid() == claimant:
        postgres.stop(directory)
        redis.stop(directory)


def _exit(received: int, frame: FrameType | None) -> None:
    sys.exit(128 + received)

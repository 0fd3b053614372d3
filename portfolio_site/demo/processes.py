"""Child processes: started with a log each, restarted when they die, stopped together."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

STOP_SECONDS = 15
RESTARTS = 5
PR_SET_PDEATHSIG = 1


class ProcessFailed(RuntimeError):
    """A process that ended when it should not have, with the end of its log."""


@dataclass(slots=True)
class Child:
    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    process: "subprocess.Popen[bytes]"
    restarts: int = 0


@dataclass(slots=True)
class Supervisor:
    """Keeps children running under `directory`; their output goes to `<log_directory>/<name>.log`."""

    directory: Path
    log_directory: Path
    children: dict[str, Child] = field(default_factory=dict)

    def run(self, name: str, *command: str, environment: Mapping[str, str]) -> None:
        """Run a command to its end. Raises ProcessFailed with what it said when it fails."""
        with self._log(name) as log:
            done = subprocess.run(
                command, cwd=self.directory, env={**os.environ, **environment}, stdout=log, stderr=log, check=False
            )
        if done.returncode != 0:
            raise ProcessFailed(f"{name} failed:\n{self.log_tail(name)}")

    def start(self, name: str, *command: str, environment: Mapping[str, str]) -> None:
        self.children[name] = Child(name, command, environment, self._spawn(name, command, environment))

    def restart_dead(self) -> list[str]:
        """Start again whatever has died; returns their names. Raises ProcessFailed for one that keeps dying."""
        dead = [child for child in self.children.values() if child.process.poll() is not None]
        for child in dead:
            if child.restarts >= RESTARTS:
                raise ProcessFailed(f"{child.name} keeps dying:\n{self.log_tail(child.name)}")
            child.restarts += 1
            child.process = self._spawn(child.name, child.command, child.environment)
        return [child.name for child in dead]

    def stop(self) -> None:
        """Ask all children to finish, newest first; kill those that do not within a while."""
        children = list(reversed(self.children.values()))
        for child in children:
            child.process.terminate()  # the process alone: a worker lets its own children finish
        deadline = time.monotonic() + STOP_SECONDS
        for child in children:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.process.wait(timeout=max(0.1, deadline - time.monotonic()))
            _kill_group(child)
            child.process.wait()
        self.children.clear()

    def log_tail(self, name: str, lines: int = 20) -> str:
        text = (self.log_directory / f"{name}.log").read_text(errors="replace")
        return "\n".join(text.splitlines()[-lines:])

    def _spawn(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> "subprocess.Popen[bytes]":
        with self._log(name) as log:
            return subprocess.Popen(
                command,
                cwd=self.directory,
                env={**os.environ, **environment},
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                preexec_fn=_die_with_parent if sys.platform == "linux" else None,
            )

    def _log(self, name: str) -> contextlib.AbstractContextManager[int]:
        self.log_directory.mkdir(parents=True, exist_ok=True)
        return _opened(self.log_directory / f"{name}.log")


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[int]:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        yield handle
    finally:
        os.close(handle)


def _kill_group(child: Child) -> None:
    """What is left of the session that was started for it: a worker's own children too."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.process.pid, signal.SIGKILL)


def _die_with_parent() -> None:
    """Even a kill -9 of the supervisor leaves nothing running."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)

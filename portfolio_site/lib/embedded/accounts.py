"""The operating-system user an engine runs as. PostgreSQL refuses to run as root, so root lends it an ordinary one."""

import os
import pwd
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from portfolio_site.lib.embedded.errors import EngineError

ENVIRONMENT_KEPT = ("PATH", "LD_LIBRARY_PATH")
COMMAND_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Account:
    """An operating-system user, and whether reaching it means changing user (only root can)."""

    uid: int
    gid: int
    changes_user: bool

    def run(self, *command: str | Path, cwd: Path, given: str = "") -> subprocess.CompletedProcess[str]:
        """Runs `command` to its end as this user, with `given` on standard input; never raises for its exit code."""
        return subprocess.run(
            [str(part) for part in command],
            cwd=cwd,
            input=given,
            env=engine_environment(),
            text=True,
            capture_output=True,
            timeout=COMMAND_SECONDS,
            umask=0o077,
            **self.identity(),
        )

    def identity(self) -> dict[str, Any]:
        """The arguments of `subprocess` that make a child this user."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.changes_user else {}

    def can(self, test: str, path: Path) -> bool:
        """Whether `test -<test> path` holds for this user: asked of the system, which knows ACLs and mounts."""
        return self.run("/bin/sh", "-c", f'test -{test} "$1"', "sh", path, cwd=Path("/")).returncode == 0

    def take(self, path: Path) -> None:
        """Gives `path` to this user, and to this user alone."""
        if self.changes_user:
            os.chown(path, self.uid, self.gid)
        path.chmod(0o700)


def engine_environment() -> dict[str, str]:
    """The environment of an engine: without the caller's PGPORT, PGDATA or locale, which would change its meaning."""
    kept = {name: os.environ[name] for name in ENVIRONMENT_KEPT if name in os.environ}
    return kept | {"LC_ALL": "C", "TZ": "UTC"}


def account_for(home: Path) -> Account:
    """The user that runs the engine of `home`: ourselves, or for root the owner of what is there, else `nobody`."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid(), changes_user=False)
    return next(account for account in _ordinary_accounts(home) if _is_usable(account))


def _ordinary_accounts(home: Path) -> Iterator[Account]:
    for path in (home, home.parent):
        if path.exists() and path.stat().st_uid != 0:
            yield Account(path.stat().st_uid, path.stat().st_gid, changes_user=True)
    for entry in sorted(pwd.getpwall(), key=lambda entry: entry.pw_name != "nobody"):
        if entry.pw_uid != 0:
            yield Account(entry.pw_uid, entry.pw_gid, changes_user=True)
    raise EngineError(
        "PostgreSQL does not run as root and this system has no other user. "
        "Add one (useradd longview), or set DATABASE_URL and REDIS_URL."
    )


def _is_usable(account: Account) -> bool:
    """False for a user without a name, whom initdb refuses, and for one that a container's user namespace lacks."""
    try:
        pwd.getpwuid(account.uid)
        return account.run("/bin/sh", "-c", ":", cwd=Path("/")).returncode == 0
    except (KeyError, OSError, subprocess.SubprocessError):
        return False

"""Where an engine of a checkout lives: its home under `var/`, and a short private directory for its sockets.

For root, `var/` may lie where the ordinary user of the engine cannot go (a checkout in /root). The home then lies
outside, and `var/<engine>` is a symbolic link to it. A link that was copied along with a checkout is not believed:
the names carry a hash of the path of `var/`.
"""

import fcntl
import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from portfolio_site.lib.embedded.accounts import Account
from portfolio_site.lib.embedded.errors import EngineError

SOCKET_PATH_LIMIT = 107  # bytes of sun_path on Linux, without the closing zero
OUTSIDE = (Path("/var/lib"), Path("/var/tmp"))
SHARED_TEMPORARY = (Path("/tmp"), Path("/var/tmp"))


@dataclass(frozen=True, slots=True)
class Place:
    """The files of one engine of one checkout."""

    var: Path
    engine: str

    @property
    def key(self) -> str:
        """Names this `var/` among all on the machine."""
        return hashlib.sha256(os.fsencode(self.var.resolve())).hexdigest()[:12]

    @property
    def entry(self) -> Path:
        """`var/<engine>`: the home itself, or a link to it."""
        return self.var / self.engine

    @property
    def home(self) -> Path:
        return self.entry.resolve()

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def log(self) -> Path:
        return self.home / "server.log"

    def log_tail(self) -> str:
        """The last lines of the log, for an error message."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-12:]) if self.log.exists() else ""

    @property
    def sockets(self) -> Path | None:
        """The directory of the sockets since the last start, if it is this checkout's and still closed to others."""
        try:
            directory = Path(os.readlink(self.home / "sockets"))
        except OSError:
            return None
        if self._is_foreign():
            return None
        is_ours = f"-{self.key}-" in directory.name and is_private(directory, uid=self.home.stat().st_uid)
        return directory if is_ours else None

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Holds off every other process that would start or stop this engine; freed even by a `kill -9`."""
        handle = self._open_lock()
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def _open_lock(self) -> int:
        """For root in a checkout of somebody else's, what it makes belongs to the owner, who may come next."""
        path = self.var / f"{self.engine}.lock"
        try:
            for missing in reversed([folder for folder in (self.var, *self.var.parents) if not folder.exists()]):
                missing.mkdir(exist_ok=True)
                _give_to_owner_of(missing.parent, missing)
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except PermissionError as error:
            raise EngineError(f"{error}: another user's. Remove it as that user, or set LONGVIEW_VAR.") from error
        _give_to_owner_of(self.var, path)
        return handle

    def settle(self, account: Account) -> None:
        """Makes the home a directory that `account` owns and can reach, moving it outside `var/` if it must."""
        if self._is_foreign() or (self.entry.is_symlink() and not self.entry.exists()):
            self.entry.unlink()
        self.entry.mkdir(exist_ok=True)
        if account.changes_user and not self.entry.is_symlink() and not account.can("x", self.var.resolve()):
            self._move_outside()
        account.take(self.home)

    def open_sockets(self, account: Account, *, longest_name: str) -> Path:
        """An empty private directory for sockets whose names are at most `longest_name`, recorded in the home."""
        directory = self._socket_base(account, longest_name) / self._socket_directory_name(account)
        if not directory.is_symlink() and not directory.exists():
            directory.mkdir(mode=0o700)
            account.take(directory)
        if not is_private(directory, uid=account.uid):
            raise EngineError(f"{directory} is not a private directory of user {account.uid}; remove it and try again.")
        _clear(directory)
        (self.home / "sockets").symlink_to(directory)
        return directory

    def close_sockets(self) -> None:
        """Removes the directory of the sockets; nothing may be listening there."""
        directory = self.sockets
        if directory:
            _clear(directory)
            directory.rmdir()
        (self.home / "sockets").unlink(missing_ok=True)

    def erase(self) -> None:
        """Removes the home with its data; the engine must be stopped."""
        if self.entry.is_symlink():
            self.entry.unlink()
        elif self.entry.exists():
            shutil.rmtree(self.entry)
        if os.geteuid() == 0 and self._outside.exists():
            shutil.rmtree(self._outside)

    def outside(self) -> Path:
        """A directory of root's that every user can enter, for what cannot stay in the checkout."""
        directory = self._outside
        directory.mkdir(exist_ok=True)
        if directory.is_symlink() or directory.stat().st_uid != os.geteuid():
            raise EngineError(f"{directory} belongs to someone else; remove it and try again.")
        directory.chmod(0o755)
        return directory

    @property
    def _outside(self) -> Path:
        base = next(base for base in OUTSIDE if os.access(base, os.W_OK))
        return base / f"longview-{self.key}-{self.engine}"

    def _is_foreign(self) -> bool:
        return self.entry.is_symlink() and Path(os.readlink(self.entry)).parent.name != self._outside.name

    def _move_outside(self) -> None:
        target = self.outside() / "home"
        shutil.rmtree(target, ignore_errors=True)
        shutil.move(self.entry, target)
        self.entry.symlink_to(target)

    def _socket_directory_name(self, account: Account) -> str:
        return f"longview-{account.uid}-{self.key}-{self.engine}"

    def _socket_base(self, account: Account, longest_name: str) -> Path:
        longest = len(os.fsencode(self._socket_directory_name(account))) + len(os.fsencode(longest_name)) + 2
        for base in (Path(tempfile.gettempdir()), *SHARED_TEMPORARY):
            fits = len(os.fsencode(base)) + longest <= SOCKET_PATH_LIMIT
            if fits and base.is_dir() and account.can("x", base) and os.access(base, os.W_OK):
                return base
        raise EngineError("No temporary directory is short enough and open for a Unix socket; set TMPDIR=/tmp.")


def is_private(directory: Path, *, uid: int) -> bool:
    """Whether `directory` is a real directory of user `uid` which nobody else (but root) can enter."""
    try:
        status = directory.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode) and status.st_uid == uid and status.st_mode & 0o077 == 0


def _clear(directory: Path) -> None:
    for leftover in directory.iterdir():
        leftover.unlink()


def _give_to_owner_of(parent: Path, path: Path) -> None:
    if os.geteuid() == 0:
        os.chown(path, parent.stat().st_uid, parent.stat().st_gid)


def copy_readable(source: Path, target: Path) -> None:
    """Copies a file or tree so that every user can read it, whatever the umask and modes were; static archives stay."""
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("*.a", "include"), dirs_exist_ok=True)
    else:
        shutil.copy2(source, target)
    for path in (target, *target.rglob("*")):
        mode = path.stat().st_mode
        executable = 0o111 if path.is_dir() or mode & stat.S_IXUSR else 0
        path.chmod(0o644 | executable)

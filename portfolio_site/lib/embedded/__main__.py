"""`python -m portfolio_site.lib.embedded start|stop|status|erase`: the engines of this checkout, from a shell."""

import argparse
import os
import sys
from pathlib import Path

import environ

from portfolio_site.lib.embedded import EngineError, postgres, redis

CHECKOUT = Path(__file__).resolve().parents[3]
ENGINES = (postgres.ENGINE, redis.ENGINE)


def main() -> int:
    """Does what the command line says; returns the exit code, for `status` 1 when an engine is down."""
    parser = argparse.ArgumentParser(prog="python -m portfolio_site.lib.embedded", description=__doc__)
    parser.add_argument("command", choices=sorted(COMMANDS))
    environ.Env.read_env(CHECKOUT / ".env", overwrite=False)
    default = Path(os.environ.get("LONGVIEW_VAR", CHECKOUT / "var"))
    parser.add_argument("--var", type=Path, default=default, help="where the engines live (default: %(default)s)")
    arguments = parser.parse_args()
    try:
        return COMMANDS[arguments.command](arguments.var)
    except EngineError as error:
        print(error, file=sys.stderr)
        return 2


def start(var: Path) -> int:
    """Prints the settings that lead to the engines."""
    print(f"DATABASE_URL={postgres.ensure_running(var)}")
    print(f"REDIS_URL={redis.ensure_running(var)}")
    return 0


def stop(var: Path) -> int:
    """Stops the engines of `var` and those that test sessions have left behind in it."""
    for place in (var, *_inner(var)):
        for engine in ENGINES:
            if engine.stop(place):
                print(f"Stopped {engine.name} of {place}")
    return 0


def status(var: Path) -> int:
    running = [engine.is_running(var) for engine in ENGINES]
    for engine, is_up in zip(ENGINES, running, strict=True):
        print(f"{engine.name}: {engine.url(var) if is_up else 'stopped'}")
    return 0 if all(running) else 1


def erase(var: Path) -> int:
    """Stops the engines and removes their data."""
    for place in (var, *_inner(var)):
        for engine in ENGINES:
            engine.erase(place)
    return 0


def _inner(var: Path) -> list[Path]:
    return sorted({entry.parent for engine in ENGINES for entry in var.glob(f"*/{engine.name}")})


COMMANDS = {"start": start, "stop": stop, "status": status, "erase": erase}

if __name__ == "__main__":
    sys.exit(main())

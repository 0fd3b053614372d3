"""`python -m portfolio_site.demo`: run the product until Ctrl-C. With `--check`: walk the journey and exit 0 or 1."""

import argparse
import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import httpx

from portfolio_site.demo import screenshots
from portfolio_site.demo.client import Client, Unexpected
from portfolio_site.demo.journey import walk
from portfolio_site.demo.processes import ProcessFailed
from portfolio_site.demo.scratch import scratch_database
from portfolio_site.demo.screenshots import NoBrowser
from portfolio_site.demo.stack import CHECKOUT, Addresses, Stack, free_port
from portfolio_site.lib.embedded import EngineError, claims

DEMO = ("demo@example.com", "demo-portfolio")
NEWCOMER = ("new@example.com", "demo-newcomer")
OPERATOR = ("operator@example.com", "demo-operator")
# Two institutions and six accounts: brokerage with splits, options and a short; IRA; 401(k); crypto; cash.
DEMO_LINKS = (("Fidelity", "ins_12", "user_complete"), ("Coinbase", "ins_128026", "user_crypto"))
SECONDS_BETWEEN_LOOKS = 1.0


def main() -> int:
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--check", action="store_true", help="use free ports, walk the journey, exit 0 or 1")
    parser.add_argument("--screenshots", type=Path, metavar="FOLDER", help="write pictures of the pages, exit")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--plaid-port", type=int, default=8700)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, _interrupt)
    run = check if options.check else picture if options.screenshots else demo
    try:
        return run(options)
    except (ProcessFailed, EngineError, Unexpected, NoBrowser, httpx.HTTPError) as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0


def demo(options: argparse.Namespace) -> int:
    """Everything on the usual ports, with the demo people, until Ctrl-C."""
    stack = Stack(
        var=Path(os.environ.get("LONGVIEW_VAR", CHECKOUT / "var")),
        addresses=Addresses(options.port, options.plaid_port),
        database_url=os.environ.get("DATABASE_URL", ""),
        redis_url=os.environ.get("REDIS_URL", ""),
    )
    with _running(stack):
        prepare_people(stack)
        _welcome(stack)
        while True:
            for name in stack.supervisor.restart_dead():
                print(f"  {name} died and was started again; its log: {stack.supervisor.log_directory / name}.log")
            time.sleep(SECONDS_BETWEEN_LOOKS)


def check(options: argparse.Namespace) -> int:
    """The same on free ports with data of its own, gone afterwards; walks the journey over HTTP."""
    with _scratch_stack() as stack:
        return walk(web=stack.addresses.web, plaid=stack.addresses.plaid, demo=DEMO, say=_say)


def picture(options: argparse.Namespace) -> int:
    """The same, and writes pictures of its pages."""
    with _scratch_stack() as stack:
        people = {"demo": DEMO, "newcomer": NEWCOMER, "operator": OPERATOR}
        screenshots.take(web=stack.addresses.web, people=people, folder=options.screenshots, say=_say)
    return 0


def prepare_people(stack: Stack) -> None:
    """The demo user with two institutions linked through the real flow, once."""
    client = Client(web=stack.addresses.web, plaid=stack.addresses.plaid)
    client.sign_in(*DEMO)
    if not client.get("/api/portfolio/connection-status")["items"]:
        # Both are asked for before either is waited for: the worker reads them side by side.
        jobs = [client.link(institution=plaid_id, sandbox_user=user)["job_id"] for _, plaid_id, user in DEMO_LINKS]
        for (name, *_), job in zip(DEMO_LINKS, jobs, strict=True):
            result = client.wait_for_job(job)["result"]
            _say(f"Linked {name}: {result['accounts']} accounts, {result['transactions']:,} transactions")
    histories = client.wait_for_history()
    _say(f"The history of {len(histories)} accounts is ready")


@contextlib.contextmanager
def _scratch_stack() -> Iterator[Stack]:
    """Everything on free ports, with the demo people and data that is gone afterwards."""
    var = claims.claim(CHECKOUT / "var")
    with scratch_database(os.environ.get("DATABASE_URL", "")) as database_url:
        addresses = Addresses(free_port(), free_port())
        stack = Stack(
            var=var, addresses=addresses, database_url=database_url, redis_url=os.environ.get("REDIS_URL", "")
        )
        stack.erase()
        with _running(stack):
            prepare_people(stack)
            yield stack


@contextlib.contextmanager
def _running(stack: Stack) -> Iterator[Stack]:
    started = time.monotonic()
    _say("Starting PostgreSQL, Redis, the local Plaid server, web, worker and beat")
    try:
        stack.start()
        _say(f"Up after {time.monotonic() - started:.0f} s")
        yield stack
    finally:
        _say("Stopping")
        stack.stop()


def _welcome(stack: Stack) -> None:
    print(
        f"""
  Open        {stack.addresses.web}
  Sign in     {" / ".join(DEMO)}
  Nothing yet {" / ".join(NEWCOMER)}
  Operator    {" / ".join(OPERATOR)}, at {stack.addresses.web}/admin/
  API         {stack.addresses.web}/api/docs/
  Logs        {stack.supervisor.log_directory}

  Ctrl-C stops everything and keeps the data; `make clean` erases it.
""",
        flush=True,
    )


def _say(line: str) -> None:
    print(f"  {line}", flush=True)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())

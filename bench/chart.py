"""The chart: two years of one account out of 50 million rows, and `GET /api/portfolio/history?period=2Y` under load.

The statement is measured on accounts that were just read, and on others after the operating system has forgotten the
table. The endpoint runs in gunicorn as production does, under row security, alone and with 64 callers, beside the ORM
with a DRF serializer for the same rows; authentication, middleware and row security are the same for both.
"""

import argparse
import itertools
import os
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from statistics import median

from _big_table import FIRST_DAY, forget_cached, write_accounts, write_days
from _database import own_database
from _figures import Figure, show
from _http_load import Load, load
from _population import DAYS, LAST_DAY
from _stack import processes
from _stack import web as gunicorn

BENCH = Path(__file__).resolve().parent
ACCOUNTS = {"quick": 1_000, "full": 68_400}
SECONDS = {"quick": 4.0, "full": 12.0}
CALLERS = 64
COLD, WARM = 100, 10  # accounts
PROCESSES = 2
NAIVE = "/bench/days"
_EARLIER = itertools.count(1)


def options_given() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", choices=("quick", "full"), default="quick", help="quick ends within a minute")
    parser.add_argument("--accounts", type=int, help="of 731 days each, instead of the 1,000 or 68,400 of the scale")
    parser.add_argument("--json", action="store_true", help="one JSON line per figure")
    return parser.parse_args()


def milliseconds(work: Callable[[int], object], accounts: Sequence[int]) -> float:
    """The median over the accounts."""
    times = []
    for account in accounts:
        start = time.perf_counter()
        work(account)
        times.append((time.perf_counter() - start) * 1000)
    return median(times)


def queries(accounts: Sequence[int], where: str) -> list[Figure]:
    """The rows alone, from the statement to arrays; and the line that is made of them."""
    from history.series import Period, account_days, totals

    period, half = Period(FIRST_DAY, LAST_DAY), len(accounts) // 2
    rows = milliseconds(lambda one: account_days(account_ids=[one], period=period), accounts[:half])
    line = milliseconds(lambda one: totals(account_ids=[one], period=period), accounts[half:])
    return [
        Figure(f"rows of one account, {where}, p50", rows, None, "", None, "ms"),
        Figure(f"their line, {where}, p50", line, None, "", None, "ms"),
    ]


def sql(accounts: list[int]) -> list[Figure]:
    some = random.Random(1).sample(accounts, COLD + WARM)
    cold = queries(some[:COLD], "cold") if forget_cached() else []
    queries(some[COLD:], "")  # reads what is warm then
    return [*cold, *queries(some[COLD:] * 10, "warm")]


@contextmanager
def web(folder: Path) -> Iterator[int]:
    """gunicorn on the benchmark's database, as the web role; yields its port."""
    from portfolio_site.demo.stack import free_port

    port = free_port()
    command = gunicorn(port, f"--workers={PROCESSES}", application="_naive_api")
    path = {"PYTHONPATH": os.pathsep.join((str(BENCH), str(BENCH.parent)))}
    with processes(folder, {"web": command}, port=port, environment=path):
        yield port


def again(_number: int) -> str:
    """The same chart each time: kept since the first."""
    return f"/api/portfolio/history?from={FIRST_DAY}&to={LAST_DAY}"


def anew(_number: int) -> str:
    """The same rows from another first day each time, so that nothing is kept of it."""
    first = FIRST_DAY - timedelta(days=next(_EARLIER) % 40_000)
    return f"/api/portfolio/history?from={first}&to={LAST_DAY}"


def naive(_number: int) -> str:
    return NAIVE


def tokens_of(accounts: Sequence[int]) -> list[str]:
    """A token for each account's owner."""
    from rest_framework_simplejwt.tokens import AccessToken

    from portfolio_site.models import User

    owners = User.objects.filter(accounts__in=accounts).order_by("pk")
    return [str(AccessToken.for_user(owner)) for owner in owners]


def endpoint(accounts: Sequence[int], seconds: float) -> list[Figure]:
    tokens = tokens_of(accounts)

    def measured(path: Callable[[int], str], conditional: bool = False) -> tuple[Load, Load]:
        """Alone, and at once."""
        alone, together = (
            load(path, tokens[:callers], port=port, seconds=seconds, conditional=conditional)
            for callers in (1, CALLERS)
        )
        return alone, together

    with tempfile.TemporaryDirectory() as folder, web(Path(folder)) as port:
        for path in (anew, naive, again):
            # What is read once in both processes, and what is kept: else the slowest answers to `again` are those that
            # made it, and whoever queued behind them.
            load(path, tokens, port=port, seconds=seconds)
        other = measured(naive)
        return [
            *compared("from rows", measured(anew), other),
            *compared("asked again", measured(again), other),
            *compared("asked again, 304", measured(again, conditional=True), other),
        ]


def compared(name: str, ours: tuple[Load, Load], other: tuple[Load, Load]) -> list[Figure]:
    (alone, together), (other_alone, other_together) = ours, other
    callers = f"{name}, {CALLERS} callers"
    return [
        beside(f"{name}, alone, p50", alone.percentile(50), other_alone.percentile(50)),
        beside(f"{callers}, p50", together.percentile(50), other_together.percentile(50)),
        beside(f"{callers}, p99", together.percentile(99), other_together.percentile(99)),
        Figure(callers, together.per_second, other_together.per_second, "ORM + DRF",
               together.per_second / other_together.per_second, "/s"),
        Figure(f"{name}, bytes of an answer", together.size, other_together.size, "ORM + DRF", None, "B"),
        Figure(f"{callers}, a core's share that they took", together.share * 100, None, "", None, "%"),
    ]  # fmt: skip


def beside(name: str, ours: float, naive: float) -> Figure:
    return Figure(name, ours, naive, "ORM + DRF", naive / ours, "ms")


def main() -> None:
    options = options_given()
    with own_database():
        accounts = write_accounts(options.accounts or ACCOUNTS[options.scale])
        start = time.perf_counter()
        rows = write_days()
        written = time.perf_counter() - start
        found = sql(accounts) + endpoint(accounts[:CALLERS], SECONDS[options.scale])
    found.append(Figure("rows were written in", written, None, "", None, "s"))
    show(f"Charts out of {rows:,} account days, {DAYS} of each account", found, as_json=options.json)


if __name__ == "__main__":
    main()

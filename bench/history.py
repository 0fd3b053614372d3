"""Histories in bulk, from rows in PostgreSQL to rows in PostgreSQL, beside the naive ways in the same run.

731 days x 50 securities x 1,000 transactions per account, at growing numbers of accounts, on one process and on two,
from nothing and again when nothing or one row of each account has changed. The naive ways: a price query per holding
and day, and a rolling Decimal loop over rows fetched beforehand whose days are written with bulk_create.
"""

import argparse
import math
import multiprocessing
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta
from decimal import Decimal
from statistics import median
from typing import Any

import numpy as np
from _database import NOW, first_day, own_database, server_seconds, write_population
from _figures import Figure, forget_peak, peak_megabytes, show
from _population import LAST_DAY, populate
from reconstruct_core import Exact

NAIVE_DAYS = 8  # of the query per holding and day; the rest is extrapolated
REPEATS = 3
ARITHMETIC_SECONDS = 0.7
SIZES = {"quick": (25, 50, 100), "full": (100, 200, 400, 800, 1600)}  # a batch ends at 400
SHAPES = {"quick": 10, "full": 60}  # accounts whose positions and days double
POSITIONS, HISTORY_DAYS = (25, 50, 100), (183, 365, 730)
LINKED = {"accounts": 3, "positions": 20, "transactions": 300}


def options_given() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", choices=("quick", "full"), default="quick", help="quick ends within a minute")
    parser.add_argument("--accounts", type=int, help="instead of the 100 or 1,600 of the scale")
    parser.add_argument("--json", action="store_true", help="one JSON line per figure")
    return parser.parse_args()


def forget() -> None:
    """No history of anybody."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE history_accountday, history_anomaly, history_accounthistory")


def empty() -> None:
    """Nobody and no price, for the next population."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "TRUNCATE portfolio_site_user, investments_institution, investments_security, history_marketsymbol, "
            "history_price, history_accountday, history_anomaly, history_accounthistory CASCADE"
        )


def rebuild(accounts: Sequence[int]) -> None:
    from history.reconstruction.rebuild import rebuild_accounts

    done = rebuild_accounts(account_ids=accounts, now=NOW)
    assert len(done.done) == len(accounts), done


def processor_time(accounts: Sequence[int]) -> float:
    """Seconds that this process and its server work for all accounts, from nothing: others hardly count."""
    forget()
    start = time.process_time() + server_seconds()
    rebuild(accounts)
    return time.process_time() + server_seconds() - start


def from_nothing(accounts: Sequence[int], repeats: int = REPEATS) -> float:
    """Seconds for all accounts, from the claim to the last commit, as if they had just been linked."""
    times = []
    for _ in range(repeats):
        forget()
        start = time.perf_counter()
        rebuild(accounts)
        times.append(time.perf_counter() - start)
    return median(times)


def once_more(accounts: Sequence[int], changed: bool) -> float:
    """Seconds to rebuild what is there; `changed`: all prices of one session were corrected."""
    from django.db import connection

    from history.invalidation import accounts_changed

    times = []
    for _ in range(REPEATS):
        if changed:
            with connection.cursor() as cursor:
                cursor.execute(
                    "UPDATE history_price SET close = close * 1.01 WHERE day = %s", [LAST_DAY - timedelta(days=4)]
                )
        accounts_changed(accounts, LAST_DAY - timedelta(days=4))
        start = time.perf_counter()
        rebuild(accounts)
        times.append(time.perf_counter() - start)
    return median(times)


def on_two_processes(accounts: Sequence[int]) -> float:
    """Seconds for all accounts by two processes that share nothing but the database."""
    from django.db import connection

    times, half = [], len(accounts) // 2
    for _ in range(REPEATS):
        forget()
        connection.close()  # a connection is nobody's who forks
        with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("fork")) as pool:
            list(pool.map(math.sqrt, range(2)))
            start = time.perf_counter()
            list(pool.map(rebuild, (accounts[:half], accounts[half:])))
            times.append(time.perf_counter() - start)
    return median(times)


def arithmetic(_process: int = 0) -> float:
    """How often a second this process adds up what fits its core's own memory: it needs nothing that is shared."""
    figures, rounds, start = np.arange(10_000.0), 0, time.perf_counter()
    while (taken := time.perf_counter() - start) < ARITHMETIC_SECONDS:
        np.cumsum(figures * figures)
        rounds += 1
    return rounds / taken


def two_of_the_machine() -> Figure:
    """What two processes can gain here at most: two cores may be two threads of one."""
    one = median(arithmetic() for _ in range(REPEATS))
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("fork")) as pool:
        two = median(sum(pool.map(arithmetic, range(2))) for _ in range(REPEATS))
    return Figure("plain arithmetic, two processes", two, one, "one process", two / one, "/s")


def exponent(sizes: Sequence[int], times: Sequence[float]) -> float:
    """Of time = constant x size ** exponent, by least squares of the logarithms."""
    x, y = [math.log(size) for size in sizes], [math.log(taken) for taken in times]
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    apart = sum((one - mean_x) ** 2 for one in x)
    return sum((one - mean_x) * (other - mean_y) for one, other in zip(x, y, strict=True)) / apart


def growth(accounts: Sequence[int], sizes: Sequence[int]) -> tuple[list[Figure], float]:
    """Time at each size, and the most memory that this process had then; and the seconds of the last."""
    found, times = [], []
    from_nothing(accounts[: sizes[0]], repeats=2)  # warms plans and caches
    for size in sizes:
        forget_peak()
        times.append(from_nothing(accounts[:size]))
        found.append(Figure(f"{size} accounts, each", times[-1] / size * 1000, None, "", None, "ms"))
        found.append(Figure(f"{size} accounts, memory at most", peak_megabytes(), None, "", None, "MB"))
    return [*found, Figure("exponent of time in accounts", exponent(sizes, times), None, "", None, "")], times[-1]


def query_per_holding_and_day(account: int, days: int) -> float:
    """Seconds for all days, measured on the last few: for each day and holding the price is asked for."""
    from history.models import Price
    from investments.models import Holding

    holdings = list(Holding.objects.filter(account=account).select_related("security__mapping"))
    start = time.perf_counter()
    for back in range(NAIVE_DAYS):
        day = LAST_DAY - timedelta(days=back)
        sum(
            one.quantity * Price.objects.filter(symbol=one.security.mapping.symbol_id, day__lte=day).latest("day").close
            for one in holdings
        )
    return (time.perf_counter() - start) / NAIVE_DAYS * days


def rolling_and_bulk_create(exact: Exact, account: Any, first: Any) -> float:
    """Seconds to read the rows as instances, walk back in Decimals with the prices at hand, and insert the days."""
    from django.db import transaction

    from history.models import AccountDay
    from investments.models import Holding, Transaction

    start = time.perf_counter()
    held = list(Holding.objects.filter(account=account).select_related("security__mapping"))
    assert (len(held), len(Transaction.objects.filter(account=account).order_by("date"))) == (50, len(exact.rows))
    values, zero = exact.rolling(), Decimal(0)
    with transaction.atomic():
        AccountDay.objects.filter(account=account).delete()
        AccountDay.objects.bulk_create(
            [
                AccountDay(account=account, owner_id=account.owner_id, day=first + timedelta(days=number), value=value,
                           cash=zero, net_flow=zero, income=zero, fees=zero, securities_count=50, quality=1,
                           snapshot_type=1)
                for number, value in enumerate(values)
            ]
        )  # fmt: skip
    return time.perf_counter() - start


def cents_apart(exact: Exact, account: int) -> float:
    """The largest difference between what is stored and exact decimals."""
    from history.models import AccountDay

    stored = AccountDay.objects.filter(account=account).order_by("day").values_list("value", flat=True)
    return float(max(abs(ours - true) for ours, true in zip(stored, exact.rolling(), strict=True)) * 100)


def naive(account: Any, exact: Exact, ours: float, start: Any) -> list[Figure]:
    """`ours`: seconds for one account of many."""
    queries = query_per_holding_and_day(account.pk, exact.days)
    rolling = rolling_and_bulk_create(exact, account, start)
    return [
        Figure("an account of many", ours * 1000, queries * 1000, "query per holding and day", queries / ours, "ms"),
        Figure(
            "an account of many",
            ours * 1000,
            rolling * 1000,
            "ORM, Decimal loop, bulk_create",
            rolling / ours,
            "ms",
        ),
    ]


def bulk(sizes: Sequence[int]) -> list[Figure]:
    from investments.models import Account

    count = sizes[-1]
    population = populate(accounts=count)
    accounts, exact = write_population(population), Exact(population)
    found, one = growth(accounts, sizes)
    busy, two = processor_time(accounts), on_two_processes(accounts)
    off = cents_apart(exact, accounts[0])
    unchanged, changed = once_more(accounts, changed=False), once_more(accounts, changed=True)
    return [
        *found,
        *naive(Account.objects.get(pk=accounts[0]), exact, one / count, first_day(population)),
        Figure("accounts a second, one process", count / one, None, "", None, "/s"),
        Figure("accounts a second of processor time", count / busy, None, "", None, "/s"),
        Figure("accounts a second, two processes", count / two, count / one, "one process", one / two, "/s"),
        two_of_the_machine(),
        Figure("again, nothing differs", unchanged / count * 1000, one / count * 1000, "from nothing", one / unchanged,
               "ms"),
        Figure("again, a session corrected", changed / count * 1000, one / count * 1000, "from nothing", one / changed,
               "ms"),
        Figure("difference from exact decimals", off, None, "", None, "cents"),
    ]  # fmt: skip


def shapes(accounts: int) -> list[Figure]:
    """How time grows with what is held, and with how far back."""
    from django.conf import settings

    by_positions, by_days = [], []
    for positions in POSITIONS:
        empty()
        ids = write_population(populate(accounts=accounts, positions=positions))
        from_nothing(ids, repeats=1)
        by_positions.append(from_nothing(ids))
        if positions == POSITIONS[-1]:
            for settings.HISTORY_DAYS in HISTORY_DAYS:
                by_days.append(from_nothing(ids))
    return [
        Figure(f"exponent of time in positions, {POSITIONS[0]} to {POSITIONS[-1]}", exponent(POSITIONS, by_positions),
               None, "", None, ""),
        Figure(f"exponent of time in days, {HISTORY_DAYS[0]} to {HISTORY_DAYS[-1]}", exponent(HISTORY_DAYS, by_days),
               None, "", None, ""),
    ]  # fmt: skip


def linked() -> list[Figure]:
    """Three accounts of 60 positions and two years, prices in the store, rebuilt alone: what a new user waits for."""
    accounts = write_population(populate(**LINKED, seed=2))
    return [Figure("history ready after linking", from_nothing(accounts), 180, "three minutes allowed", None, "s")]


def main() -> None:
    options = options_given()
    sizes = (
        SIZES[options.scale]
        if not options.accounts
        else (options.accounts // 4, options.accounts // 2, options.accounts)
    )
    with own_database():
        found = linked()
        empty()
        found += bulk(sizes)
        found += shapes(SHAPES[options.scale])
    show("Histories in bulk: 731 days x 50 securities x 1,000 rows per account", found, as_json=options.json)


if __name__ == "__main__":
    main()

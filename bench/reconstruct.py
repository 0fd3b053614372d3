"""Reconstruction end to end, from rows in PostgreSQL to rows in PostgreSQL, beside the naive ways in the same run.

731 days x 50 securities x 1,000 transactions per account. The naive ways: a price query per holding and day, and a
rolling Decimal loop over rows fetched beforehand whose days are written with bulk_create. Differences are in cents.
"""

import argparse
import time
from datetime import timedelta
from decimal import Decimal
from statistics import median
from typing import Any

from _database import NOW, first_day, own_database, write_population
from _figures import Figure, show
from _population import LAST_DAY, populate
from reconstruct_core import Exact

NAIVE_DAYS = 8  # of the query per holding and day; the rest is extrapolated
REPEATS = 5
BATCH = 200


def options_given() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", choices=("quick", "full"), default="quick", help="quick ends within a minute")
    parser.add_argument("--accounts", type=int, help="instead of the 200 or 1,000 of the scale")
    parser.add_argument("--json", action="store_true", help="one JSON line per figure")
    return parser.parse_args()


def end_to_end(accounts: list[int]) -> float:
    """Seconds for all accounts, from the claim to the last commit, each time as if nothing had been built."""
    from history.claims import restart
    from history.rebuild import rebuild_accounts

    times = []
    for _ in range(REPEATS):
        restart(account_ids=accounts)
        start = time.perf_counter()
        done = rebuild_accounts(account_ids=accounts, now=NOW)
        times.append(time.perf_counter() - start)
        assert len(done.done) == len(accounts), done
    return median(times)


def by_stage(accounts: list[int]) -> dict[str, float]:
    """Seconds for one batch to be valued, read, computed and written."""
    import numpy as np
    from django.db import transaction

    from history.books import Window, read_books
    from history.core.reconstruct import reconstruct
    from history.records import write_history
    from history.valuation import account_worths, value_holdings

    window = Window(LAST_DAY - timedelta(days=730), LAST_DAY)
    marks: dict[str, list[float]] = {"value": [], "read": [], "compute": [], "write": []}
    for _ in range(REPEATS):
        with transaction.atomic():
            clock = [time.perf_counter()]
            value_holdings(account_ids=accounts, now=NOW)
            worths = account_worths(account_ids=accounts, now=NOW)
            clock.append(time.perf_counter())
            books = read_books(worths=worths, margin=np.zeros(len(accounts), np.bool_), window=window)
            clock.append(time.perf_counter())
            history = reconstruct(book=books.book, market=books.market)
            clock.append(time.perf_counter())
            versions = [0] * len(accounts)
            write_history(books=books, history=history, window=window, first_days=[window.first] * len(accounts),
                          versions=versions, finished_at=NOW)  # fmt: skip
        clock.append(time.perf_counter())
        for name, start, end in zip(marks, clock, clock[1:], strict=False):
            marks[name].append(end - start)
    return {name: median(times) for name, times in marks.items()}


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
    """Seconds to walk back in Decimals, everything at hand, and to insert the days with the ORM."""
    from django.db import transaction

    from history.models import AccountDay

    start = time.perf_counter()
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


def figures(count: int) -> list[Figure]:
    from investments.models import Account

    population = populate(accounts=count)
    accounts, exact = write_population(population), Exact(population)
    one = Account.objects.get(pk=accounts[0])
    total = end_to_end(accounts) / count * 1000
    alone = end_to_end(accounts[:1]) * 1000
    off = cents_apart(exact, accounts[0])
    stages = by_stage(accounts[:BATCH])
    per_query = query_per_holding_and_day(one.pk, exact.days) * 1000
    rolling = rolling_and_bulk_create(exact, one, first_day(population)) * 1000
    queries, loop = "query per holding and day", "rolling Decimal loop + bulk_create"
    return [
        Figure(f"each of {count} accounts", total, per_query, queries, per_query / total, "ms"),
        Figure(f"each of {count} accounts", total, rolling, loop, rolling / total, "ms"),
        Figure("one account alone", alone, rolling, loop, rolling / alone, "ms"),
        *(
            Figure(f"  {name}, per account of a batch", seconds / min(count, BATCH) * 1000, None, "", None, "ms")
            for name, seconds in stages.items()
        ),
        Figure("accounts a second, one process", 1000 / total, None, "", None, "/s"),
        Figure("difference from exact decimals", off, None, "", None, "cents"),
    ]


def main() -> None:
    options = options_given()
    count = options.accounts or (200 if options.scale == "quick" else 1000)
    with own_database():
        found = figures(count)
    show("Reconstruction end to end: 731 days x 50 securities x 1,000 rows", found, as_json=options.json)


if __name__ == "__main__":
    main()

"""Importing 100,000 rows of a broker's file: seconds from the upload to the stored ledger, and the peak of memory.

Reading, comparing with what is there and storing through the ledger, as the worker does it, in a process of its own.
Beside it, in the same run, the row-by-row way: one get_or_create a row, measured on a part and extrapolated.
"""

import multiprocessing
import os
import sys
import time
from datetime import date, timedelta
from typing import Any

from _database import own_database
from _figures import Figure, arguments, forget_peak, peak_megabytes, show

SCALES = {"quick": 20_000, "full": 100_000}
GOAL_SECONDS, GOAL_MEGABYTES = 30.0, 300.0
# Of the row-by-row way so many rows are written, and the rest is extrapolated.
NAIVE_ROWS = 1_000
SYMBOLS = [f"S{number:03d}" for number in range(200)]
FIRST_DAY = date(2016, 1, 4)


def main() -> None:
    options = arguments(__doc__ or "")
    rows = SCALES[options.scale]
    with own_database():
        figures = run(rows)
    show(f"{rows:,} rows of a Schwab file", figures, as_json=options.json)


def run(rows: int) -> list[Figure]:
    from django.db import connection

    data = schwab_file(rows)
    naive = naive_seconds(data) * rows / NAIVE_ROWS
    database = connection.settings_dict["NAME"]
    connection.close()
    # Memory is measured in a process that has done nothing else, as a worker that was just started.
    with multiprocessing.get_context("spawn").Pool(1) as worker:
        told = worker.apply(measured, (database, data))
    ours = told["read"] + told["stored"]
    goal = GOAL_SECONDS * rows / SCALES["full"]
    return [
        Figure("read and stored", ours, naive, "one get_or_create a row", naive / ours, "s"),
        Figure("read and stored, against its goal", ours, goal, "allowed", goal / ours, "s"),
        Figure("of which the dry run", told["read"], None, "", None, "s"),
        Figure("the same file again, nothing new", told["again"], None, "", None, "s"),
        Figure("taken back", told["undone"], None, "", None, "s"),
        Figure("peak memory", told["peak"], GOAL_MEGABYTES, "allowed", GOAL_MEGABYTES / told["peak"], "MB"),
        Figure("peak memory while it is taken back", told["peak_undone"], None, "", None, "MB"),
        Figure("of which Django and the app", told["base"], None, "", None, "MB"),
    ]


def schwab_file(rows: int) -> bytes:
    """Newest first, as Schwab writes it: a deposit, then purchases, sales and dividends of 200 securities."""
    lines = ['"Date","Action","Symbol","Description","Quantity","Price","Fees & Comm","Amount"']
    for number in range(rows - 1, 0, -1):
        day = FIRST_DAY + timedelta(days=number * 3500 // rows)
        symbol, price = SYMBOLS[number // 20 % len(SYMBOLS)], 20 + number % 180 + number % 100 / 100
        lines.append(_line(f"{day:%m/%d/%Y}", symbol, number, price))
    lines.append(f'"{FIRST_DAY:%m/%d/%Y}","MoneyLink Transfer","","Tfr BANK","","","","$900,000,000.00"')
    return "\n".join(lines).encode()


def _line(day: str, symbol: str, number: int, price: float) -> str:
    about = f'"{symbol}","{symbol} CORPORATION"'
    if number % 10 == 9:
        return f'"{day}","Qualified Dividend",{about},"","","","${number % 97 + 1}.25"'
    if number % 4 == 3:
        return f'"{day}","Sell",{about},"1","${price:.2f}","$0.02","${price - 0.02:.2f}"'
    return f'"{day}","Buy",{about},"3","${price:.2f}","","-${3 * price:.2f}"'


def measured(database: str, data: bytes) -> dict[str, float]:
    """The whole way of one file, in this process; seconds and megabytes."""
    import django

    django.setup()
    from django.db import connection

    connection.settings_dict["NAME"] = database
    from plaid_link.imports import batches
    from portfolio_site.models import User

    owner = User.objects.create_user(email="bench@example.com")
    base = peak_megabytes()
    options: dict[str, Any] = {"account": None, "new_account": {"name": "Bench"}, "accept_symbols": True}
    start = time.perf_counter()
    batch, _ = batches.open_batch(owner_id=owner.pk, file_name="bench.csv", data=data, **options)
    work(batch)
    read = time.perf_counter() - start
    start = time.perf_counter()
    batches.confirm(batch)
    work(batch)
    stored = time.perf_counter() - start
    peak = peak_megabytes()
    check(batch, data)
    again = seconds_again(owner, batch.account, data)
    start = time.perf_counter()
    forget_peak()
    batches.undo(batch)
    work(batch)
    undone = time.perf_counter() - start
    told = {"read": read, "stored": stored, "again": again, "undone": undone}
    return told | {"peak": peak, "peak_undone": peak_megabytes(), "base": base}


def seconds_again(owner: Any, account: Any, data: bytes) -> float:
    from plaid_link.imports import batches

    start = time.perf_counter()
    batch, _ = batches.open_batch(
        owner_id=owner.pk, file_name="bench.csv", data=data, account=account, new_account={}, accept_symbols=True
    )
    work(batch)
    assert batch.new_rows == 0, batch.new_rows
    return time.perf_counter() - start


def work(batch: Any) -> None:
    """What the worker does with the batch's job."""
    from plaid_link.imports import jobs
    from portfolio_site.models import Job

    jobs.run(Job.objects.get(pk=batch.job_id))
    batch.refresh_from_db()


def check(batch: Any, data: bytes) -> None:
    """All of it is there, or the figures mean nothing."""
    from investments.models import Holding, Transaction

    rows = data.count(b"\n")
    assert Transaction.objects.current().filter(account=batch.account).count() == rows, batch.message
    assert Holding.objects.held().filter(account=batch.account).count() == len(SYMBOLS)


def naive_seconds(data: bytes) -> float:
    """Seconds of the first rows: read with csv.DictReader, looked up and written one by one."""
    import csv
    import io

    from investments.models import Account, Institution, Security, Transaction
    from portfolio_site.models import User

    owner = User.objects.create_user(email="naive@example.com")
    institution = Institution.objects.create(external_id="naive", name="Naive")
    account = Account.objects.create(owner=owner, institution=institution, external_id="naive", name="Naive")
    start = time.perf_counter()
    reader = csv.DictReader(io.StringIO(data.decode()))
    for number, row in zip(range(NAIVE_ROWS), reader, strict=False):
        security, _ = Security.objects.get_or_create(source="csv", external_id=f"naive:{row['Symbol']}")
        amount = -float(row["Amount"].replace("$", "").replace(",", ""))
        Transaction.objects.get_or_create(
            account=account,
            idempotency_key=f"naive-{number}",
            defaults={
                "owner": owner,
                "external_id": f"naive-{number}",
                "security": security,
                "type": "buy" if amount > 0 else "sell",
                "date": date(int(row["Date"][6:]), int(row["Date"][:2]), int(row["Date"][3:5])),
                "name": row["Description"],
                "quantity": row["Quantity"] or 0,
                "price": (row["Price"] or "0").replace("$", ""),
                "amount": amount,
                "source": "csv",
            },
        )
    return time.perf_counter() - start


if __name__ == "__main__":
    os.environ.setdefault("LOG_LEVEL", "ERROR")
    sys.exit(main())

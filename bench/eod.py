"""The nightly snapshot of a growing population, beside the ways an ORM would do it, in the same run.

1.5 accounts a user, 10 holdings an account, a tenth of the accounts with a movement that day. Measured from the first
statement to the last commit, with the WAL it wrote. The ORM ways run over a part of the accounts, must write the same
rows, and are extrapolated.
"""

import argparse
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from multiprocessing import get_context
from typing import Any

from _database import own_database, server_seconds
from _figures import Figure, forget_peak, peak_megabytes, show

DAY = date(2026, 11, 19)
NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
USERS = {"quick": 12_000, "full": 1_000_000}
SYMBOLS = {"quick": 1_000, "full": 10_000}
HOLDINGS = 10
LOOPED, BATCHED = 200, 5_000
FRESH_DAYS, PLACES = 5, Decimal("0.0001")
FIGURES = (
    "value", "cash", "cost_basis", "net_flow", "income", "fees", "securities_count", "quality", "snapshot_type",
)  # fmt: skip


def options_given() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", choices=("quick", "full"), default="quick", help="quick ends within a minute")
    parser.add_argument("--users", type=int, help="instead of the 12,000 or 1,000,000 of the scale")
    parser.add_argument("--json", action="store_true", help="one JSON line per figure")
    return parser.parse_args()


def execute(sql: str, parameters: Any = None) -> Any:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchone() if cursor.description else None


def copies(template: Any, rows: str, **columns: str) -> None:
    """INSERT a copy of the template for each of `rows`, with some columns computed in SQL."""
    fields = template._meta.concrete_fields
    names = [field.column for field in fields if field.column != "id" and not field.generated]
    chosen = ", ".join(columns.get(name, f't."{name}"') for name in names)
    table = template._meta.db_table
    quoted = ", ".join(f'"{name}"' for name in names)
    execute(f"INSERT INTO {table} ({quoted}) SELECT {chosen} FROM {table} t, {rows} WHERE t.id = {template.pk}")


def market(symbols: int) -> None:
    """Symbols 1 to N with closes of a fortnight, and as many securities, each mapped to its own."""
    from history.models import MarketSymbol, SecurityMapping
    from investments.models import Security

    asked: dict[str, Any] = {"priced_from": date(2000, 1, 1), "priced_to": date(2048, 1, 1)}
    made = MarketSymbol.objects.bulk_create([MarketSymbol(symbol=f"S{n}", **asked) for n in range(symbols)])
    securities = Security.objects.bulk_create(
        [Security(external_id=f"S{n}", ticker_symbol=f"S{n}", type="equity", iso_currency_code="USD")
         for n in range(symbols)]
    )  # fmt: skip
    SecurityMapping.objects.bulk_create(
        [SecurityMapping(security=one, symbol=symbol, method="ticker")
         for one, symbol in zip(securities, made, strict=True)]
    )  # fmt: skip
    execute(
        "INSERT INTO history_price (symbol_id, day, close, source) "
        "SELECT y.id, d::date, round((5 + y.id %% 900 + extract(day FROM d) / 7)::numeric, 4), 'bench' "
        "FROM history_marketsymbol y, generate_series(%s::date - 13, %s::date, interval '1 day') d "
        "WHERE extract(isodow FROM d) < 6",
        [DAY, DAY],
    )


def owner_and_institution() -> dict[str, Any]:
    from investments.models import Institution
    from portfolio_site.models import User

    owner, _ = User.objects.get_or_create(email="bench@example.com")
    institution, _ = Institution.objects.get_or_create(external_id="bench", name="Bench")
    return {"owner": owner, "institution": institution}


def grow_to(accounts: int) -> None:
    """Accounts up to so many, each with its holdings, a tenth with a dividend of the day."""
    from investments.models import Account, Holding, Security, Transaction

    have, named = Account.objects.count(), owner_and_institution()
    first = Account.objects.create(external_id=f"A{have}", name="A", uninvested_cash=Decimal("100.25"), **named)
    execute("SET session_replication_role = replica")  # checking keys is not what is measured
    copies(first, f"generate_series({have + 1}, {accounts - 1}) n", external_id="'A' || n")
    low, securities = Security.objects.order_by("pk").values_list("pk", flat=True)[0], Security.objects.count()
    holding = Holding.objects.create(
        owner=named["owner"], account=first, security_id=low, quantity=1, institution_price=1, institution_value=1,
        cost_basis=Decimal(10), institution_price_as_of=date(2026, 11, 13),
    )  # fmt: skip
    rows = f"investments_account a, generate_series(0, {HOLDINGS - 1}) n"
    place = f"{low} + (a.id * 7919 + n * {max(securities // HOLDINGS, 1)}) %% {securities}".replace("%%", "%")
    copies(
        holding, f"(SELECT a.id, n FROM {rows} WHERE a.id > {first.pk}) a", account_id="a.id",
        security_id=place.replace("n *", "a.n *"), quantity="1 + a.id % 97 + a.n * 0.125",
    )  # fmt: skip
    paid = Transaction.objects.create(
        owner=named["owner"], account=first, external_id=f"t{have}", idempotency_key=f"t{have}", type="cash",
        subtype="dividend", date=DAY, amount=Decimal("-7.25"), security_id=low,
    )  # fmt: skip
    key = "'t' || a.id || '-bench'"
    copies(
        paid, f"(SELECT id FROM investments_account WHERE id > {first.pk} AND id % 10 = 0) a", account_id="a.id",
        external_id=key, idempotency_key=key,
    )  # fmt: skip
    execute("SET session_replication_role = origin")
    for table in ("investments_account", "investments_holding", "investments_transaction", "history_price"):
        execute(f"VACUUM ANALYZE {table}")


@contextmanager
def counted(into: dict[str, float]) -> Iterator[None]:
    """Seconds, the server's processor time in them, and bytes of WAL."""
    lsn, busy, start = execute("SELECT pg_current_wal_lsn()")[0], server_seconds(), time.perf_counter()
    yield
    into["seconds"] = time.perf_counter() - start
    into["busy"] = server_seconds() - busy
    into["wal"] = float(execute("SELECT pg_current_wal_lsn() - %s::pg_lsn", [lsn])[0])


def snapshot() -> dict[str, float]:
    from history.snapshots import take_snapshot

    found: dict[str, float] = {}
    with counted(found):
        run = take_snapshot(day=DAY, trigger="operator", now=NOW)
    assert run.state == "done", run.error
    return found | {"rows": run.rows, "changed": run.changed}


def _close(shard: int) -> None:
    from history.snapshots import close_shard

    assert close_shard(shard_id=shard, now=NOW)


def two_workers() -> float:
    """Seconds of the same run with its shards taken by two processes at once, as a Celery worker has them."""
    from django.db import connection

    from history.snapshots import open_run, prepare_run

    start = time.perf_counter()
    shards = prepare_run(open_run(day=DAY, trigger="operator", now=NOW))
    connection.close()  # each process opens its own
    with ProcessPoolExecutor(2, get_context("fork")) as pool:
        list(pool.map(_close, shards))
    return time.perf_counter() - start


def empty_day() -> None:
    execute("TRUNCATE history_accountday")
    execute("CHECKPOINT")


def orm_loop(accounts: int) -> float:
    """Seconds an account, as first written: its holdings, a query for the price of each, update_or_create."""
    from history.models import AccountDay, Price
    from investments.models import Account, Holding, Transaction

    start = time.perf_counter()
    for account in Account.objects.order_by("pk")[:accounts]:
        held = []
        for holding in Holding.objects.filter(account=account, removed_at=None).select_related("security__mapping"):
            prices = Price.objects.filter(symbol=holding.security.mapping.symbol_id, day__lte=DAY)
            held.append((holding, prices.order_by("-day")[0]))
        paid = Transaction.objects.filter(account=account, date=DAY)
        AccountDay.objects.update_or_create(account=account, day=DAY, defaults=_row(account, held, paid))
    return (time.perf_counter() - start) / accounts


def orm_batches(accounts: int) -> tuple[float, float]:
    """Seconds once for the prices, and an account: objects prefetched a thousand at a time, then a bulk upsert."""
    from django.db.models import Prefetch

    from history.models import AccountDay, Price, SecurityMapping
    from investments.models import Account, Holding, Transaction

    start = time.perf_counter()
    recent = Price.objects.filter(day__lte=DAY, day__gt=DAY - timedelta(days=10))
    prices = {price.symbol_id: price for price in recent.order_by("symbol_id", "-day").distinct("symbol_id")}
    symbols = dict(SecurityMapping.objects.values_list("security", "symbol"))
    began = time.perf_counter()
    ids = list(Account.objects.order_by("pk").values_list("pk", flat=True)[:accounts])
    holdings = Prefetch("holdings", Holding.objects.filter(removed_at=None))
    paid = Prefetch("transactions", Transaction.objects.filter(date=DAY))
    for first in range(0, accounts, 1000):
        rows = []
        for account in Account.objects.filter(pk__in=ids[first : first + 1000]).prefetch_related(holdings, paid):
            held = [(one, prices[symbols[one.security_id]]) for one in account.holdings.all()]
            rows.append(AccountDay(account=account, day=DAY, **_row(account, held, account.transactions.all())))
        AccountDay.objects.bulk_create(
            rows, update_conflicts=True, unique_fields=["account", "day"], update_fields=["owner", *FIGURES]
        )
    return began - start, (time.perf_counter() - began) / accounts


def _row(account: Any, held: list[tuple[Any, Any]], paid: Iterable[Any]) -> dict[str, Any]:
    """What the snapshot would write of the population's accounts, which know no currency but one and dividends."""
    values = [(holding.quantity * price.close).quantize(PLACES, ROUND_HALF_UP) for holding, price in held]
    fresh = [value for value, (_, price) in zip(values, held, strict=True) if (DAY - price.day).days <= FRESH_DAYS]
    return {
        "owner_id": account.owner_id,
        "value": sum(values, account.uninvested_cash),
        "cash": account.uninvested_cash,
        "cost_basis": sum((holding.cost_basis for holding, _ in held), Decimal(0)),
        "net_flow": Decimal(0),
        "income": sum((one.fees - one.amount for one in paid), Decimal(0)),
        "fees": sum((one.fees for one in paid), Decimal(0)),
        "securities_count": len(held),
        "quality": float(sum(fresh, Decimal(0)) / sum(values, Decimal(0))) if values else 1.0,
        "snapshot_type": 2,
    }


def written(accounts: int) -> list[Any]:
    from history.models import AccountDay

    return list(AccountDay.objects.order_by("account").values_list("account", *FIGURES)[:accounts])


def fitted_exponent(sizes: list[int], times: list[float]) -> float:
    """The slope of log time over log size: 1 is linear."""
    import numpy as np

    return float(np.polyfit(np.log(sizes), np.log(times), 1)[0])


def figures(users: int, symbols: int) -> list[Figure]:
    market(symbols)
    sizes, times, memory = [int(users * 1.5 * share) for share in (0.25, 0.5, 1)], [], []
    for accounts in sizes:
        grow_to(accounts)
        empty_day()
        forget_peak()
        first = snapshot()
        memory.append(Figure(f"memory of the process, {accounts:,} accounts", peak_megabytes(), None, "", None, "MB"))
        assert first["rows"] == first["changed"] == accounts, first
        times.append(first["seconds"])
    again = snapshot()
    assert again["changed"] == 0
    ours = written(BATCHED)
    empty_day()
    both = two_workers()
    assert written(BATCHED) == ours
    empty_day()
    loop, total = orm_loop(LOOPED) * accounts, first["seconds"]
    assert written(BATCHED) == ours[:LOOPED]
    once, each = orm_batches(BATCHED)
    assert written(BATCHED) == ours
    batch = once + each * accounts
    megabytes, size = 2**20, f"{accounts:,} accounts, {accounts * HOLDINGS:,} holdings"
    return [
        Figure(size, total, loop, "ORM loop, extrapolated", loop / total, "s"),
        Figure(size, total, batch, "batched ORM, bulk upsert, extrapolated", batch / total, "s"),
        Figure("of that, processor time of PostgreSQL", first["busy"], None, "", None, "s"),
        Figure("two workers", both, total, "one", total / both, "s"),
        Figure("run again, nothing changed", again["seconds"], total, "first run", total / again["seconds"], "s"),
        Figure("WAL of the second run", again["wal"] / megabytes, first["wal"] / megabytes, "first run",
               first["wal"] / max(again["wal"], 1), "MB"),
        Figure("exponent of time over holdings", fitted_exponent(sizes, times), None, "", None, ""),
        *memory,
    ]  # fmt: skip


def main() -> None:
    options = options_given()
    with own_database():
        found = figures(options.users or USERS[options.scale], SYMBOLS[options.scale])
    show(f"End of day {DAY}", found, as_json=options.json)


if __name__ == "__main__":
    main()

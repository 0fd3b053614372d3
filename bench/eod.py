"""The nightly snapshot of a growing population, beside the ways an ORM would do it, in the same run.

1.5 accounts a user, 10 holdings an account, a tenth of the accounts with a movement that day. Measured from the first
statement to the last commit, with the WAL it wrote. The ORM ways run over a part of the accounts and are extrapolated.
"""

import argparse
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from _database import own_database, server_seconds
from _figures import Figure, forget_peak, peak_megabytes, show

DAY = date(2026, 11, 19)
NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
USERS = {"quick": 12_000, "full": 1_000_000}
SYMBOLS = {"quick": 1_000, "full": 10_000}
HOLDINGS = 10
LOOPED, BATCHED = 100, 2_000


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


def two_workers() -> float:
    """Seconds of the same run with its shards taken by two sessions at once."""
    from django.db import connection

    from history.snapshots import close_shard, open_run, prepare_run

    def work(shard: int) -> None:
        try:
            close_shard(shard_id=shard, now=NOW)
        finally:
            connection.close()  # a session of this thread's own

    start = time.perf_counter()
    shards = prepare_run(open_run(day=DAY, trigger="operator", now=NOW))
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, shards))
    return time.perf_counter() - start


def empty_day() -> None:
    execute("TRUNCATE history_accountday")
    execute("CHECKPOINT")


def orm_loop(accounts: int) -> float:
    """Seconds an account: its holdings, the price of each, and update_or_create, as one would first write it."""
    from history.models import AccountDay, Price
    from investments.models import Account, Holding

    start = time.perf_counter()
    for account in Account.objects.order_by("pk")[:accounts]:
        value = account.uninvested_cash
        for holding in Holding.objects.filter(account=account).select_related("security__mapping"):
            price = Price.objects.filter(symbol=holding.security.mapping.symbol_id, day__lte=DAY).order_by("-day")[0]
            value += holding.quantity * price.close
        AccountDay.objects.update_or_create(
            account=account, day=DAY, defaults=_row(account.owner_id, value, account.uninvested_cash)
        )
    return (time.perf_counter() - start) / accounts


def orm_batches(accounts: int) -> float:
    """Seconds an account: prices in a dictionary, accounts prefetched, one bulk upsert."""
    from history.models import AccountDay, Price, SecurityMapping
    from investments.models import Account

    start = time.perf_counter()
    closes = dict(Price.objects.filter(day=DAY).values_list("symbol", "close"))
    symbols = dict(SecurityMapping.objects.values_list("security", "symbol"))
    rows = []
    for account in Account.objects.order_by("pk").prefetch_related("holdings")[:accounts]:
        held = (one.quantity * closes[symbols[one.security_id]] for one in account.holdings.all())
        value = sum(held, account.uninvested_cash)
        rows.append(AccountDay(account=account, day=DAY, **_row(account.owner_id, value, account.uninvested_cash)))
    AccountDay.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["account", "day"], update_fields=["value", "cash"], batch_size=1000
    )
    return (time.perf_counter() - start) / accounts


def _row(owner: int, value: Decimal, cash: Decimal) -> dict[str, Any]:
    nothing = dict.fromkeys(("net_flow", "income", "fees"), Decimal(0))
    return {
        "owner_id": owner, "value": round(value, 4), "cash": cash, "securities_count": HOLDINGS, "quality": 1,
        "snapshot_type": 2, **nothing,
    }  # fmt: skip


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
    empty_day()
    both = two_workers()
    empty_day()
    loop, batch, total = orm_loop(LOOPED) * accounts, orm_batches(BATCHED) * accounts, first["seconds"]
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

"""A database of the benchmark's own on the configured server, and a population written into it."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from _population import KINDS, LAST_DAY, Population

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portfolio_site.settings")
os.environ.setdefault("LOG_LEVEL", "WARNING")

NOW = datetime.combine(LAST_DAY, time(21, 45), UTC)  # the last close is final


@contextmanager
def own_database() -> Iterator[None]:
    """An empty migrated database, dropped at the end whatever happened."""
    import django

    django.setup()
    from django.conf import settings
    from django.db import connection

    settings.MARKET_DATA_PROVIDERS = ["stored"]
    name = connection.settings_dict["NAME"]
    connection.settings_dict["TEST"]["NAME"] = f"longview_bench_{os.getpid()}"
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    try:
        yield
    finally:
        connection.creation.destroy_test_db(name, verbosity=0)


def server_seconds() -> float:
    """Processor time so far of the server process behind this connection; NaN where it runs on another machine.

    What the clock says depends on who else works on the machine; this hardly does.
    """
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        status = Path(f"/proc/{cursor.fetchone()[0]}/stat")
    host = str(connection.settings_dict["HOST"] or "/")  # none: a Unix socket
    if host.startswith(("/", "localhost", "127.")) and status.exists():
        ticks = status.read_text().rpartition(")")[2].split()[11:13]
        return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")
    return float("nan")


def first_day(population: Population) -> date:
    """The calendar day of the population's day 0."""
    return LAST_DAY - timedelta(days=population.closes.shape[0] - 1)


def write_population(population: Population) -> list[int]:
    """The population as one owner's accounts, securities, prices, holdings and transactions; the accounts' ids."""
    from history.models import MarketSymbol, SecurityMapping
    from investments.models import Account, Institution, Security
    from portfolio_site.models import User

    owner = User.objects.create_user(email="bench@example.com")
    institution = Institution.objects.create(external_id="bench", name="Bench")
    columns = range(population.closes.shape[1])
    symbols = MarketSymbol.objects.bulk_create(
        [
            MarketSymbol(symbol=f"S{number}", priced_from=date(2000, 1, 1), priced_to=date(2048, 1, 1))
            for number in columns
        ]
    )
    securities = Security.objects.bulk_create(
        [Security(external_id=f"S{n}", ticker_symbol=f"S{n}", type="equity", iso_currency_code="USD") for n in columns]
    )
    SecurityMapping.objects.bulk_create(
        [
            SecurityMapping(security=one, symbol=symbol, method="ticker")
            for one, symbol in zip(securities, symbols, strict=True)
        ]
    )
    accounts = Account.objects.bulk_create(
        [
            Account(owner=owner, institution=institution, external_id=f"A{n}", name=f"A{n}", uninvested_cash=cash)
            for n, cash in enumerate(population.cash.tolist())
        ]
    )
    ids = [account.pk for account in accounts]
    _copy_prices(population, [symbol.pk for symbol in symbols])
    security_ids = [one.pk for one in securities]
    _copy_holdings(population, owner.pk, ids, security_ids)
    _copy_transactions(population, owner.pk, ids, security_ids)
    return ids


def _copy(table: str, columns: str, rows: Iterable[tuple[Any, ...]]) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        with cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        cursor.execute(f"VACUUM ANALYZE {table}")


def _copy_prices(population: Population, symbols: list[int]) -> None:
    start = first_day(population)
    rows = (
        (symbols[column], start + timedelta(days=day), close, "bench")
        for day, closes in enumerate(population.closes.tolist())
        for column, close in enumerate(closes)
        if close == close  # not NaN
    )
    _copy("history_price", "symbol_id, day, close, source", rows)


def _copy_holdings(population: Population, owner: int, accounts: list[int], securities: list[int]) -> None:
    columns = (population.position_account, population.position_column, population.units, population.basis)
    rows = (
        (owner, accounts[account], securities[column], units, 1, units, basis, "plaid", "{}", NOW)
        for account, column, units, basis in zip(*(column.tolist() for column in columns), strict=True)
    )
    names = (
        "owner_id, account_id, security_id, quantity, institution_price, institution_value, cost_basis, data_source, "
        "source_metadata, updated_at"
    )
    _copy("investments_holding", names, rows)


def _copy_transactions(population: Population, owner: int, accounts: list[int], securities: list[int]) -> None:
    start = first_day(population)
    figures = (
        population.account, population.position, population.day, population.kind, population.quantity,
        population.price, population.amount, population.fees,
    )  # fmt: skip
    rows = (
        (
            owner, accounts[account], None if position < 0 else securities[population.position_column[position]],
            f"t{number}", f"t{number}", *KINDS[kind], start + timedelta(days=day), "", quantity, price, amount, fees,
            "USD", "plaid", "[]", "", 1, False, NOW,
        )
        for number, (account, position, day, kind, quantity, price, amount, fees) in enumerate(
            zip(*(column.tolist() for column in figures), strict=True)
        )
    )  # fmt: skip
    names = (
        "owner_id, account_id, security_id, external_id, idempotency_key, type, subtype, date, name, quantity, price, "
        "amount, fees, currency, source, repairs, cancels_external_id, version, is_void, recorded_at"
    )
    _copy("investments_transaction", names, rows)

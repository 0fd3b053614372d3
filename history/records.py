"""Reconstructed histories into the database: days by COPY, anomalies, and how far each account has come."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Final

import numpy as np
from django.db import connection

from history.arrays import read_columns, write_columns
from history.books import Books, Window
from history.core.book import HALF_CENT, AnomalyKind, Bools, Floats, History, Ints
from history.models import AccountDay, Anomaly

RECONSTRUCTED: Final = AccountDay.SnapshotType.RECONSTRUCTED
WHOLE: Final = 1 - 1e-9  # of the basis: less is unknown, not smaller
KINDS: Final = {
    AnomalyKind.NEGATIVE_UNITS: Anomaly.Kind.NEGATIVE_UNITS,
    AnomalyKind.NEGATIVE_CASH: Anomaly.Kind.NEGATIVE_CASH,
    AnomalyKind.UNPRICED: Anomaly.Kind.NEVER_PRICED,
    AnomalyKind.BASIS: Anomaly.Kind.BASIS,
}

SNAPSHOTS: Final = f"""
SELECT account_id, day, value::float8 FROM history_accountday
WHERE account_id = ANY(%(accounts)s) AND day >= %(first)s AND snapshot_type <> {RECONSTRUCTED.value}
"""
DELETE_DAYS: Final = f"""
DELETE FROM history_accountday WHERE account_id = ANY(%s) AND day >= %s AND snapshot_type = {RECONSTRUCTED.value}
"""
FINISH: Final = """
UPDATE history_accounthistory h
SET state = 'ready', processed_version = done.version, progress = 1, first_day = done.first_day, last_day = %(last)s,
    quality = done.quality, finished_at = %(finished)s, attempts = 0, queued_at = NULL, error = ''
FROM unnest(%(accounts)s::bigint[], %(versions)s::bigint[], %(firsts)s::date[], %(qualities)s::float8[])
    AS done(account_id, version, first_day, quality)
WHERE h.account_id = done.account_id
"""


def write_history(
    *,
    books: Books,
    history: History,
    window: Window,
    first_days: Sequence[date],
    versions: Sequence[int],
    finished_at: datetime,
) -> None:
    """Replace the accounts' reconstructed days and anomalies, and mark them done at their ledger's `versions`.

    Days before an account's own first one are not written. Snapshots stay as they are; where one disagrees with the
    reconstruction, the difference is recorded. Runs in the caller's transaction.
    """
    owners = _owners(books.accounts)
    first = np.array([(day - window.first).days for day in first_days])
    wanted = np.arange(history.value.shape[0])[:, None] >= first
    seams = _keep_snapshots(books.accounts, history.value, window, wanted)
    with connection.cursor() as cursor:
        cursor.execute(DELETE_DAYS, [books.accounts.tolist(), window.first])
    _write_days(books.accounts, owners, history, window, wanted)
    Anomaly.objects.filter(account__in=books.accounts.tolist()).delete()
    found = [*_anomalies(books, history, window), *_unmapped(books, window), *seams]
    for anomaly in found:
        anomaly.owner_id = owners[anomaly.account_id]
    Anomaly.objects.bulk_create(found)
    _finish(books.accounts, versions, first_days, window, history, wanted, finished_at)


def _owners(accounts: Ints) -> dict[int, int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, owner_id FROM investments_account WHERE id = ANY(%s)", [accounts.tolist()])
        return dict(cursor.fetchall())


def _keep_snapshots(accounts: Ints, value: Floats, window: Window, wanted: Bools) -> list[Anomaly]:
    """Take days that have a snapshot out of `wanted`; the worst disagreement of each account."""
    found = read_columns(
        SNAPSHOTS,
        {"accounts": accounts.tolist(), "first": window.first},
        {"account": "int8", "day": "date", "value": "float8"},
    )
    day, place = window.number(found["day"]), np.searchsorted(accounts, found["account"])
    inside = day < value.shape[0]
    day, place, snapshot = day[inside], place[inside], found["value"][inside]
    wanted[day, place] = False
    apart = value[day, place] - snapshot
    order = np.argsort(-np.abs(apart), kind="stable")
    accounts_apart, worst = np.unique(place[order], return_index=True)
    return [
        Anomaly(
            account_id=int(accounts[account]),
            kind=Anomaly.Kind.SEAM,
            day=window.days[day[row]].astype(object),
            size=_size(apart[row]),
        )
        for account, row in zip(accounts_apart.tolist(), order[worst].tolist(), strict=True)
        if abs(apart[row]) > HALF_CENT
    ]


def _write_days(accounts: Ints, owners: dict[int, int], history: History, window: Window, wanted: Bools) -> None:
    """Account by account, day by day: the order of the key."""
    place, day = np.nonzero(wanted.T)

    def column(figures: Floats | Ints) -> Floats | Ints:
        return figures.T[place, day]

    basis = np.where(history.basis_coverage >= WHOLE, history.cost_basis, np.nan)
    owner = np.array([owners[account] for account in accounts.tolist()], np.int64)
    write_columns(
        "history_accountday",
        {
            "owner_id": ("int8", owner[place]),
            "account_id": ("int8", accounts[place]),
            "day": ("date", window.days[day]),
            "value": ("money", column(history.value)),
            "cash": ("money", column(history.cash)),
            "cost_basis": ("money", column(basis)),
            "net_flow": ("money", column(history.net_flow)),
            "income": ("money", column(history.income)),
            "fees": ("money", column(history.fees)),
            "securities_count": ("int2", column(history.securities_count)),
            "quality": ("float8", column(history.quality)),
            "snapshot_type": ("int2", np.full(place.size, RECONSTRUCTED.value)),
        },
    )


def _anomalies(books: Books, history: History, window: Window) -> Iterator[Anomaly]:
    for found in history.anomalies:
        held = found.position >= 0
        yield Anomaly(
            account_id=int(books.accounts[found.account]),
            security_id=int(books.securities[books.security[found.position]]) if held else None,
            kind=KINDS[found.kind],
            day=window.days[found.day].astype(object),
            size=_size(found.size),
        )


def _unmapped(books: Books, window: Window) -> Iterator[Anomaly]:
    for position in np.flatnonzero(books.unmapped).tolist():
        yield Anomaly(
            account_id=int(books.accounts[books.book.positions.account[position]]),
            security_id=int(books.securities[books.security[position]]),
            kind=Anomaly.Kind.UNMAPPED,
            day=window.last,
            size=_size(books.book.positions.units[position]),
        )


def _size(size: float) -> Decimal:
    return Decimal(f"{size:.6f}")


def _finish(
    accounts: Ints,
    versions: Sequence[int],
    first_days: Sequence[date],
    window: Window,
    history: History,
    wanted: Bools,
    finished_at: datetime,
) -> None:
    """Quality of an account is the mean over its days with something in it, 1 where there never was."""
    counted = wanted & ((history.securities_count > 0) | (history.value != 0))
    days = counted.sum(axis=0)
    quality = np.where(days > 0, (history.quality * counted).sum(axis=0) / np.maximum(days, 1), 1.0)
    parameters = {
        "accounts": accounts.tolist(),
        "versions": list(versions),
        "firsts": list(first_days),
        "qualities": np.clip(quality, 0, 1).tolist(),
        "last": window.last,
        "finished": finished_at,
    }
    with connection.cursor() as cursor:
        cursor.execute(FINISH, parameters)

"""Reconstructed histories into the database: days, anomalies, and how far each account has come."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Final, NamedTuple

import numpy as np
from django.db import connection

from history.core.book import AnomalyKind, Bools, History, Ints
from history.models import Anomaly
from history.reconstruction.account_days import Seam, changes, write_days
from history.reconstruction.books import Books, Window

KINDS: Final = {
    AnomalyKind.NEGATIVE_UNITS: Anomaly.Kind.NEGATIVE_UNITS,
    AnomalyKind.NEGATIVE_CASH: Anomaly.Kind.NEGATIVE_CASH,
    AnomalyKind.UNPRICED: Anomaly.Kind.NEVER_PRICED,
    AnomalyKind.UNCONVERTED: Anomaly.Kind.UNCONVERTED,
    AnomalyKind.BASIS: Anomaly.Kind.BASIS,
}

DIGITS: Final = 9  # of a quality: the last ones depend on which accounts are summed together


class Doubt(NamedTuple):
    """A row of history_anomaly; there may be thousands, and model instances take their time."""

    account_id: int
    security_id: int | None
    kind: str
    day: date
    size: Decimal


COPY_ANOMALIES: Final = "COPY history_anomaly (owner_id, account_id, security_id, kind, day, size) FROM STDIN"
FINISH: Final = """
UPDATE history_accounthistory h
SET state = 'ready', processed_version = done.version, progress = 1, first_day = done.first_day, last_day = %(last)s,
    quality = done.quality, finished_at = %(finished)s, attempts = 0, queued_at = NULL, stale_from = NULL,
    error = '', seen_transaction = done.seen, days_version = h.days_version + 1
FROM unnest(%(accounts)s::bigint[], %(versions)s::bigint[], %(firsts)s::date[], %(qualities)s::float8[],
    %(seen)s::bigint[]) AS done(account_id, version, first_day, quality, seen)
WHERE h.account_id = done.account_id
"""


def write_history(
    *,
    books: Books,
    history: History,
    window: Window,
    first_days: Sequence[date],
    versions: Sequence[int],
    written: Bools,
    compared: Bools,
    restated: Ints,
    finished_at: datetime,
) -> int:
    """Bring the accounts' reconstructed days and anomalies up to date, and mark them done at their ledger's `versions`.

    Returns how many days were written: of accounts with rows (`written`) that are `compared`, only those that differ.
    Days before an account's own first one are not written. Snapshots stay as they are, and where one disagrees with the
    reconstruction, the difference is recorded; but from the day number `restated` (A,) on what they were taken from has
    been corrected since, and the reconstruction takes their place. Runs in the caller's transaction.
    """
    owners = _owners(books.accounts)
    first = np.array([(day - window.first).days for day in first_days])
    due = np.arange(history.value.shape[0])[:, None] >= first
    found = changes(
        accounts=books.accounts,
        history=history,
        window=window,
        due=due,
        written=written,
        compared=compared,
        restated=restated,
    )
    rows = write_days(accounts=books.accounts, owners=owners, history=history, window=window, changes=found)
    doubts = [
        *_anomalies(books, history, window),
        *_unmapped(books, window),
        *_seams(books, window, found.seams),
    ]
    _replace_anomalies(books.accounts, owners, doubts)
    _finish(books, versions, first_days, window, history, found.due, finished_at)
    return rows


def _owners(accounts: Ints) -> list[int]:
    """In the order of the accounts, which are sorted."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT owner_id FROM investments_account WHERE id = ANY(%s) ORDER BY id", [accounts.tolist()])
        return [row[0] for row in cursor.fetchall()]


def _replace_anomalies(accounts: Ints, owners: Sequence[int], doubts: Sequence[Doubt]) -> None:
    owner = dict(zip(accounts.tolist(), owners, strict=True))
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM history_anomaly WHERE account_id = ANY(%s)", [accounts.tolist()])
        if not doubts:
            return
        with cursor.copy(COPY_ANOMALIES) as copy:
            for one in doubts:
                copy.write_row((owner[one.account_id], one.account_id, one.security_id, one.kind, one.day, one.size))


def _anomalies(books: Books, history: History, window: Window) -> Iterator[Doubt]:
    days: list[date] = window.days.tolist()
    for found in history.anomalies:
        held = found.position >= 0
        yield Doubt(
            account_id=int(books.accounts[found.account]),
            security_id=int(books.securities[books.security[found.position]]) if held else None,
            kind=KINDS[found.kind],
            day=days[found.day],
            size=_size(found.size),
        )


def _seams(books: Books, window: Window, seams: Sequence[Seam]) -> Iterator[Doubt]:
    for seam in seams:
        yield Doubt(
            account_id=int(books.accounts[seam.account]),
            security_id=None,
            kind=Anomaly.Kind.SEAM,
            day=window.days[seam.day].astype(object),
            size=_size(seam.size),
        )


def _unmapped(books: Books, window: Window) -> Iterator[Doubt]:
    for position in np.flatnonzero(books.unmapped).tolist():
        yield Doubt(
            account_id=int(books.accounts[books.book.positions.account[position]]),
            security_id=int(books.securities[books.security[position]]),
            kind=Anomaly.Kind.UNMAPPED,
            day=window.last,
            size=_size(books.book.positions.units[position]),
        )


def _size(size: float) -> Decimal:
    return Decimal(f"{size:.6f}")


def _finish(
    books: Books,
    versions: Sequence[int],
    first_days: Sequence[date],
    window: Window,
    history: History,
    due: Bools,
    finished_at: datetime,
) -> None:
    """Quality of an account is the mean over its days with something in it, 1 where there never was."""
    counted = due & ((history.securities_count > 0) | (history.value != 0))
    days = counted.sum(axis=0)
    quality = np.where(days > 0, (history.quality * counted).sum(axis=0) / np.maximum(days, 1), 1.0)
    parameters = {
        "accounts": books.accounts.tolist(),
        "seen": books.newest.tolist(),
        "versions": list(versions),
        "firsts": list(first_days),
        "qualities": np.round(np.clip(quality, 0, 1), DIGITS).tolist(),
        "last": window.last,
        "finished": finished_at,
    }
    with connection.cursor() as cursor:
        cursor.execute(FINISH, parameters)

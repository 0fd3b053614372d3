"""The ledgers of many accounts as arrays: every version of every row, and which of them count."""

import numpy as np
from django.db import connection

from history.arrays import Column, read_columns
from history.core.book import Ints
from history.core.movements import effect_code
from history.core.places import places
from history.reconstruction.book_currencies import NO_CURRENCY
from history.reconstruction.book_queries import (
    CANCELLED,
    KIND_COLUMNS,
    KINDS,
    ODD,
    ODD_COLUMNS,
    TRANSACTION_COLUMNS,
    TRANSACTIONS,
)
from investments.core.effects import TABLE


def read_versions(accounts: Ints, currency: str) -> dict[str, Column]:
    """Every version of every row of the accounts, an account's together, and the `place` of their account.

    Where some are in another currency than the accounts', `rate` and its code.
    """
    parameters = {"accounts": accounts.tolist(), "currency": currency}
    rows = read_columns(TRANSACTIONS, parameters, TRANSACTION_COLUMNS, by="account")
    rows["place"] = places(accounts, rows.pop("account"))[0]
    rows["effect"] = _effects(rows.pop("kind"))
    odd = np.flatnonzero(rows.pop("odd"))
    rows |= {
        "supersedes": np.zeros(rows["id"].size, np.int64),
        "void": np.zeros(rows["id"].size, np.bool_),
        "cancel": np.zeros(rows["id"].size, np.bool_),
    }
    if not odd.size:
        return rows
    odd = odd[np.argsort(rows["id"][odd])]
    told = read_columns(ODD, {"odd": rows["id"][odd].tolist()}, ODD_COLUMNS)
    place = odd[np.searchsorted(rows["id"][odd], told.pop("id"))]
    rows |= {"rate": np.ones(rows["id"].size), "currency": np.full(rows["id"].size, NO_CURRENCY)}
    told["currency"][told.pop("own")] = NO_CURRENCY
    for name, column in told.items():
        rows[name][place] = column
    return rows


def _effects(hashes: Ints) -> Ints:
    """The code of each row's effect, by the hash of its type and subtype; the server tells those of the table."""
    parameters = {
        "types": [kind for kind, _ in TABLE],
        "subtypes": [subtype for _, subtype in TABLE],
        "codes": [effect_code(*kind) for kind in TABLE],
    }
    known = read_columns(KINDS, parameters, KIND_COLUMNS)
    place = np.minimum(np.searchsorted(known["kind"], hashes), known["kind"].size - 1)
    found = known["kind"][place] == hashes
    return np.where(found, known["code"][place], effect_code("", "")).astype(np.int64)


def current_rows(rows: dict[str, Column]) -> dict[str, Column]:
    """The current rows in order of record: neither superseded nor void, nor cancels and what they cancel."""
    current = ~rows["void"]
    if rows["supersedes"].any():
        current &= ~np.isin(rows["id"], rows["supersedes"])
    cancels = rows["id"][current & rows["cancel"]]
    if cancels.size:
        current &= ~rows["cancel"] & ~np.isin(rows["id"], cancelled_by(cancels))
    place, row = rows["place"], rows["id"]
    if current.all() and np.all((place[:-1] < place[1:]) | (place[:-1] == place[1:]) & (row[:-1] < row[1:])):
        return rows  # the usual case, and they are many
    kept = np.flatnonzero(current)
    kept = kept[np.lexsort((row[kept], place[kept]))]
    return {name: column[kept] for name, column in rows.items()}


def cancelled_by(cancels: Ints) -> Ints:
    """The rows that these cancel."""
    with connection.cursor() as cursor:
        cursor.execute(CANCELLED, [cancels.tolist()])
        return np.array([row[0] for row in cursor.fetchall()], np.int64)

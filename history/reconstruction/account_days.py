"""Account days in PostgreSQL: what is stored, what differs from it, and nothing else written.

A day that comes out as it is stored costs a comparison and no write: no row to vacuum, no log to ship. Figures are
compared at the four places they are stored with.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from django.db import connection

from history.arrays import Column, read_columns, write_columns
from history.core.book import HALF_CENT, Bools, Floats, History, Ints
from history.models import AccountDay
from history.reconstruction.books import NEVER, Window

RECONSTRUCTED: Final = AccountDay.SnapshotType.RECONSTRUCTED
WHOLE: Final = 1 - 1e-9  # of the basis: less is unknown, not smaller
PLACES: Final = 10_000.0
MONEY: Final = ("value", "cash", "cost_basis", "net_flow", "income", "fees")

# Reconstructed days only of accounts that are compared, snapshots of all: they are kept, and told where they disagree.
STORED: Final = f"""
SELECT d.account_id, d.day, d.snapshot_type <> {RECONSTRUCTED.value}, d.value::float8, d.cash::float8,
    COALESCE(d.cost_basis::float8, 'NaN'), d.net_flow::float8, d.income::float8, d.fees::float8,
    d.securities_count, d.quality
FROM unnest(%(accounts)s::bigint[], %(compared)s::bool[]) a(id, compared)
JOIN history_accountday d ON d.account_id = a.id
WHERE d.day >= %(first)s AND (a.compared OR d.snapshot_type <> {RECONSTRUCTED.value})
"""
STORED_COLUMNS: Final = {
    "account": "int8", "day": "date", "snapshot": "bool", **dict.fromkeys(MONEY, "float8"), "securities_count": "int2",
    "quality": "float8",
}  # fmt: skip
DELETE_RUNS: Final = f"""
DELETE FROM history_accountday d
USING unnest(%(accounts)s::bigint[], %(firsts)s::date[], %(lasts)s::date[], %(restated)s::date[])
    run(account_id, first_day, last_day, restated)
WHERE d.account_id = run.account_id AND d.day BETWEEN run.first_day AND run.last_day
    AND (d.snapshot_type = {RECONSTRUCTED.value} OR d.day >= run.restated)
"""
DELETE_AFTER: Final = f"""
DELETE FROM history_accountday WHERE account_id = ANY(%s) AND day > %s AND snapshot_type = {RECONSTRUCTED.value}
"""


@dataclass(frozen=True, slots=True)
class Seam:
    """The worst disagreement of an account's snapshots with the reconstruction. `size`: reconstructed less taken."""

    account: int
    day: int
    size: float


@dataclass(frozen=True, slots=True)
class Changes:
    """What is to be written: `due` (D, A) are all days that are the reconstruction's, `changed` those that differ.

    `written` (A,): accounts that have rows already, which have to go first; `restated` (A,): the day number from
    which on snapshots go too.
    """

    due: Bools
    changed: Bools
    written: Bools
    restated: Ints
    seams: tuple[Seam, ...]


def changes(
    *, accounts: Ints, history: History, window: Window, due: Bools, written: Bools, compared: Bools, restated: Ints
) -> Changes:
    """What differs from what is stored; days with a snapshot are left out of `due`, but those that are to be restated.

    `written` (A,): accounts with rows; `compared` (A,): those of them whose rows are compared rather than replaced;
    `restated` (A,): the day number from which on a snapshot that differs gives way.
    """
    if not written.any():
        return Changes(due, due, written, restated, ())
    parameters = {
        "accounts": accounts[written].tolist(), "compared": compared[written].tolist(), "first": window.first,
    }  # fmt: skip
    stored = read_columns(STORED, parameters, STORED_COLUMNS)
    inside = window.number(stored["day"]) < due.shape[0]
    stored = {name: column[inside] for name, column in stored.items()}
    day, place = window.number(stored["day"]), np.searchsorted(accounts, stored["account"])
    same = same_figures(stored, {name: figure[day, place] for name, figure in figures_of(history).items()})
    kept = stored["snapshot"] & (same | (day < restated[place]))
    due = due.copy()
    due[day[kept], place[kept]] = False
    changed = due.copy()
    changed[day[same], place[same]] = False
    apart = history.value[day, place][kept] - stored["value"][kept]
    return Changes(due, changed, written, restated, tuple(_seams(day[kept], place[kept], apart)))


def figures_of(history: History) -> dict[str, Floats | Ints]:
    """The columns of a day, each (D, A); an incomplete basis is unknown."""
    basis = np.where(history.basis_coverage >= WHOLE, history.cost_basis, np.nan)
    figures = {name: getattr(history, name) for name in (*MONEY, "securities_count", "quality")}
    return figures | {"cost_basis": basis}


def same_figures(stored: Mapping[str, Column], ours: Mapping[str, Column]) -> Bools:
    """(R,) whether rows would be stored as they are."""
    same = np.ones(stored["value"].size, np.bool_)
    for name, figure in ours.items():
        theirs = stored[name]
        if name in MONEY:
            figure, theirs = np.rint(figure * PLACES), np.rint(theirs * PLACES)
        same &= (figure == theirs) | (np.isnan(figure) & np.isnan(theirs))
    return same


def _seams(day: Ints, place: Ints, apart: Floats) -> list[Seam]:
    order = np.argsort(-np.abs(apart), kind="stable")
    accounts, worst = np.unique(place[order], return_index=True)
    found = zip(accounts.tolist(), order[worst].tolist(), strict=True)
    return [Seam(account, int(day[row]), float(apart[row])) for account, row in found if abs(apart[row]) > HALF_CENT]


def write_days(*, accounts: Ints, owners: Sequence[int], history: History, window: Window, changes: Changes) -> int:
    """Replace the days that differ; returns how many. Runs in the caller's transaction."""
    _delete(accounts, window, changes)
    place, day = _by_partition(changes.changed, window)
    return copy_days(
        owner=np.asarray(owners, np.int64)[place],
        account=accounts[place],
        day=window.days[day],
        figures={name: figure[day, place] for name, figure in figures_of(history).items()},
        kind=RECONSTRUCTED,
    )


def copy_days(
    *, owner: Ints, account: Ints, day: Column, figures: Mapping[str, Column], kind: AccountDay.SnapshotType
) -> int:
    """Write rows (R,) that are not there; `figures` are named as the columns, money in units, NaN unknown."""
    return write_columns(
        "history_accountday",
        {
            "owner_id": ("int8", owner),
            "account_id": ("int8", account),
            "day": ("date", day),
            **{name: ("money", figures[name]) for name in MONEY},
            "securities_count": ("int2", figures["securities_count"]),
            "quality": ("float8", figures["quality"]),
            "snapshot_type": ("int2", np.full(account.size, kind.value)),
        },
    )


def _by_partition(changed: Bools, window: Window) -> tuple[Ints, Ints]:
    """Places and days in the order of the key, one year after another, as the partitions are."""
    place, day = np.nonzero(changed.T)
    year = window.days.astype("datetime64[Y]").astype(np.int16)[day]
    order = np.argsort(year, kind="stable")
    return place[order], day[order]


def _delete(accounts: Ints, window: Window, changes: Changes) -> None:
    """Rows that are replaced, as runs of days; and what a clock that was ahead has left behind the last one."""
    if not changes.written.any():
        return
    place, first, last = _runs(changes.changed & changes.written)
    runs = {
        "accounts": accounts[place].tolist(),
        "firsts": window.days[first].tolist(),
        "lasts": window.days[last].tolist(),
        "restated": (np.datetime64(window.first) + np.clip(changes.restated[place], 0, NEVER)).tolist(),
    }
    with connection.cursor() as cursor:
        if place.size:
            cursor.execute(DELETE_RUNS, runs)
        cursor.execute(DELETE_AFTER, [accounts[changes.written].tolist(), window.last])


def _runs(changed: Bools) -> tuple[Ints, Ints, Ints]:
    """(account place, first day, last day) of every run of consecutive days."""
    edges = np.diff(np.pad(changed.T.astype(np.int8), ((0, 0), (1, 1))), axis=1)
    place, first = np.nonzero(edges == 1)
    return place, first, np.nonzero(edges == -1)[1] - 1

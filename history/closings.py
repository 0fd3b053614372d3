"""What accounts are worth at the end of a day, many at once: holdings and a price table of the day, as arrays.

A snapshot writes what is kept; a day that only follows on another (`history.reconstruction.appends`) writes what may
still change. A row that is right already is not written, not even to the log.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import numpy as np
from django.db import connection

from history import closing_queries as queries
from history.arrays import Column, read_columns, read_together
from history.closing_queries import HELD, LISTED, RANGE
from history.core.book import Bools, Floats, Ints
from history.core.closing import PLACES, Closing, Held, UnitPrices, close_day, prices_in_kind, ten_thousandths
from history.day_movements import DayMovements, day_movements
from history.models import AccountDay
from history.reconstruction.account_days import copy_days, same_figures

Kind = AccountDay.SnapshotType
NEVER: Final = date(1, 1, 1)


@dataclass(frozen=True, slots=True)
class Closed:
    """`rows` accounts are as they should be, `changed` of them were written.

    `left` have moved on since the day; `unconverted` lack an exchange rate, and no value is better than a wrong one.
    """

    rows: int
    changed: int
    left: tuple[int, ...]
    unconverted: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Question:
    """Accounts given by an SQL condition and its parameters, and the day that ends."""

    accounts: str
    parameters: dict[str, Any]
    day: date

    def read(self, sql: str, types: dict[str, str], **more: object) -> dict[str, Column]:
        named = {**self.parameters, "day": self.day, "never": NEVER, **more}
        return read_columns(sql.format(accounts=self.accounts), named, types)

    def number(self, days: Column) -> Ints:
        """Days as numbers that count from the one that ends."""
        return (days - np.datetime64(self.day)).astype(np.int64)


def close_range(*, first_account: int, last_account: int, day: date, today: date) -> Closed:
    """Take the snapshot of a day that is over for the open accounts of a range of ids."""
    return _close(_Question(RANGE, {"first": first_account, "last": last_account}, day), today, Kind.END_OF_DAY)


def close_accounts(*, account_ids: Sequence[int], day: date, today: date) -> Closed:
    """Write a day of these accounts as a reconstruction would; where a snapshot was taken it stays."""
    return _close(_Question(LISTED, {"accounts": list(account_ids)}, day), today, Kind.RECONSTRUCTED)


def moved_since(*, account_ids: Sequence[int], day: date, today: date) -> set[int]:
    """Those of the accounts whose holdings now are not what they held at the end of the day."""
    asked = _Question(LISTED, {"accounts": list(account_ids)}, day)
    moved = day_movements(accounts=asked.accounts, parameters=asked.parameters, day=day).moved_on
    return {*moved.tolist(), *_split_since(asked, today)}


def _split_since(asked: _Question, today: date) -> list[int]:
    with connection.cursor() as cursor:
        named = {**asked.parameters, "day": asked.day, "today": today}
        cursor.execute(queries.SPLIT_SINCE.format(accounts=asked.accounts), named)
        return [row[0] for row in cursor.fetchall()]


def _close(asked: _Question, today: date, kind: AccountDay.SnapshotType) -> Closed:
    """Write the end of a day; some ten statements whatever the number of accounts, in the caller's transaction.

    What the accounts hold now counts, so accounts whose ledger has rows after the day, or that hold what was split
    since, are left out: reconstruction knows what they held then.
    """
    moved = day_movements(accounts=asked.accounts, parameters=asked.parameters, day=asked.day)
    left = np.union1d(moved.moved_on, np.array(_split_since(asked, today), np.int64))
    currencies, accounts, holdings = _read(asked, left)
    if not accounts["id"].size:
        return Closed(0, 0, tuple(left.tolist()), ())
    prices, unit, kind_unit = _unit_prices(asked, currencies, accounts, holdings, moved)
    closing = close_day(
        uninvested=ten_thousandths(accounts["uninvested"] * PLACES),
        margin=accounts["margin"],
        held=_held(asked, holdings, unit),
        prices=prices,
    )
    figures = {
        "value": closing.value / PLACES,
        "cash": closing.cash / PLACES,
        "cost_basis": _cost_basis(asked, accounts["id"], closing, moved),
        **_movements(asked, accounts["id"], moved, prices, kind_unit),
        "securities_count": closing.securities_count,
        "quality": closing.quality,
    }
    sure = ~closing.unconverted
    figures = {name: figure[sure] for name, figure in figures.items()}
    changed = _write(asked, accounts["id"][sure], accounts["owner"][sure], figures, kind)
    unconverted = accounts["id"][closing.unconverted]
    return Closed(int(sure.sum()), changed, tuple(left.tolist()), tuple(unconverted.tolist()))


def _read(asked: _Question, left: Ints) -> tuple[list[str], dict[str, Column], dict[str, Column]]:
    """Currencies, accounts by id, and their holdings with `place`, that of the account; both as of one moment."""
    with connection.cursor() as cursor:
        cursor.execute(queries.CURRENCIES.format(accounts=asked.accounts), asked.parameters)
        currencies = sorted(row[0] for row in cursor.fetchall())
    accounts, holdings = read_together(
        [
            (queries.ACCOUNTS.format(accounts=asked.accounts), queries.ACCOUNT_COLUMNS),
            (queries.HOLDINGS.format(held=HELD[asked.accounts]), queries.HOLDING_COLUMNS),
        ],
        {**asked.parameters, "currencies": currencies, "never": NEVER},
    )
    accounts = _where(accounts, ~np.isin(accounts["id"], left))
    place, found = _places(accounts["id"], holdings["account"])
    return currencies, accounts, _where(holdings | {"place": place}, found)


def _where(rows: dict[str, Column], chosen: Bools) -> dict[str, Column]:
    return rows if chosen.all() else {name: column[chosen] for name, column in rows.items()}


def _places(ids: Ints, wanted: Ints) -> tuple[Ints, Bools]:
    """Where `wanted` are in the sorted `ids`, and whether they are."""
    if not ids.size:
        return np.zeros(wanted.size, np.int64), np.zeros(wanted.size, np.bool_)
    place = np.minimum(np.searchsorted(ids, wanted), ids.size - 1)
    return place, ids[place] == wanted


def _unit_prices(
    asked: _Question, currencies: list[str], accounts: dict[str, Column], holdings: dict[str, Column],
    moved: DayMovements,
) -> tuple[UnitPrices, Ints, Ints]:  # fmt: skip
    """The price table, and the place in it of each holding and of each movement in kind."""
    kind_place, _ = _places(accounts["id"], moved.kind_account)
    many = max(len(currencies), 1)
    keys = holdings["security"] * many + accounts["currency"][holdings["place"]]
    kind_keys = moved.kind_security * many + accounts["currency"][kind_place]
    wanted = np.unique(np.concatenate((np.unique(keys), kind_keys)))
    named = {
        "currencies": currencies, "securities": (wanted // many).tolist(), "targets": (wanted % many).tolist(),
    }  # fmt: skip
    told = asked.read(queries.UNIT_PRICES, queries.UNIT_PRICE_COLUMNS, **named)
    told["day"] = asked.number(told["day"])
    return UnitPrices(**told), np.searchsorted(wanted, keys), np.searchsorted(wanted, kind_keys)


def _held(asked: _Question, holdings: dict[str, Column], unit: Ints) -> Held:
    return Held(
        account=holdings["place"],
        unit=unit,
        quantity=holdings["quantity"],
        basis=holdings["basis"],
        broker_value=holdings["broker_value"],
        broker_day=asked.number(holdings["broker_day"]),
        unpriced=holdings["unpriced"],
    )


def _cost_basis(asked: _Question, accounts: Ints, closing: Closing, moved: DayMovements) -> Floats:
    """Where that of a holding is not known it is what the day knew, or the day before if nothing was dealt in."""
    basis = closing.cost_basis / PLACES
    unknown = accounts[np.isnan(basis)]
    if unknown.size:
        days = np.datetime64(asked.day) - (~np.isin(unknown, moved.account[moved.dealt])).astype(np.int64)
        known = asked.read(
            queries.KNOWN_BASIS, queries.KNOWN_BASIS_COLUMNS, unknown=unknown.tolist(), days=days.tolist()
        )
        basis[np.searchsorted(accounts, known["account"])] = known["basis"]
    return basis


def _movements(
    asked: _Question, accounts: Ints, moved: DayMovements, prices: UnitPrices, kind_unit: Ints
) -> dict[str, Floats]:
    """Flows, income and fees (A,); what moved in kind is a flow at market value."""
    in_kind = np.zeros(0)
    if kind_unit.size:
        told = asked.read(
            queries.IN_KIND, queries.IN_KIND_COLUMNS, ahead=date.max,
            kind_accounts=moved.kind_account.tolist(), kind_securities=moved.kind_security.tolist(),
        )  # fmt: skip
        in_kind = moved.kind_units * prices_in_kind(
            unit=kind_unit, own=moved.kind_price, broker=told["broker"], broker_day=asked.number(told["broker_day"]),
            prices=prices,
        )  # fmt: skip

    def total(account: Ints, amounts: Floats) -> Floats:
        place, found = _places(accounts, account)
        return np.bincount(place[found], weights=amounts[found], minlength=accounts.size)

    flow = total(moved.account, moved.net_flow) + total(moved.kind_account, in_kind)
    figures = {"net_flow": flow, "income": total(moved.account, moved.income), "fees": total(moved.account, moved.fees)}
    return {name: ten_thousandths(figure * PLACES) / PLACES for name, figure in figures.items()}


def _write(
    asked: _Question, accounts: Ints, owners: Ints, figures: dict[str, Column], kind: AccountDay.SnapshotType
) -> int:
    """The rows that differ from what is stored; returns how many."""
    stored = asked.read(queries.STORED, queries.STORED_COLUMNS)
    place, found = _places(accounts, stored["account"])
    stored, place = _where(stored, found), place[found]
    same = same_figures(stored, {name: figure[place] for name, figure in figures.items()})
    kept = (same & (stored["snapshot_type"] == kind.value)) | (stored["taken"] & (kind is not Kind.END_OF_DAY))
    due = np.ones(accounts.size, np.bool_)
    due[place[kept]] = False
    if not kept.all():
        with connection.cursor() as cursor:
            cursor.execute(queries.DELETE_DAY, [stored["account"][~kept].tolist(), asked.day])
    return copy_days(
        owner=owners[due],
        account=accounts[due],
        day=np.full(int(due.sum()), np.datetime64(asked.day)),
        figures={name: figure[due] for name, figure in figures.items()},
        kind=kind,
    )

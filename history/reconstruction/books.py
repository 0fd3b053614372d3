"""The books of many accounts out of PostgreSQL, as the arrays that reconstruction works on.

Every query is one for all accounts, and transactions never become Python objects (see `arrays`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
from django.db import connection

from history.arrays import Column, read_columns
from history.core.book import NO_DAY, Accounts, Book, Bools, Ints, Movements, Positions
from history.core.market import Exchanges, Market, Splits, build_market
from history.core.movements import movements_from_rows
from history.core.places import distinct, places
from history.market.closes import close_matrix
from history.market.fx import rate_matrix
from history.reconstruction.book_currencies import ForeignCash, in_account_currency, own_cash, read_purses
from history.reconstruction.book_queries import (
    EXCHANGE_COLUMNS,
    EXCHANGES,
    HOLDING_COLUMNS,
    HOLDINGS,
    SECURITIES,
    SPLIT_COLUMNS,
    SPLITS,
)
from history.reconstruction.book_rows import cancelled_by, current_rows, read_versions
from history.valuation import AccountWorth

LONG_AGO: Final = date(1900, 1, 1)
NEVER: Final = 10**6  # a day that no window reaches
NO_POSITION: Final = -1
NOTHING_NEW: Final = 2**62  # seen so far: no row is newer


@dataclass(frozen=True, slots=True)
class Window:
    """Consecutive calendar days; the last is the day the holdings are of."""

    first: date
    last: date

    def number(self, days: Column) -> Ints:
        """Days since the first, for datetime64 days."""
        return (days - np.datetime64(self.first)).astype(np.int64)

    def day_number(self, day: date | None) -> int:
        """Days since the first; NEVER without a day."""
        return NEVER if day is None else (day - self.first).days

    @property
    def days(self) -> Column:
        return np.arange(np.datetime64(self.first), np.datetime64(self.last) + 1)


@dataclass(frozen=True, slots=True)
class Books:
    """A Book and its Market, and which rows the places in them stand for.

    `accounts` and `securities` are primary keys by place; `security` (P,) is each position's place in `securities`.
    `unmapped` (P,): positions held now that no market symbol prices. `newest` (A,): the newest row of the ledger, 0
    none; `touched` (A,): the first day that rows newer than those seen before say something of, NEVER without any.
    """

    book: Book
    market: Market
    accounts: Ints
    securities: Ints
    security: Ints
    unmapped: Bools
    newest: Ints
    touched: Ints


@dataclass(frozen=True, slots=True)
class _Securities:
    """S securities by primary key, cash left out."""

    ids: Ints
    multiplier: Column
    derivative: Bools
    cash_equivalent: Bools
    symbol: Ints  # below zero: none, only brokerages price it
    currencies: tuple[str, ...]


def read_books(*, worths: Sequence[AccountWorth], margin: Bools, window: Window, seen: Ints) -> Books:
    """The books of the accounts, which share one currency, in the order of `worths` (by id); five or six queries.

    `margin` (A,): cash may go below zero; `seen` (A,): the newest row of the ledger known so far.
    """
    accounts = np.array([worth.account_id for worth in worths], np.int64)
    versions, holdings = read_versions(accounts, worths[0].currency), _holdings(accounts)
    rows = current_rows(versions)
    securities, cash = _securities(
        distinct(np.concatenate([distinct(rows["security"]), holdings["security"]])), worths[0].currency
    )
    held_column, held = places(securities.ids, holdings["security"])
    moved_column, moves = places(securities.ids, rows["security"])
    everything, holdings = holdings, {name: column[held] for name, column in holdings.items()}
    keys = _keys(holdings["place"], held_column[held], securities)
    row_keys = _keys(rows["place"], moved_column, securities)
    position_keys = distinct(np.concatenate([keys, distinct(row_keys[moves])]))
    market = _market(securities, window, worths[0].currency)
    movements = _movements(rows, np.where(moves, places(position_keys, row_keys)[0], NO_POSITION), window)
    converted = in_account_currency(movements, rows, position_keys % max(securities.ids.size, 1), market)
    purses = read_purses(
        cash=cash,
        holdings=everything,
        rows=rows,
        movements=(movements, converted),
        window=(window.first, window.last),
        currency=worths[0].currency,
    )
    uninvested = np.array([float(worth.uninvested) for worth in worths])
    book = Book(
        Accounts(cash=own_cash(uninvested, purses), margin=margin),
        _positions(position_keys, keys, holdings, securities, window),
        converted,
        purses,
    )
    security = position_keys % max(securities.ids.size, 1)
    return Books(
        book=book,
        market=market,
        accounts=accounts,
        securities=securities.ids,
        security=security,
        unmapped=(securities.symbol[security] < 0) & (book.positions.units != 0) & ~book.positions.is_cash,
        newest=_newest(versions, accounts),
        touched=_touched(versions, accounts, window, seen),
    )


def _keys(account: Ints, column: Ints, securities: _Securities) -> Ints:
    """(account, security) as one number, in the order of positions."""
    return account * max(securities.ids.size, 1) + column


def _newest(versions: dict[str, Column], accounts: Ints) -> Ints:
    newest = np.zeros(accounts.size, np.int64)
    start = np.flatnonzero(np.diff(versions["place"], prepend=-1))  # an account's rows come together
    if start.size:
        newest[versions["place"][start]] = np.maximum.reduceat(versions["id"], start)
    return newest


def _touched(versions: dict[str, Column], accounts: Ints, window: Window, seen: Ints) -> Ints:
    """New rows speak of their own day, and of the day of what they supersede or cancel."""
    first = np.full(accounts.size, NEVER, np.int64)
    new = versions["id"] > seen[versions["place"]]
    if new.any():
        cancels = versions["id"][new & versions["cancel"]]
        meant = np.concatenate([versions["supersedes"][new], cancelled_by(cancels) if cancels.size else cancels])
        new |= np.isin(versions["id"], meant)
        np.minimum.at(first, versions["place"][new], window.number(versions["day"][new]))
    return first


def _holdings(accounts: Ints) -> dict[str, Column]:
    parameters = {"accounts": accounts.tolist(), "long_ago": LONG_AGO}
    rows = read_columns(HOLDINGS, parameters, HOLDING_COLUMNS, by="account")
    rows["place"] = places(accounts, rows.pop("account"))[0]
    return rows


def _securities(ids: Ints, currency: str) -> tuple[_Securities, ForeignCash]:
    with connection.cursor() as cursor:
        cursor.execute(SECURITIES, {"securities": ids.tolist()})
        rows = cursor.fetchall()
    told = list(zip(*(row for row in rows if not row[1]), strict=True)) or [()] * 8
    keys, _cash, multiplier, derivative, equivalent, symbol, currencies, _codes = told
    foreign = [row for row in rows if row[1] and row[6] != currency]
    return _Securities(
        np.array(keys, np.int64), np.array(multiplier, float), np.array(derivative, bool),
        np.array(equivalent, bool), np.array(symbol, np.int64), tuple(currencies),
    ), ForeignCash(
        np.array([row[0] for row in foreign], np.int64), tuple(row[6] for row in foreign),
        np.array([row[7] for row in foreign], np.int64),
    )  # fmt: skip


def _positions(
    position_keys: Ints, keys: Ints, holdings: dict[str, Column], securities: _Securities, window: Window
) -> Positions:
    account, column = np.divmod(position_keys, max(securities.ids.size, 1))
    place = np.searchsorted(position_keys, keys)
    units = np.zeros(position_keys.size)
    basis, price = np.full(units.size, np.nan), np.full(units.size, np.nan)
    as_of = np.full(units.size, NO_DAY)
    units[place], basis[place] = holdings["units"], holdings["basis"]
    price[place] = np.where(holdings["has_price"], holdings["price"], np.nan)
    last_units, removed = np.full(units.size, np.nan), np.full(units.size, NO_DAY)
    known = holdings["as_of"] > np.datetime64(LONG_AGO)
    as_of[place] = np.where(known, window.number(holdings["as_of"]), NO_DAY)
    gone = holdings["removed"] > np.datetime64(LONG_AGO)
    last_units[place] = np.where(gone, holdings["last_units"], np.nan)
    removed[place] = np.where(gone, window.number(holdings["removed"]), NO_DAY)
    return Positions(
        account=account,
        column=column,
        units=units,
        multiplier=securities.multiplier[column],
        basis=basis,
        broker_price=price,
        broker_day=as_of,
        may_short=securities.derivative[column],
        is_cash=securities.cash_equivalent[column],
        last_units=last_units,
        removed_day=removed,
    )


def _movements(rows: dict[str, Column], position: Ints, window: Window) -> Movements:
    # A row dated tomorrow (another time zone) is in the holdings already, so it counts today.
    day = np.minimum(window.number(rows["day"]), (window.last - window.first).days)
    return movements_from_rows(
        account=rows["place"],
        position=position,
        day=day,
        effect=rows["effect"],
        quantity=rows["quantity"],
        price=rows["price"],
        amount=rows["amount"],
        fees=rows["fees"],
    )


def _market(securities: _Securities, window: Window, currency: str) -> Market:
    symbols, column = np.unique(securities.symbol, return_inverse=True)
    closes = close_matrix(symbol_ids=symbols.tolist(), start=window.first, end=window.last)
    splits = read_columns(SPLITS, {"securities": securities.ids.tolist()}, SPLIT_COLUMNS)
    foreign = any(its_currency != currency for its_currency in securities.currencies)
    return build_market(
        closes=closes.close[:, column],
        splits=Splits(
            np.searchsorted(securities.ids, splits["security"]),
            window.number(splits["day"]),
            splits["ratio"],
            splits["dividend"],
        ),
        fx=rate_matrix(securities.currencies, currency, window.first, window.last) if foreign else None,
        prior_close=closes.prior_close[column],
        prior_day=closes.prior_day[column],
        exchanges=_exchanges(securities, window),
    )


def _exchanges(securities: _Securities, window: Window) -> Exchanges:
    """Columns of one symbol are the same paper; those that no symbol prices are each their own."""
    size = securities.ids.size
    parameters = {"securities": securities.ids.tolist(), "first": window.first, "last": window.last}
    rows = read_columns(EXCHANGES, parameters, EXCHANGE_COLUMNS)
    place = np.minimum(np.searchsorted(securities.ids, rows["successor"]), max(size - 1, 0))
    listed = (securities.ids[place] == rows["successor"]) if size else np.zeros(0, np.bool_)
    unpriced = np.where(listed, -2 - place, -1)
    return Exchanges(
        column=np.searchsorted(securities.ids, rows["security"]),
        successor=np.where(rows["symbol"] > 0, rows["symbol"], unpriced).astype(np.int64),
        day=window.number(rows["day"]),
        ratio=rows["ratio"],
        cash=rows["cash"],
        ends=rows["ends"],
        kept=rows["kept"],
        group=np.where(securities.symbol > 0, securities.symbol, -2 - np.arange(size)),
    )

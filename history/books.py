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
from history.closes import close_matrix
from history.core.book import NO_DAY, Accounts, Book, Bools, Ints, Movements, Positions
from history.core.market import Exchanges, Market, Splits, build_market
from history.core.movements import effect_code, movements_from_rows
from history.fx import JOIN_PAID, PAID_RATE, paid_sql, rate_matrix
from history.valuation import CURRENCY, IS_CASH, MULTIPLIER, AccountWorth
from investments.core.effects import TABLE

LONG_AGO: Final = date(1900, 1, 1)
NEVER: Final = 10**6  # a day that no window reaches
NOTHING_NEW: Final = 2**62  # seen so far: no row is newer

# All versions of all rows: a later version may lie on another day than the one it supersedes. What few rows are is told
# of those alone (ODD): each column that is read of all costs a tenth of the query.
TRANSACTIONS: Final = f"""
SELECT t.id, t.is_void OR t.supersedes_id IS NOT NULL OR t.type = 'cancel' OR t.currency <> %(currency)s, t.account_id,
    COALESCE(t.security_id, 0), t.date, COALESCE(kind.code, {effect_code("", "")})::int4,
    t.quantity::float8, t.price::float8, t.amount::float8, t.fees::float8
FROM investments_transaction t
LEFT JOIN unnest(%(types)s::text[], %(subtypes)s::text[], %(codes)s::int[]) kind(type, subtype, code)
    ON kind.type = t.type AND kind.subtype = t.subtype
WHERE t.account_id = ANY(%(accounts)s)
"""
TRANSACTION_COLUMNS: Final = {
    "id": "int8", "odd": "bool", "account": "int8", "security": "int8", "day": "date", "effect": "int4",
    "quantity": "float8", "price": "float8", "amount": "float8", "fees": "float8",
}  # fmt: skip

ODD: Final = f"""
{paid_sql("t.id = ANY(%(odd)s)")}
SELECT t.id, COALESCE(t.supersedes_id, 0), t.is_void, t.type = 'cancel', {PAID_RATE}
FROM investments_transaction t
JOIN investments_account a ON a.id = t.account_id
{JOIN_PAID}
WHERE t.id = ANY(%(odd)s)
"""
ODD_COLUMNS: Final = {"id": "int8", "supersedes": "int8", "void": "bool", "cancel": "bool", "rate": "float8"}

CANCELLED: Final = """
SELECT t.id FROM investments_transaction c
JOIN investments_transaction t ON t.account_id = c.account_id AND t.external_id = c.cancels_external_id
WHERE c.id = ANY(%s)
"""

# What is gone still tells what it was last worth.
HOLDINGS: Final = """
SELECT h.account_id, h.security_id, CASE WHEN h.removed_at IS NULL THEN h.quantity ELSE 0 END::float8,
    COALESCE(h.cost_basis::float8, 'NaN'), NULLIF(h.institution_price, 0) IS NOT NULL, h.institution_price::float8,
    COALESCE(h.institution_price_as_of, %(long_ago)s::date), h.quantity::float8,
    COALESCE((h.removed_at AT TIME ZONE 'America/New_York')::date, %(long_ago)s::date)
FROM investments_holding h WHERE h.account_id = ANY(%(accounts)s)
"""
HOLDING_COLUMNS: Final = {
    "account": "int8", "security": "int8", "units": "float8", "basis": "float8", "has_price": "bool",
    "price": "float8", "as_of": "date", "last_units": "float8", "removed": "date",
}  # fmt: skip

SECURITIES: Final = f"""
SELECT s.id, {IS_CASH}, ({MULTIPLIER})::float8, s.type = 'derivative', COALESCE(m.symbol_id, 0),
    COALESCE(y.currency, {CURRENCY})
FROM investments_security s
LEFT JOIN history_securitymapping m ON m.security_id = s.id
LEFT JOIN history_marketsymbol y ON y.id = m.symbol_id
WHERE s.id = ANY(%(securities)s) ORDER BY s.id
"""

SPLITS: Final = """
SELECT security_id, ex_date, ratio::float8, kind = 'stock_dividend' FROM investments_corporateaction
WHERE kind IN ('split', 'stock_dividend') AND voided_at IS NULL AND security_id = ANY(%(securities)s)
"""
SPLIT_COLUMNS: Final = {"security": "int8", "day": "date", "ratio": "float8", "dividend": "bool"}

# Of any security that the same symbol prices: an operator enters an action once, whoever lists the paper later. Rows of
# one day and kind are one action.
EXCHANGES: Final = """
SELECT DISTINCT ON (s.id, c.kind, c.ex_date) s.id, c.ex_date, COALESCE(c.successor_id, 0), COALESCE(heir.symbol_id, 0),
    COALESCE(c.ratio, CASE WHEN c.kind = 'symbol_change' THEN 1 WHEN c.successor_id IS NOT NULL THEN 1 ELSE 0 END)
        ::float8,
    CASE WHEN c.kind IN ('merger', 'delisting') THEN COALESCE(c.cash_per_unit, 0) ELSE 0 END::float8,
    c.kind <> 'spin_off', COALESCE((1 - c.basis_fraction)::float8, 'NaN')
FROM investments_security s
LEFT JOIN history_securitymapping m ON m.security_id = s.id
LEFT JOIN history_securitymapping same ON same.symbol_id = m.symbol_id
JOIN investments_corporateaction c ON c.security_id = COALESCE(same.security_id, s.id) AND c.voided_at IS NULL
    AND (c.kind IN ('merger', 'delisting') OR (c.kind IN ('spin_off', 'symbol_change') AND c.successor_id IS NOT NULL))
LEFT JOIN history_securitymapping heir ON heir.security_id = c.successor_id
WHERE s.id = ANY(%(securities)s) AND c.ex_date BETWEEN %(first)s AND %(last)s
ORDER BY s.id, c.kind, c.ex_date, c.id
"""
EXCHANGE_COLUMNS: Final = {
    "security": "int8", "day": "date", "successor": "int8", "symbol": "int4", "ratio": "float8", "cash": "float8",
    "ends": "bool", "kept": "float8",
}  # fmt: skip


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
    symbol: Ints  # 0 none
    currencies: tuple[str, ...]


def read_books(*, worths: Sequence[AccountWorth], margin: Bools, window: Window, seen: Ints) -> Books:
    """The books of the accounts, which share one currency, in the order of `worths` (by id); four or five queries.

    `margin` (A,): cash may go below zero; `seen` (A,): the newest row of the ledger known so far.
    """
    accounts = np.array([worth.account_id for worth in worths], np.int64)
    versions, holdings = _versions(accounts, worths[0].currency), _holdings(accounts)
    rows = _current(versions)
    securities = _securities(np.union1d(rows["security"], holdings["security"]))
    held = np.isin(holdings["security"], securities.ids)
    holdings = {name: column[held] for name, column in holdings.items()}
    keys = _keys(accounts, securities, holdings)
    row_keys = np.where(np.isin(rows["security"], securities.ids), _keys(accounts, securities, rows), -1)
    position_keys = np.union1d(keys, row_keys[row_keys >= 0])
    book = Book(
        Accounts(cash=np.array([float(worth.cash) for worth in worths]), margin=margin),
        _positions(position_keys, keys, holdings, securities, window),
        _movements(rows, np.searchsorted(accounts, rows["account"]), _found(position_keys, row_keys), window),
    )
    security = position_keys % max(securities.ids.size, 1)
    return Books(
        book=book,
        market=_market(securities, window, worths[0].currency),
        accounts=accounts,
        securities=securities.ids,
        security=security,
        unmapped=(securities.symbol[security] == 0) & (book.positions.units != 0),
        newest=_newest(versions, accounts),
        touched=_touched(versions, accounts, window, seen),
    )


def _keys(accounts: Ints, securities: _Securities, rows: dict[str, Column]) -> Ints:
    """(account, security) as one number, in the order of positions."""
    place = np.searchsorted(securities.ids, rows["security"])
    return np.searchsorted(accounts, rows["account"]) * max(securities.ids.size, 1) + place


def _found(position_keys: Ints, keys: Ints) -> Ints:
    """Each key's position, -1 for a negative key."""
    return np.where(keys < 0, -1, np.searchsorted(position_keys, keys))


def _versions(accounts: Ints, currency: str) -> dict[str, Column]:
    """Every version of every row; money in `currency`, the accounts'."""
    parameters = {
        "accounts": accounts.tolist(),
        "currency": currency,
        "types": [kind for kind, _ in TABLE],
        "subtypes": [subtype for _, subtype in TABLE],
        "codes": [effect_code(*kind) for kind in TABLE],
    }
    rows = read_columns(TRANSACTIONS, parameters, TRANSACTION_COLUMNS)
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
    rate = told.pop("rate")
    for name in ("amount", "fees"):
        rows[name][place] *= rate
    for name, column in told.items():
        rows[name][place] = column
    return rows


def _newest(versions: dict[str, Column], accounts: Ints) -> Ints:
    newest = np.zeros(accounts.size, np.int64)
    np.maximum.at(newest, np.searchsorted(accounts, versions["account"]), versions["id"])
    return newest


def _touched(versions: dict[str, Column], accounts: Ints, window: Window, seen: Ints) -> Ints:
    """New rows speak of their own day, and of the day of what they supersede or cancel."""
    first = np.full(accounts.size, NEVER, np.int64)
    place = np.searchsorted(accounts, versions["account"])
    new = versions["id"] > seen[place]
    if new.any():
        cancels = versions["id"][new & versions["cancel"]]
        meant = np.concatenate([versions["supersedes"][new], _cancelled(cancels) if cancels.size else cancels])
        new |= np.isin(versions["id"], meant)
        np.minimum.at(first, place[new], window.number(versions["day"][new]))
    return first


def _current(rows: dict[str, Column]) -> dict[str, Column]:
    """The current rows in order of record: neither superseded nor void, nor cancels and what they cancel."""
    current = ~rows["void"]
    if rows["supersedes"].any():
        current &= ~np.isin(rows["id"], rows["supersedes"])
    cancels = rows["id"][current & rows["cancel"]]
    if cancels.size:
        current &= ~rows["cancel"] & ~np.isin(rows["id"], _cancelled(cancels))
    kept = np.flatnonzero(current)
    kept = kept[np.lexsort((rows["id"][kept], rows["account"][kept]))]
    return {name: column[kept] for name, column in rows.items()}


def _cancelled(cancels: Ints) -> Ints:
    with connection.cursor() as cursor:
        cursor.execute(CANCELLED, [cancels.tolist()])
        return np.array([row[0] for row in cursor.fetchall()], np.int64)


def _holdings(accounts: Ints) -> dict[str, Column]:
    return read_columns(HOLDINGS, {"accounts": accounts.tolist(), "long_ago": LONG_AGO}, HOLDING_COLUMNS)


def _securities(ids: Ints) -> _Securities:
    with connection.cursor() as cursor:
        cursor.execute(SECURITIES, {"securities": ids.tolist()})
        rows = [row for row in cursor.fetchall() if not row[1]]
    keys, _cash, multiplier, derivative, symbol, currencies = zip(*rows, strict=True) if rows else ((),) * 6
    return _Securities(
        np.array(keys, np.int64), np.array(multiplier, float), np.array(derivative, bool), np.array(symbol, np.int64),
        tuple(currencies),
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
        last_units=last_units,
        removed_day=removed,
    )


def _movements(rows: dict[str, Column], account: Ints, position: Ints, window: Window) -> Movements:
    # A row dated tomorrow (another time zone) is in the holdings already, so it counts today.
    day = np.minimum(window.number(rows["day"]), (window.last - window.first).days)
    return movements_from_rows(
        account=account,
        position=position,
        day=day,
        effect=rows["effect"].astype(np.int64),
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

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
from history.core.market import Market, Splits, build_market
from history.core.movements import effect_code, movements_from_rows
from history.fx import rate_matrix
from history.valuation import CURRENCY, IS_CASH, MULTIPLIER, AccountWorth
from investments.core.effects import TABLE

LONG_AGO: Final = date(1900, 1, 1)

# All versions of all rows: a later version may lie on another day than the one it supersedes.
TRANSACTIONS: Final = f"""
SELECT t.id, COALESCE(t.supersedes_id, 0), t.is_void, t.type = 'cancel', t.account_id, COALESCE(t.security_id, 0),
    t.date, COALESCE(kind.code, {effect_code("", "")})::int4,
    t.quantity::float8, t.price::float8, t.amount::float8, t.fees::float8
FROM investments_transaction t
LEFT JOIN unnest(%(types)s::text[], %(subtypes)s::text[], %(codes)s::int[]) kind(type, subtype, code)
    ON kind.type = t.type AND kind.subtype = t.subtype
WHERE t.account_id = ANY(%(accounts)s)
"""
TRANSACTION_COLUMNS: Final = {
    "id": "int8", "supersedes": "int8", "void": "bool", "cancel": "bool", "account": "int8", "security": "int8",
    "day": "date", "effect": "int4", "quantity": "float8", "price": "float8", "amount": "float8", "fees": "float8",
}  # fmt: skip

CANCELLED: Final = """
SELECT t.id FROM investments_transaction c
JOIN investments_transaction t ON t.account_id = c.account_id AND t.external_id = c.cancels_external_id
WHERE c.id = ANY(%s)
"""

# What is gone still tells what it was last worth.
HOLDINGS: Final = """
SELECT h.account_id, h.security_id, CASE WHEN h.removed_at IS NULL THEN h.quantity ELSE 0 END::float8,
    COALESCE(h.cost_basis::float8, 'NaN'), NULLIF(h.institution_price, 0) IS NOT NULL, h.institution_price::float8,
    COALESCE(h.institution_price_as_of, %(long_ago)s::date)
FROM investments_holding h WHERE h.account_id = ANY(%(accounts)s)
"""
HOLDING_COLUMNS: Final = {
    "account": "int8", "security": "int8", "units": "float8", "basis": "float8", "has_price": "bool",
    "price": "float8", "as_of": "date",
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
SELECT security_id, ex_date, ratio::float8 FROM investments_corporateaction
WHERE kind = 'split' AND security_id = ANY(%(securities)s)
"""


@dataclass(frozen=True, slots=True)
class Window:
    """Consecutive calendar days; the last is the day the holdings are of."""

    first: date
    last: date

    def number(self, days: Column) -> Ints:
        """Days since the first, for datetime64 days."""
        return (days - np.datetime64(self.first)).astype(np.int64)

    @property
    def days(self) -> Column:
        return np.arange(np.datetime64(self.first), np.datetime64(self.last) + 1)


@dataclass(frozen=True, slots=True)
class Books:
    """A Book and its Market, and which rows the places in them stand for.

    `accounts` and `securities` are primary keys by place; `security` (P,) is each position's place in `securities`.
    `unmapped` (P,): positions held now that no market symbol prices.
    """

    book: Book
    market: Market
    accounts: Ints
    securities: Ints
    security: Ints
    unmapped: Bools


@dataclass(frozen=True, slots=True)
class _Securities:
    """S securities by primary key, cash left out."""

    ids: Ints
    multiplier: Column
    derivative: Bools
    symbol: Ints  # 0 none
    currencies: tuple[str, ...]


def read_books(*, worths: Sequence[AccountWorth], margin: Bools, window: Window) -> Books:
    """The books of the accounts, which share one currency, in the order of `worths` (by id); four or five queries.

    `margin` (A,): cash may go below zero. Raises MissingRate when a security's currency cannot be converted.
    """
    accounts = np.array([worth.account_id for worth in worths], np.int64)
    rows, holdings = _transactions(accounts), _holdings(accounts)
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
    )


def _keys(accounts: Ints, securities: _Securities, rows: dict[str, Column]) -> Ints:
    """(account, security) as one number, in the order of positions."""
    place = np.searchsorted(securities.ids, rows["security"])
    return np.searchsorted(accounts, rows["account"]) * max(securities.ids.size, 1) + place


def _found(position_keys: Ints, keys: Ints) -> Ints:
    """Each key's position, -1 for a negative key."""
    return np.where(keys < 0, -1, np.searchsorted(position_keys, keys))


def _transactions(accounts: Ints) -> dict[str, Column]:
    """The current rows in order of record: neither superseded nor void, nor cancels and what they cancel."""
    parameters = {
        "accounts": accounts.tolist(),
        "types": [kind for kind, _ in TABLE],
        "subtypes": [subtype for _, subtype in TABLE],
        "codes": [effect_code(*kind) for kind in TABLE],
    }
    rows = read_columns(TRANSACTIONS, parameters, TRANSACTION_COLUMNS)
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
    known = holdings["as_of"] > np.datetime64(LONG_AGO)
    as_of[place] = np.where(known, window.number(holdings["as_of"]), NO_DAY)
    return Positions(
        account=account,
        column=column,
        units=units,
        multiplier=securities.multiplier[column],
        basis=basis,
        broker_price=price,
        broker_day=as_of,
        may_short=securities.derivative[column],
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
    splits = read_columns(
        SPLITS, {"securities": securities.ids.tolist()}, {"security": "int8", "day": "date", "ratio": "float8"}
    )
    foreign = any(its_currency != currency for its_currency in securities.currencies)
    return build_market(
        closes=closes.close[:, column],
        splits=Splits(
            np.searchsorted(securities.ids, splits["security"]), window.number(splits["day"]), splits["ratio"]
        ),
        fx=rate_matrix(securities.currencies, currency, window.first, window.last) if foreign else None,
        prior_close=closes.prior_close[column],
        prior_day=closes.prior_day[column],
    )

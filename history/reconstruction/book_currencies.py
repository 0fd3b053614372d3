"""What the books have in other currencies than the account's: rows converted, and a purse per currency kept as cash."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

import numpy as np

from history.arrays import Column
from history.core.book import NO_PURSES, Floats, Ints, Movements, Purses
from history.core.market import Market
from history.core.movements import moves_units
from history.market.fx import rate_matrix

NO_CURRENCY: Final = 0  # of rows in the account's own


@dataclass(frozen=True, slots=True)
class ForeignCash:
    """Securities that are money in another currency than the accounts': ids, currencies, and the codes of these."""

    ids: Ints
    names: tuple[str, ...]
    codes: Ints


def read_purses(
    *,
    cash: ForeignCash,
    holdings: Mapping[str, Column],
    rows: Mapping[str, Column],
    movements: tuple[Movements, Movements],
    window: tuple[date, date],
    currency: str,
) -> Purses:
    """The purses of what is or was held in foreign cash; `movements` as they were told, and in the accounts' currency.

    `rows` are the transactions behind the movements. One query where there is such cash, else none.
    """
    held = np.isin(holdings["security"], cash.ids)
    if not held.any():
        return NO_PURSES
    codes, first = np.unique(cash.codes, return_index=True)
    place = _code_of(cash, holdings["security"][held], codes)
    keys, purse = np.unique(holdings["place"][held] * codes.size + place, return_inverse=True)
    price = np.where(holdings["has_price"], holdings["price"], 1.0)[held]
    names = [cash.names[at] for at in first[keys % codes.size].tolist()]
    told, converted = movements
    row, into, amount, paid = _paid(keys, codes, cash, rows, told, converted)
    return Purses(
        account=keys // codes.size,
        held=np.asarray(np.bincount(purse, holdings["units"][held] * price, keys.size), np.float64),
        rate=np.ascontiguousarray(rate_matrix(names, currency, *window).T),
        purse=into,
        day=told.day[row],
        amount=amount,
        converted=paid,
    )


def _code_of(cash: ForeignCash, security: Ints, codes: Ints) -> Ints:
    """The place of each security's currency in `codes`."""
    order = np.argsort(cash.ids)
    found = order[np.searchsorted(cash.ids, security, sorter=order)]
    return np.searchsorted(codes, cash.codes[found])


def _paid(
    keys: Ints, codes: Ints, cash: ForeignCash, rows: Mapping[str, Column], told: Movements, converted: Movements
) -> tuple[Ints, Ints, Floats, Floats]:
    """(M,) rows, their purses, what went into these, and what the account's own cash was given for it.

    Rows in a purse's currency, and purchases of such money with the account's own.
    """
    code = rows["currency"] if "currency" in rows else np.full(told.account.size, NO_CURRENCY)
    bought = np.isin(rows["security"], cash.ids) & (code == NO_CURRENCY) & moves_units(rows["effect"])
    code = code.copy()
    code[bought] = codes[_code_of(cash, rows["security"][bought], codes)]
    known = np.flatnonzero(np.isin(code, codes))
    wanted = told.account[known] * codes.size + np.searchsorted(codes, code[known])
    purse = np.minimum(np.searchsorted(keys, wanted), keys.size - 1)
    kept = keys[purse] == wanted
    row, purse = known[kept], purse[kept]
    trade = bought[row]
    amount = np.where(trade, rows["quantity"][row], told.cash[row])
    return row, purse, amount, np.where(trade, 0.0, converted.cash[row])


def own_cash(uninvested: Floats, purses: Purses) -> Floats:
    """Cash in the account's own currency: what valuation says, less what the purses are worth."""
    own = uninvested.copy()
    np.subtract.at(own, purses.account, purses.held * np.nan_to_num(purses.rate[:, -1]) if purses.held.size else 0.0)
    return own


def in_account_currency(movements: Movements, rows: dict[str, Column], column: Ints, market: Market) -> Movements:
    """Money in the accounts' currency, at the rate of each row's day; prices in that of their security.

    `column` (P,) is each position's.
    """
    rate = rows["rate"] if "rate" in rows else np.ones(movements.price.size)
    if market.fx is not None:
        moved = np.flatnonzero(movements.position >= 0)
        day = np.clip(movements.day[moved], 0, market.days - 1)
        price = movements.price.copy()
        price[moved] *= rate[moved] / market.fx[column[movements.position[moved]], day]
        movements = replace(movements, price=np.where(price > 0, price, np.nan))
    if "rate" not in rows:
        return movements
    return replace(
        movements,
        cash=movements.cash * rate,
        flow=movements.flow * rate,
        income=movements.income * rate,
        fee=movements.fee * rate,
        cost=movements.cost * rate,
    )

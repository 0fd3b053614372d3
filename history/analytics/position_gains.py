"""What every position of some accounts gained by day, in the base currency: the books read once more, for a period.

The arithmetic is that of the reconstruction, so positions and accounts agree; where a snapshot or a quote of today says
otherwise, the difference is told as not explained (see `attribution`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from history.core.book import Floats, Ints
from history.core.gains import PositionGains, Trades, position_gains
from history.market.fx import rate_matrix
from history.reconstruction.books import NOTHING_NEW, Window, read_books
from history.valuation import AccountWorth
from investments.models import Account, Holding, Security


@dataclass(frozen=True, slots=True)
class Positions:
    """Position p is `securities[p]` in `accounts[p]`; `gains` are over `window`, whose last day is today.

    `cash_accounts` (A,) are behind the rows of `gains.cash`; `every_account` by id, closed ones too.
    """

    window: Window
    securities: tuple[Security, ...]
    accounts: tuple[Account, ...]
    cash_accounts: tuple[Account, ...]
    every_account: dict[int, Account]
    gains: PositionGains


def read_positions(
    *, account_ids: Sequence[int], worths: Sequence[AccountWorth], first: date, today: date, base_currency: str
) -> Positions:
    """The positions of the open accounts, told by their `worths`, from `first` to today.

    Ten queries at most, and eight more for each further currency of accounts.
    """
    window = Window(first, today)
    groups = [
        _group([worth for worth in worths if worth.currency == currency], window, base_currency)
        for currency in sorted({worth.currency for worth in worths})
    ]
    accounts = Account.objects.select_related("institution").in_bulk(account_ids)
    securities = Security.objects.in_bulk({pk for group in groups for pk in group.securities.tolist()})
    gains = _joined([group.gains for group in groups], (today - first).days + 1)
    keys = [
        (account, security)
        for group in groups
        for account, security in zip(group.accounts.tolist(), group.securities.tolist(), strict=True)
    ]
    rates = {worth.account_id: float(worth.rate) for worth in worths if worth.rate is not None}
    _value_today(gains, keys, rates)
    return Positions(
        window=window,
        securities=tuple(securities[security] for _, security in keys),
        accounts=tuple(accounts[account] for account, _ in keys),
        cash_accounts=tuple(accounts[pk] for group in groups for pk in group.cash_accounts),
        every_account=accounts,
        gains=gains,
    )


@dataclass(frozen=True, slots=True)
class _Group:
    """Accounts of one currency; `accounts` and `securities` are ids by position."""

    accounts: Ints
    securities: Ints
    cash_accounts: tuple[int, ...]
    gains: PositionGains


def _group(worths: Sequence[AccountWorth], window: Window, base_currency: str) -> _Group:
    count = len(worths)
    books = read_books(worths=worths, margin=np.zeros(count, np.bool_), window=window, seen=np.full(count, NOTHING_NEW))
    currency = worths[0].currency
    rate = np.ones(books.market.days)
    if currency != base_currency:
        rate = rate_matrix([currency], base_currency, window.first, window.last)[:, 0]
    gains = position_gains(book=books.book, market=books.market, rate=rate)
    accounts = books.accounts[books.book.positions.account]
    return _Group(accounts, books.securities[books.security], tuple(books.accounts.tolist()), gains)


def _joined(groups: Sequence[PositionGains], days: int) -> PositionGains:
    if not groups:
        nothing, none = np.empty((0, days)), np.empty(0, np.int64)
        return PositionGains(
            nothing, nothing, nothing, nothing, Trades(none, none, np.empty(0), np.empty(0), np.empty(0))
        )
    offsets = np.cumsum([0, *(group.value.shape[0] for group in groups[:-1])])
    trades = [group.trades for group in groups]
    return PositionGains(
        value=np.vstack([group.value for group in groups]),
        gain=np.vstack([group.gain for group in groups]),
        unit=np.vstack([group.unit for group in groups]),
        cash=np.vstack([group.cash for group in groups]),
        trades=Trades(
            position=np.concatenate([each.position + at for each, at in zip(trades, offsets, strict=True)]),
            day=np.concatenate([each.day for each in trades]),
            units=np.concatenate([each.units for each in trades]),
            price=np.concatenate([each.price for each in trades]),
            at_once=np.concatenate([each.at_once for each in trades]),
        ),
    )


def _value_today(gains: PositionGains, keys: list[tuple[int, int]], rates: dict[int, float]) -> None:
    """The last day as `valuation` has it: quotes of today are gains of today."""
    held = Holding.objects.filter(account__in=rates).held().values_list("account", "security", "market_value")
    told = {(account, security): value for account, security, value in held if value is not None}
    for place, key in enumerate(keys):
        before = gains.value[place, -1]
        if key in told and key[0] in rates and before:
            now = float(told[key]) * rates[key[0]]
            gains.gain[place, -1] += now - before
            gains.unit[place, -1] *= now / before
            gains.value[place, -1] = now


def price_returns(unit: Floats, sessions: Ints) -> Floats:
    """(S - 1, P) price returns from session to session, NaN where there is no price at either end."""
    closes = unit[:, sessions]
    priced = ~np.isnan(closes) & (closes > 0)
    both = priced[:, 1:] & priced[:, :-1]
    moved = np.where(both, closes[:, 1:] / np.where(both, closes[:, :-1], 1.0) - 1.0, np.nan)
    return np.asarray(moved.T, np.float64)

"""Cash that an account keeps in another currency than its own: it is worth what each day's rate makes of it."""

from dataclasses import replace

import numpy as np

from history.core.book import Floats, Purses
from history.core.sums import by_day


def purses_worth(purses: Purses, *, accounts: int, days: int) -> Floats:
    """(A, D) what the purses were worth at the end of each day, in the account's currency; nothing without a rate."""
    moved = by_day(purses.amount, purses.purse, purses.day, shape=(purses.held.size, days))
    level = purses.held[:, None] - _after(moved)
    worth = np.zeros((accounts, days))
    np.add.at(worth, purses.account, level * np.nan_to_num(purses.rate))
    return worth


def purses_paid(purses: Purses, *, accounts: int, days: int) -> Floats:
    """(A, D) what went into purses on each day at its rate, in the account's currency."""
    return by_day(purses.converted, purses.account[purses.purse], purses.day, shape=(accounts, days))


def beside_own_cash(purses: Purses, *, accounts: int, days: int) -> Floats:
    """(A, D) what the purses add to an account's own cash, which was walked back as if all had gone into it."""
    paid = purses_paid(purses, accounts=accounts, days=days)
    return purses_worth(purses, accounts=accounts, days=days) + _after(paid)


def of_accounts(purses: Purses, first: int, last: int) -> Purses:
    """Those of the accounts first..last-1, which count from 0 then."""
    chosen = slice(*np.searchsorted(purses.account, (first, last)).tolist())
    rows = np.flatnonzero((purses.purse >= chosen.start) & (purses.purse < chosen.stop))
    return replace(
        purses,
        account=purses.account[chosen] - first,
        held=purses.held[chosen],
        rate=purses.rate[chosen],
        purse=purses.purse[rows] - chosen.start,
        day=purses.day[rows],
        amount=purses.amount[rows],
        converted=purses.converted[rows],
    )


def _after(moved: Floats) -> Floats:
    """(·, D) the sum of what came after each day."""
    later = np.zeros_like(moved)
    later[:, :-1] = np.cumsum(moved[:, :0:-1], axis=1)[:, ::-1]
    return later

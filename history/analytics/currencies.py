"""What exchange rates made of a portfolio: each security counts in its own currency, whichever its account is in."""

from collections import defaultdict

import numpy as np

from history.analytics.lines import AccountLines
from history.analytics.position_gains import Positions
from history.core.book import Floats
from history.core.returns import currency_returns, invested
from history.market.fx import rate_matrix


def currency_part(lines: AccountLines, positions: Positions, base_currency: str) -> Floats | None:
    """(D,) the return that rates made by day, for lines and positions that begin on one day; None without a foreign
    currency. One query where there is one.
    """
    exposure = exposures(lines, positions)
    foreign = sorted(currency for currency in exposure if currency != base_currency)
    if not foreign:
        return None
    rates = rate_matrix(foreign, base_currency, lines.first, lines.last).T
    capital = invested(lines.line.value, lines.line.net_flow)
    return currency_returns(np.array([exposure[currency] for currency in foreign]), rates, capital)


def exposures(lines: AccountLines, positions: Positions) -> dict[str, Floats]:
    """By currency: what is held in it each day (D,), in the base currency. What of an account is no position, its
    cash above all, is in the account's.
    """
    count = len(lines.line.days)
    found: dict[str, Floats] = defaultdict(lambda: np.zeros(count))
    held = held_by_account(lines, positions)
    total = np.nan_to_num(lines.value)
    for at, pk in enumerate(lines.account_ids):
        found[positions.every_account[pk].currency] += total[at] - held[at]
    for at, security in enumerate(positions.securities):
        if positions.accounts[at].pk in lines.account_ids:
            found[security.currency] += np.nan_to_num(positions.gains.value[at, :count])
    return dict(found)


def held_by_account(lines: AccountLines, positions: Positions) -> Floats:
    """(A, D) what the positions of each account are worth, in the base currency."""
    count = len(lines.line.days)
    held = np.zeros((len(lines.account_ids), count))
    place = {pk: at for at, pk in enumerate(lines.account_ids)}
    for at, account in enumerate(positions.accounts):
        if account.pk in place:
            held[place[account.pk]] += np.nan_to_num(positions.gains.value[at, :count])
    return held

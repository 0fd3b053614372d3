"""What positions gain, with cash, is what their accounts gain: held against the reconstruction of random lives."""

import numpy as np
import pytest

from history.core.attribution import contributions, days_of, trade_contributions
from history.core.gains import PositionGains, position_gains
from history.core.reconstruct import reconstruct
from history.core.returns import daily_returns, linked
from history.core.sums import by_account
from history.tests.books import life_book, life_market
from history.tests.life import Life


def lived(seed: int) -> tuple[PositionGains, np.ndarray, np.ndarray, np.ndarray]:
    life = Life(seed).live()
    book, market = life_book(life), life_market(life)
    history = reconstruct(book=book, market=market)
    found = position_gains(book=book, market=market, rate=np.ones(market.days))
    return found, book.positions.account, history.value.T, history.net_flow.T


@pytest.mark.parametrize("seed", range(6))
def test_positions_and_cash_gain_what_the_account_gains(seed: int) -> None:
    found, account, value, flow = lived(seed)
    of_positions = by_account(found.gain, account, value.shape[0])
    expected = np.diff(value, axis=1, prepend=value[:, :1]) - flow
    expected[:, 0] = 0
    assert of_positions + found.cash == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("seed", range(2))
def test_trades_and_what_was_held_are_the_positions(seed: int) -> None:
    """Trade by trade, and the rest: what a position held from the start, and was paid, is no trade's."""
    found, _account, value, flow = lived(seed)
    days = days_of(value.sum(axis=0), flow.sum(axis=0))
    moves = np.diff(found.unit, axis=1, prepend=found.unit[:, :1])
    trades = found.trades
    each = trade_contributions(
        moves=moves, position=trades.position, day=trades.day, units=trades.units, at_once=trades.at_once, days=days
    )
    assert np.isfinite(each).all()
    assert each.size == trades.units.size > 0
    parts = np.vstack([found.gain, found.cash])
    total = linked(daily_returns(value.sum(axis=0), flow.sum(axis=0)))
    assert contributions(parts, days).sum() == pytest.approx(total, abs=1e-9)


def test_everything_doubles_in_a_currency_that_is_worth_two() -> None:
    life = Life(1).live()
    book, market = life_book(life), life_market(life)
    once = position_gains(book=book, market=market, rate=np.ones(market.days))
    twice = position_gains(book=book, market=market, rate=np.full(market.days, 2.0))
    assert twice.gain == pytest.approx(once.gain * 2, abs=1e-6)
    assert twice.trades.at_once == pytest.approx(once.trades.at_once * 2, abs=1e-6)

"""Floats against exact decimals where floats are weakest: a billion dollars, tiny prices, thousands of trades."""

from decimal import Decimal
from random import Random

import numpy as np

from history.core.book import HALF_CENT
from history.tests.books import Case, Held, Move

DAYS = 731


def exact(
    units_now: Decimal, cash_now: Decimal, trades: list[tuple[int, Decimal, Decimal]], closes: list[Decimal]
) -> list[Decimal]:
    """Value of each day by Decimal alone."""
    values = []
    for day in range(DAYS):
        later = [trade for trade in trades if trade[0] > day]
        units = units_now - sum((units for _, units, _ in later), Decimal(0))
        cash = cash_now + sum((amount for _, _, amount in later), Decimal(0))
        values.append(units * closes[day] + cash)
    return values


def test_a_billion_dollars_over_two_thousand_trades_is_exact_to_half_a_cent() -> None:
    random = Random(2008)
    closes = [Decimal(random.randrange(10**6, 3 * 10**6)) / 10**4 for _ in range(DAYS)]
    trades = []
    for _ in range(2000):
        day = random.randrange(DAYS)
        units = Decimal(random.randrange(-(10**9), 10**9)) / 10**6
        trades.append((day, units, (units * closes[day]).quantize(Decimal("0.01"))))
    units_now, cash_now = Decimal("5123456.789012"), Decimal("987654321.09")
    moves = [Move(day=day, position=0, units=float(units), cash=-float(amount)) for day, units, amount in trades]
    moves.sort(key=lambda move: move.day)
    case = Case([[float(close) for close in closes]], [Held(float(units_now))], moves, cash=(float(cash_now),))
    expected = exact(units_now, cash_now, trades, closes)
    off = max(abs(Decimal(found) - true) for found, true in zip(case.history().value[:, 0], expected, strict=True))
    assert min(expected) > 10**9
    assert off < Decimal(HALF_CENT) / 100


def test_sub_cent_prices_keep_their_digits() -> None:
    """A trillion units of a coin at 0.00000123."""
    case = Case([[0.00000123] * 3], [Held(1e12)], [Move(day=1, position=0, units=2.5e11, cost=1)])
    np.testing.assert_allclose(case.history().value[:, 0], [922500, 1230000, 1230000], atol=1e-6)

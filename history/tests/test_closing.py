"""The arithmetic of the end of a day beside exact decimals."""

from decimal import ROUND_HALF_UP, Decimal

import numpy as np
import pytest

from history.core.book import Floats
from history.core.closing import Held, UnitPrices, close_day, ten_thousandths

PLACE = Decimal("0.0001")
NEVER = -700_000


def exact(amounts: list[Decimal]) -> list[int]:
    """In ten-thousandths, halves away from zero, as PostgreSQL rounds."""
    return [int(amount.quantize(PLACE, ROUND_HALF_UP).scaleb(4)) for amount in amounts]


def decimals(random: np.random.Generator, size: int, low: float, high: float, places: int) -> list[Decimal]:
    return [Decimal(f"{number:.{places}f}") for number in random.uniform(low, high, size)]


def floats(amounts: list[Decimal]) -> Floats:
    return np.array([float(amount) for amount in amounts])


@pytest.mark.parametrize("places", [3, 6])
def test_products_are_rounded_as_decimals(places: int) -> None:
    """Of three places by four one in a thousand lies on a half, where a float64 falls to either side."""
    random = np.random.default_rng(places)
    quantity, price = decimals(random, 50_000, -999, 999, places), decimals(random, 50_000, 0.01, 900, 4)
    product = [one * other for one, other in zip(quantity, price, strict=True)]
    if places == 3:
        assert sum(amount % PLACE * 2 in (PLACE, -PLACE) for amount in product) > 20
    found = ten_thousandths(floats(quantity) * floats([one * 10_000 for one in price]))
    assert found.astype(np.int64).tolist() == exact(product)


def test_an_account_is_the_sum_of_its_rounded_holdings() -> None:
    """Long and short, by the last close or the brokerage's newer figure, in two currencies."""
    random = np.random.default_rng(7)
    accounts, holdings, units = 300, 6_000, 40
    account, unit = random.integers(0, accounts, holdings), random.integers(0, units, holdings)
    quantity, price = decimals(random, holdings, -50, 400, 3), decimals(random, units, 1, 700, 4)
    rate = [Decimal("1") if place % 2 else Decimal("1.0837") for place in range(units)]
    broker, theirs = decimals(random, holdings, -900, 9000, 2), random.random(holdings) < 0.3
    cash, basis = decimals(random, accounts, -500, 5000, 2), decimals(random, holdings, 1, 9000, 2)
    has_close = np.ones(units, np.bool_)
    closing = close_day(
        uninvested=ten_thousandths(floats(cash) * 10_000),
        margin=np.ones(accounts, np.bool_),
        held=Held(
            account=account, unit=unit, quantity=floats(quantity), basis=floats(basis), broker_value=floats(broker),
            broker_day=np.where(theirs, 0, NEVER), unpriced=np.zeros(holdings, np.bool_),
        ),
        prices=UnitPrices(
            price=floats([one * its * 10_000 for one, its in zip(price, rate, strict=True)]),
            day=np.full(units, -1), has_close=has_close, rate=floats(rate), multiplier=np.ones(units),
            is_cash=~has_close, counts_as_cash=~has_close,
        ),
    )  # fmt: skip
    worth, cost = exact(cash), [Decimal(0)] * accounts
    for row in range(holdings):
        its_rate = rate[unit[row]]
        value = broker[row] * its_rate if theirs[row] else quantity[row] * price[unit[row]] * its_rate
        worth[account[row]] += exact([value])[0]
        cost[account[row]] += abs(basis[row]).copy_sign(quantity[row]) * its_rate if quantity[row] else 0
    assert closing.value.astype(np.int64).tolist() == worth
    assert closing.cost_basis.astype(np.int64).tolist() == exact(cost)
    assert (closing.quality == 1).all()

"""Many trades as arrays: to the last place what one trade after the other makes of them."""

from datetime import date, timedelta
from decimal import Decimal, localcontext
from fractions import Fraction
from math import lcm
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from investments.core import fifo
from investments.core.lot import WIDE, Closing, Deal, Lot
from investments.core.lots import LotQueue
from investments.core.many_trades import FEWEST, trade_many

D = Decimal
DAY = date(2024, 1, 2)
# Whole shares, fractions to the last place of the ledger, and both together.
units = st.one_of(
    st.integers(1, 40).map(D),
    st.decimals(min_value=D("0.000000000001"), max_value=D(900), places=12),
    st.decimals(min_value=D("0.001"), max_value=D(50), places=3),
)
money = st.decimals(min_value=0, max_value=D("99999"), places=6)
lives = st.lists(st.tuples(units, money, st.floats(0, 1), st.integers(0, 2)), min_size=1, max_size=20)


def never_short(life: list[Any], times: int) -> list[Deal]:
    """The life told several times over; each trade sells a share of what is held, or buys."""
    deals, held, day = [], D(0), DAY
    for number, (quantity, amount, share, wait) in enumerate(life * times):
        day += timedelta(wait)
        sold = min(held, quantity) if share > 0.5 else D(0)
        deals.append((number + 1, day, -sold if sold else quantity, amount))
        held += deals[-1][2]
    return deals


def one_by_one(lots: list[Lot], deals: list[Deal]) -> tuple[list[Lot], list[Closing]]:
    queue, closings = LotQueue(lots=lots), []
    for number, day, quantity, amount in deals:
        closings += queue.trade(id=number, day=day, quantity=quantity, amount=amount)
    return queue.lots, closings


@settings(max_examples=60)
@given(life=lives, before=st.lists(st.tuples(units, money), max_size=4))
def test_many_at_once_are_one_by_one(life: list[Any], before: list[tuple[Decimal, Decimal]]) -> None:
    """With the lots that are there already; whatever arrays cannot do is left to the loop, which says so too."""
    lots = [Lot(-1 - n, DAY - timedelta(9 - n), quantity, cost, DAY) for n, (quantity, cost) in enumerate(before)]
    deals = never_short(life, FEWEST // len(life) + 1)
    slow = one_by_one(lots, deals)
    queue = LotQueue(lots=lots)
    assert queue.trade_all(deals) == slow[1]
    assert queue.lots == slow[0]
    fast = trade_many(lots, deals)
    assert fast is None or fast == slow


def test_arrays_do_what_they_are_for() -> None:
    """Forty lots, each sold in five parts that do not divide its cost evenly."""
    deals: list[Deal] = []
    for _ in range(40):
        deals.append((len(deals) + 1, DAY, D(7), D("10.000001")))
        deals += [(len(deals) + 1 + part, DAY, D(-1), D("2.5")) for part in range(5)]
    fast = trade_many([], deals)
    assert fast is not None
    assert fast == one_by_one([], deals)
    left, closings = fast
    assert sum((closing.basis or D(0) for closing in closings), D(0)) + sum(
        (lot.cost or D(0) for lot in left), D(0)
    ) == 40 * D("10.000001")


@pytest.mark.parametrize(
    "strange",
    [
        (999, DAY, D(-10_000), D(5)),  # more than there is
        (999, DAY + timedelta(1), D(1), D(5)),  # after the trades that come behind it
        (999, DAY, D(1), None),  # nobody knows what it cost
        (999, DAY, D(0), D(5)),  # moves nothing
        (999, DAY, D("1e-13"), D(5)),  # more places than the ledger keeps
        (999, DAY, D("1e12"), D(5)),  # too long for 64 bits in the parts that the others are in
        (999, DAY, D(1), D("1e13")),
    ],
)
def test_what_arrays_cannot_do_goes_one_by_one(strange: Deal) -> None:
    plain: list[Deal] = [(n, DAY, D("-0.5") if n % 3 == 0 else D(1), D("1.25")) for n in range(1, 2 * FEWEST)]
    assert trade_many([], plain) is not None
    deals = [*plain, strange] if strange[2] < -1 else [strange, *plain]
    assert trade_many([], deals) is None
    queue = LotQueue()
    assert (queue.trade_all(deals), queue.lots) == one_by_one([], deals)[::-1]


def test_a_lot_sold_in_a_thousand_parts_is_left_to_the_loop() -> None:
    deals: list[Deal] = [(1, DAY, D(3000), D(1000)), *((n, DAY, D(-1), D(1)) for n in range(2, 1002))]
    assert trade_many([], deals) is None
    assert (LotQueue().trade_all(deals)) == one_by_one([], deals)[1]


def test_halves_are_rounded_to_even() -> None:
    """3/2 and 5/2 of the last place, and a rest of nothing, as Decimal rounds them."""
    ints = np.array
    pieces = fifo.match(ints([2, 2, 2] * 20), ints([3, 5, 0] * 20), ints([1] * 120), ints([0] * 120))
    assert pieces is not None
    assert pieces.basis[:6].tolist() == [2, 1, 2, 3, 0, 0]


def test_whole_shares_in_the_ledgers_places_are_counted_in_shares() -> None:
    """In parts of 1E-12, as they are stored, 64 bits would hold none of it."""
    each = D("5000000.000000000000")
    deals: list[Deal] = [(n, DAY, -each if n % 3 == 0 else each, D("1.250000")) for n in range(1, 2 * FEWEST)]
    fast = trade_many([], deals)
    assert fast is not None
    assert fast == one_by_one([], deals)


@given(
    values=st.lists(
        st.one_of(
            st.decimals(min_value=D(-900), max_value=D(900), places=6),
            st.integers(-900, 900).map(D),
            st.sampled_from([D("-0.5"), D("-0.500000"), D("0E-12"), D("1E+2"), D("1E-7"), D("3.000000000000")]),
        ),
        min_size=1,
    )
)
def test_whole_numbers_are_the_values(values: list[Decimal]) -> None:
    """Signs, exponents and unequal places included; the fewest parts that hold them all, and none cut off."""
    with localcontext(WIDE):
        found = fifo.whole_numbers(values, D("1E-12"))
        money = fifo.in_last_places(values, D("1E-6"))
    assert found is not None
    numbers, in_one = found
    exact = [Fraction(value) for value in values]
    assert [Fraction(int(number), in_one) for number in numbers] == exact
    assert in_one == lcm(*(one.denominator for one in exact))
    if D("1E-7") in values:
        assert money is None
    else:
        assert money is not None
        assert money.tolist() == [one * 10**6 for one in exact]


@pytest.mark.parametrize("value", ["1E-13", "9000000000000000000", "0.0000000000000000001"])
def test_what_64_bits_or_the_places_do_not_hold_is_not_read(value: str) -> None:
    with localcontext(WIDE):
        assert fifo.whole_numbers([D(value)], D("1E-12")) is None
        assert fifo.whole_numbers([D(value), D("1.5")], D("1E-12")) is None

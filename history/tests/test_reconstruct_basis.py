"""Cost basis at moving average: closed forms, the anchor, what cannot be known, and a loop that does it slowly."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from history.core.book import AnomalyKind
from history.tests.books import NAN, Case, Held, Move


def flat(days: int) -> list[list[float]]:
    return [[10.0] * days]


def buy(day: int, units: float, amount: float) -> Move:
    return Move(day=day, position=0, units=units, cash=-amount, cost=amount)


def basis_of(case: Case) -> list[float]:
    basis: list[float] = case.history().cost_basis[:, 0].tolist()
    return basis


def test_purchases_add_their_amount_and_sales_take_their_share() -> None:
    moves = [buy(1, 100, 1000), buy(2, 50, 600), buy(3, -75, -1125)]
    case = Case(closes=flat(5), held=[Held(75)], moves=moves)
    assert basis_of(case) == [0, 1000, 1600, 800, 800]


def test_the_published_moving_average_chain() -> None:
    """rotki's ACB case: total cost after each trade."""
    trades = [(2, 20, 20), (-1, -15, 10), (1, 30, 40), (-1.5, -15, 10), (3, 60, 70), (-2, -60, 30), (-1.5, -15, 0)]
    trades += [(1, 10, 10), (-0.5, -2.5, 5)]
    moves = [buy(day, units, amount) for day, (units, amount, _) in enumerate(trades)]
    case = Case(closes=flat(len(trades)), held=[Held(0.5)], moves=moves)
    assert basis_of(case) == pytest.approx([cost for _, _, cost in trades])


def test_the_brokerages_basis_gives_the_basis_before_the_window() -> None:
    moves = [buy(1, 10, 120), buy(2, -10, -130)]
    case = Case(closes=flat(4), held=[Held(10, basis=110)], moves=moves)
    assert basis_of(case) == pytest.approx([100, 220, 110, 110])


def test_a_split_leaves_the_basis_alone_booked_or_not() -> None:
    plain = Case(closes=flat(4), held=[Held(20, basis=700)], splits=[(0, 2, 2.0)])
    booked = Case(closes=flat(4), held=[Held(20, basis=700)], moves=[Move(day=3, position=0, units=10, split=True)])
    reverse = Case(closes=flat(4), held=[Held(5, basis=700)], moves=[Move(day=2, position=0, units=-35, split=True)])
    assert basis_of(plain) == basis_of(booked) == basis_of(reverse) == [700] * 4


def test_a_short_carries_minus_its_proceeds() -> None:
    moves = [buy(1, -10, -500), buy(2, 4, 160)]
    assert basis_of(Case(closes=flat(4), held=[Held(-6)], moves=moves)) == pytest.approx([0, -500, -300, -300])


def test_a_short_stated_with_a_positive_basis_means_its_proceeds() -> None:
    assert basis_of(Case(closes=flat(2), held=[Held(-6, basis=300)], cash=(1000,))) == [-300, -300]


def test_crossing_zero_starts_anew_at_the_trades_price() -> None:
    moves = [buy(1, 100, 1000), buy(2, -150, -1800), buy(3, 80, 800)]
    assert basis_of(Case(closes=flat(5), held=[Held(30)], moves=moves)) == pytest.approx([0, 1000, -600, 300, 300])


def test_return_of_capital_lowers_the_basis() -> None:
    moves = [buy(1, 100, 1000), Move(day=2, position=0, cash=40, income=40, cost=-40)]
    assert basis_of(Case(closes=flat(4), held=[Held(100)], moves=moves)) == [0, 1000, 960, 960]


def test_shares_from_a_stock_distribution_cost_nothing() -> None:
    moves = [buy(0, 100, 1000), Move(day=1, position=0, units=25), buy(2, -25, -500)]
    assert basis_of(Case(closes=flat(3), held=[Held(100)], moves=moves)) == [1000, 1000, 800]


def test_units_transferred_in_get_the_cost_the_brokerage_states() -> None:
    moves = [buy(1, 10, 100), Move(day=2, position=0, units=30, in_kind=True, cost=NAN)]
    assert basis_of(Case(closes=flat(4), held=[Held(40, basis=250)], moves=moves)) == pytest.approx([0, 100, 250, 250])


def test_without_a_stated_basis_what_was_there_before_is_unknown() -> None:
    history = Case(closes=flat(3), held=[Held(20)], moves=[buy(1, 10, 120)]).history()
    assert np.isnan(history.cost_basis[:, 0]).all()
    assert history.basis_coverage[:, 0].tolist() == [0, 0, 0]


def test_a_position_closed_in_the_window_keeps_its_secret() -> None:
    held = [Held(0), Held(30, basis=90, column=1)]
    moves = [buy(2, -10, -120)]
    history = Case(closes=[[10.0] * 4, [10.0] * 4], held=held, moves=moves).history()
    assert history.cost_basis[:, 0].tolist() == [90, 90, 90, 90]
    assert history.basis_coverage[:, 0].tolist() == [0.75, 0.75, 1, 1]


def test_the_anchor_day_shows_the_brokerages_basis() -> None:
    """By lots and not by average the brokerage arrives elsewhere; its figure stands on its day."""
    moves = [buy(1, 10, 100), buy(2, 10, 300), buy(3, -10, -350)]
    assert basis_of(Case(closes=flat(5), held=[Held(10, basis=300)], moves=moves)) == [0, 100, 400, 200, 300]


def test_a_stated_basis_below_the_windows_purchases_is_recorded() -> None:
    history = Case(closes=flat(3), held=[Held(20, basis=70)], moves=[buy(1, 10, 120)], cash=(200,)).history()
    (found,) = history.anomalies
    assert (found.kind, found.position, found.size) == (AnomalyKind.BASIS, 0, -50)
    assert history.cost_basis[:, 0].tolist() == [0, 120, 70]


trade = st.tuples(st.integers(-20, 20).filter(bool), st.integers(1, 500))


def average_cost(opening: int, basis: Fraction, trades: list[tuple[int, int]]) -> list[Fraction]:
    """The slow way, exactly: one trade after the other."""
    units, course = opening, []
    for count, price in trades:
        before, units = units, units + count
        if units == 0:
            basis = Fraction(0)
        elif before * units <= 0:
            basis = Fraction(units * price)
        elif abs(units) > abs(before):
            basis += count * price
        else:
            basis = basis * units / before
        course.append(basis)
    return course


@given(opening=st.integers(1, 50), price=st.integers(1, 500), trades=st.lists(trade, min_size=1, max_size=60))
def test_any_course_of_trades_equals_the_loop(opening: int, price: int, trades: list[tuple[int, int]]) -> None:
    """The opening is found again from the basis at the end, wherever nothing closed the position in between."""
    course = average_cost(opening, Fraction(opening * price), trades)
    units = opening + np.cumsum([count for count, _ in trades])
    moves = [buy(day + 1, count, count * paid) for day, (count, paid) in enumerate(trades)]
    held = [Held(float(units[-1]), basis=float(course[-1]), may_short=True)]
    history = Case(closes=flat(len(trades) + 1), held=held, moves=moves, margin=True).history()
    found, lost = history.cost_basis[:, 0], (units <= 0).any()
    if not lost:
        assert found == pytest.approx([opening * price, *map(float, course)], rel=1e-9)
    else:
        first = int(np.argmax(units <= 0))
        assert np.isnan(found[: first + 1]).all()
        assert found[first + 1 :] == pytest.approx([float(basis) for basis in course[first:]], rel=1e-9)
    assert not [anomaly for anomaly in history.anomalies if anomaly.kind == AnomalyKind.BASIS]

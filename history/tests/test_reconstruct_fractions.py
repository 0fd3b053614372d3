"""Cash in lieu of a fraction: 100 shares at 10, 1 for 8, leave 12 at 80 and 40 in cash for the half."""

import pytest

from history.tests.books import Case, Held, Move

CLOSES = [[10.0, 10, 80, 80, 80, 80]]
REVERSE = [(0, 2, 0.125)]


def case(*moves: Move, units: float = 12, cash: float = 40.0) -> Case:
    return Case(closes=CLOSES, held=[Held(units)], moves=list(moves), cash=(cash,), splits=REVERSE)


@pytest.mark.parametrize("day", [2, 5])
@pytest.mark.parametrize("paid", [40.0, 38.7, 41.9])
def test_the_cash_tells_the_fraction(day: int, paid: float) -> None:
    """Whatever it was sold at: 100 shares before, and the half until it was paid."""
    history = case(Move(day=day, position=0, cash=paid), cash=paid).history()
    value = history.value[:, 0].tolist()
    assert value[:day] == [1000] * day
    assert value[day:] == pytest.approx([960 + paid] * (6 - day))
    assert history.net_flow.sum() == history.income.sum() == 0


def test_a_fraction_sold_in_a_row_of_its_own_is_not_sold_twice() -> None:
    assert case(Move(day=4, position=0, units=-0.5, cash=40)).history().value[:, 0].tolist() == [1000] * 6


def test_a_split_booked_whole_with_its_cash() -> None:
    moves = [Move(day=2, position=0, units=-88, split=True), Move(day=2, position=0, cash=40)]
    assert case(*moves).history().value[:, 0].tolist() == [1000] * 6


def test_purchases_tell_it_where_no_cash_does() -> None:
    bought = Move(day=1, position=0, units=100, cash=-1000, cost=1000)
    history = case(bought).history()
    assert history.value[:, 0].tolist() == [1000] * 6
    assert history.cash[:, 0].tolist() == [1000, 0, 40, 40, 40, 40]
    assert history.anomalies == ()


def test_a_fraction_that_is_kept_is_kept() -> None:
    assert case(units=12.5, cash=0).history().value[:, 0].tolist() == [1000] * 6


@pytest.mark.parametrize(
    "other",
    [
        Move(day=3, position=0, cash=40, income=40),  # a dividend
        Move(day=3, position=0, cash=400),  # five shares' worth
        Move(day=3, cash=40),  # of no security
    ],
)
def test_other_cash_is_no_fraction(other: Move) -> None:
    assert case(other, cash=other.cash).history().value[1, 0] == pytest.approx(960)


def test_a_short_that_was_covered_is_no_fraction() -> None:
    covered = Move(day=1, position=0, units=4, cash=-40, cost=40, short=True)
    assert case(covered, units=0, cash=0).history().value[:, 0].tolist() == [0] * 6


def test_three_for_two_leaves_a_half_as_well() -> None:
    moves = [Move(day=2, position=0, cash=10)]
    history = Case(closes=[[30.0, 30, 20, 20]], held=[Held(151)], moves=moves, cash=(10,), splits=[(0, 2, 1.5)])
    assert history.history().value[:, 0].tolist() == [3030] * 4

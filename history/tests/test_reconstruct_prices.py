"""Which price a day gets: the market's close carried forward, else the transactions' own, else the brokerage's."""

from dataclasses import replace

import numpy as np
import pytest

from history.tests.books import NAN, Case, Held, Move


def test_a_close_is_carried_over_days_without_one() -> None:
    case = Case(closes=[[10, NAN, NAN, 12, NAN]], held=[Held(2)])
    assert case.history().value[:, 0].tolist() == [20, 20, 20, 24, 24]


def test_a_close_is_never_carried_backward() -> None:
    case = Case(closes=[[NAN, NAN, 12, 13]], held=[Held(2)])
    history = case.history()
    assert history.value[:, 0].tolist() == [0, 0, 24, 26]
    assert history.quality[:, 0].tolist() == [0, 0, 1, 1]


def test_the_last_close_before_the_window_opens_it() -> None:
    case = Case(closes=[[NAN, 12]], held=[Held(2)], prior_close=[10], prior_day=[-2])
    history = case.history()
    assert history.value[:, 0].tolist() == [20, 24]
    assert history.quality[:, 0].tolist() == [1, 1]


def test_a_close_is_fresh_for_five_days() -> None:
    case = Case(closes=[[10, *[NAN] * 7]], held=[Held(1)])
    assert case.history().quality[:, 0].tolist() == [1, 1, 1, 1, 1, 1, 0, 0]


def test_before_the_first_close_a_transaction_names_the_price_until_the_market_does() -> None:
    moves = [Move(day=1, position=0, units=5, cash=-40, cost=40, price=8), Move(day=3, position=0, units=1, price=9)]
    history = Case(closes=[[NAN, NAN, NAN, NAN, 12]], held=[Held(6)], moves=moves, cash=(0,)).history()
    assert history.value[:, 0].tolist() == [40, 40, 40, 54, 72]
    assert history.imputed[:, 0].tolist() == [0, 1, 1, 1, 0]


def test_a_transactions_price_is_split_adjusted_when_carried_over_an_ex_date() -> None:
    moves = [Move(day=0, position=0, units=5, cost=500, price=100)]
    history = Case(closes=[[NAN] * 4], held=[Held(10)], moves=moves, splits=[(0, 2, 2.0)]).history()
    assert history.value[:, 0].tolist() == [500, 500, 500, 500]


def test_the_last_transaction_before_the_window_names_its_first_price() -> None:
    before = [Move(day=day, position=0, units=5, price=price) for day, price in ((-9, 7), (-2, 40), (-2, 44), (-30, 3))]
    history = Case(closes=[[NAN] * 3], held=[Held(10)], moves=[*before, Move(day=2, position=0, units=1, price=50)])
    assert history.history().value[:, 0].tolist() == [9 * 44, 9 * 44, 10 * 50]


def test_a_price_of_before_the_window_is_carried_over_the_splits_since() -> None:
    before = [Move(day=-5, position=0, units=1, price=120), Move(day=-5, position=1, units=1, price=120)]
    splits = [(0, -5, 7.0), (0, -3, 2.0), (0, 0, 3.0), (0, 1, 5.0)]
    held = [Held(30), Held(1, column=1)]
    history = Case(closes=[[NAN] * 2, [NAN] * 2], held=held, moves=before, splits=splits).history()
    assert history.value[:, 0].tolist() == [6 * 20 + 120, 30 * 4 + 120]


def test_a_window_knows_as_much_of_a_day_as_a_longer_one() -> None:
    held, moves = [Held(0)], [Move(day=1, position=0, units=6, price=20), Move(day=4, position=0, units=-6, price=21)]
    whole = Case(closes=[[NAN] * 6], held=held, moves=moves).history()
    later = [replace(move, day=move.day - 2) for move in moves]
    part = Case(closes=[[NAN] * 4], held=held, moves=later).history()
    assert part.value[:, 0].tolist() == whole.value[2:, 0].tolist() == [120, 120, 0, 0]


def test_a_close_is_split_adjusted_when_carried_over_an_ex_date() -> None:
    case = Case(closes=[[100, NAN, NAN, 26]], held=[Held(8)], splits=[(0, 2, 4.0)])
    assert case.history().value[:, 0].tolist() == [200, 200, 200, 208]


def test_without_close_or_transaction_the_brokerages_price_serves_split_adjusted() -> None:
    case = Case(closes=[[NAN] * 4], held=[Held(10, broker_price=50, broker_day=3)], splits=[(0, 2, 2.0)])
    history = case.history()
    assert history.value[:, 0].tolist() == [500, 500, 500, 500]
    assert history.imputed[:, 0].tolist() == [1, 1, 1, 0]


def test_the_brokerages_price_of_before_the_window_is_split_adjusted_on_its_first_day() -> None:
    case = Case(closes=[[NAN] * 2], held=[Held(10, broker_price=100, broker_day=-2)], splits=[(0, 0, 2.0)])
    assert case.history().value[:, 0].tolist() == [500, 500]


def test_a_transactions_price_goes_before_the_brokerages() -> None:
    moves = [Move(day=1, position=0, units=0, cost=1, price=30)]
    held = [Held(10, broker_price=50, broker_day=3)]
    assert Case(closes=[[NAN] * 4], held=held, moves=moves).history().value[:, 0].tolist() == [500, 300, 300, 500]


@pytest.mark.parametrize(
    ("broker_day", "expected"),
    [(1, [20, 22, 24, 24]), (2, [20, 22, 34, 34]), (3, [20, 22, 24, 34]), (9, [20, 22, 24, 34])],
)
def test_the_brokerages_price_wins_where_it_is_as_fresh_as_the_last_close(
    broker_day: int, expected: list[float]
) -> None:
    case = Case(closes=[[10, 11, 12, NAN]], held=[Held(2, broker_price=17, broker_day=broker_day)])
    assert case.history().value[:, 0].tolist() == expected


def test_a_brokerages_price_of_unknown_day_does_not_overrule_a_close() -> None:
    assert Case(closes=[[10, 11]], held=[Held(2, broker_price=17)]).history().value[:, 0].tolist() == [20, 22]


def test_an_option_counts_a_hundred_and_a_bond_a_hundredth() -> None:
    held = [Held(3, multiplier=100), Held(20_000, multiplier=0.01, column=1)]
    assert Case(closes=[[1.5, 2], [98, 99]], held=held).history().value[:, 0].tolist() == [450 + 19_600, 600 + 19_800]


def test_a_foreign_security_is_worth_its_rate_of_the_day() -> None:
    case = Case(closes=[[10, NAN, 12]], held=[Held(2)], fx=np.array([[1.1], [1.2], [1.25]]))
    assert case.history().value[:, 0] == pytest.approx([22, 24, 30])


def test_an_imputed_price_is_converted_too() -> None:
    moves = [Move(day=1, position=0, units=2, cost=20, price=10)]
    held = [Held(4, broker_price=20, broker_day=2)]
    case = Case(closes=[[NAN, NAN, NAN]], held=held, moves=moves, fx=np.array([[1.1], [1.2], [1.25]]))
    assert case.history().value[:, 0] == pytest.approx([2 * 22, 4 * 12, 4 * 25])


def test_accounts_with_the_same_security_are_valued_apart() -> None:
    held = [Held(2, account=0), Held(5, account=1)]
    history = Case(closes=[[10, 11]], held=held, cash=(100, 7, 3)).history()
    assert history.value.tolist() == [[120, 57, 3], [122, 62, 3]]
    assert history.securities_count.tolist() == [[1, 1, 0], [1, 1, 0]]


def test_quality_is_the_share_of_gross_value_with_a_real_close() -> None:
    held = [Held(1), Held(1, column=1, broker_price=30, broker_day=-3)]
    history = Case(closes=[[10] * 5, [NAN] * 5], held=held, cash=(60,)).history()
    assert history.quality[:, 0].tolist() == [1, 1, 1, pytest.approx(0.7), pytest.approx(0.7)]

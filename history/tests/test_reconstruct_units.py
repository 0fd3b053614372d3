"""Walking units and cash back from now: days, splits, transfers, and what cannot be."""

import pytest

from history.core.book import Anomaly, AnomalyKind
from history.tests.books import NAN, Case, Held, Move


def flat(days: int, close: float = 10.0) -> list[list[float]]:
    return [[close] * days]


def test_a_transaction_counts_at_the_end_of_its_day() -> None:
    moves = [Move(day=2, position=0, units=5, cash=-50, cost=50)]
    history = Case(closes=flat(4), held=[Held(5)], moves=moves, cash=(20,)).history()
    assert history.cash[:, 0].tolist() == [70, 70, 20, 20]
    assert history.value[:, 0].tolist() == [70, 70, 70, 70]
    assert history.securities_count[:, 0].tolist() == [0, 0, 1, 1]


def test_movements_outside_the_window_are_left_out() -> None:
    moves = [Move(day=-1, position=0, units=5, cash=-50), Move(day=4, position=0, units=5, cash=-50, income=1)]
    history = Case(closes=flat(4), held=[Held(5)], moves=moves, cash=(20,)).history()
    assert history.value[:, 0].tolist() == [70, 70, 70, 70]
    assert history.income.sum() == 0


def test_a_split_counts_from_the_start_of_its_ex_date() -> None:
    case = Case(closes=[[100, 102, 51, 52]], held=[Held(20)], splits=[(0, 2, 2.0)])
    assert case.history().value[:, 0].tolist() == [1000, 1020, 1020, 1040]


def test_a_purchase_on_the_ex_date_is_of_new_shares() -> None:
    moves = [Move(day=2, position=0, units=4, cash=-204, cost=204)]
    history = Case(closes=[[100, 102, 51, 52]], held=[Held(24)], moves=moves, splits=[(0, 2, 2.0)]).history()
    assert history.value[:, 0].tolist() == [1204, 1224, 1224, 1248]


def test_a_reverse_split_leaves_a_fraction() -> None:
    case = Case(closes=[[10, 80]], held=[Held(12.5)], splits=[(0, 1, 0.125)])
    assert case.history().value[:, 0].tolist() == [1000, 1000]


@pytest.mark.parametrize("booked", [0, 1, 2, 3, 5])
def test_a_split_booked_as_a_transaction_is_applied_once_at_its_ex_date(booked: int) -> None:
    moves = [Move(day=booked, position=0, units=10, split=True)]
    case = Case(closes=[[100, 102, 51, 52, 53, 54]], held=[Held(20)], moves=moves, splits=[(0, 2, 2.0)])
    assert case.history().value[:, 0].tolist() == [1000, 1020, 1020, 1040, 1060, 1080]


def test_a_split_booked_after_the_window_opened_for_an_ex_date_before_it() -> None:
    moves = [Move(day=1, position=0, units=10, split=True)]
    case = Case(closes=[[51, 52, 53]], held=[Held(20)], moves=moves, splits=[(0, -2, 2.0)])
    assert case.history().value[:, 0].tolist() == [1020, 1040, 1060]


def test_a_booked_split_without_a_corporate_action_counts_on_its_own_day() -> None:
    moves = [Move(day=2, position=0, units=10, split=True)]
    case = Case(closes=[[100, 102, 51, 52]], held=[Held(20)], moves=moves, splits=[(0, 30, 2.0)])
    assert case.history().value[:, 0].tolist() == [1000, 1020, 1020, 1040]


def test_one_account_may_book_a_split_that_another_does_not() -> None:
    moves = [Move(day=3, position=0, units=10, split=True)]
    held = [Held(20, account=0), Held(6, account=1)]
    history = Case(closes=[[100, 102, 51, 52]], held=held, moves=moves, splits=[(0, 2, 2.0)], cash=(0, 0)).history()
    assert history.value.tolist() == [[1000, 300], [1020, 306], [1020, 306], [1040, 312]]


def test_what_returns_to_zero_is_zero() -> None:
    """0.1 + 0.2 - 0.3 is not 0 in floats; nobody holds 5.6e-17 shares."""
    moves = [Move(day=day, position=0, units=units) for day, units in ((1, 0.1), (2, 0.2), (3, -0.3))]
    history = Case(closes=flat(5), held=[Held(0)], moves=moves).history()
    assert history.securities_count[:, 0].tolist() == [0, 1, 1, 0, 0]
    assert history.value[[0, 3, 4], 0].tolist() == [0, 0, 0]


def test_a_satoshi_is_kept_beside_a_large_neighbour() -> None:
    moves = [Move(day=1, position=0, units=1e12), Move(day=1, position=1, units=1e-8)]
    history = Case(closes=[[1e-9] * 3, [1e9] * 3], held=[Held(2e12), Held(3e-8, column=1)], moves=moves).history()
    assert history.value[:, 0] == pytest.approx([1e3 + 20, 2e3 + 30, 2e3 + 30], abs=1e-9)


def test_a_transfer_in_kind_is_a_flow_at_the_value_of_its_day() -> None:
    moves = [
        Move(day=1, position=0, units=5, in_kind=True, cost=NAN),
        Move(day=2, position=0, units=-2, in_kind=True, cost=NAN),
    ]
    case = Case(closes=[[10, 11, 12, 13]], held=[Held(3, multiplier=100)], moves=moves)
    assert case.history().net_flow[:, 0].tolist() == [0, 5500, -2400, 0]


def test_flows_income_and_fees_lie_on_their_days() -> None:
    moves = [
        Move(day=1, cash=500, flow=500),
        Move(day=1, cash=-20, flow=-20),
        Move(day=2, cash=7, income=8, fee=1),
    ]
    history = Case(closes=flat(4), moves=moves, cash=(487,)).history()
    assert history.net_flow[:, 0].tolist() == [0, 480, 0, 0]
    assert history.income[:, 0].tolist() == [0, 0, 8, 0]
    assert history.fees[:, 0].tolist() == [0, 0, 1, 0]
    assert history.cash[:, 0].tolist() == [0, 480, 487, 487]


def test_units_below_zero_without_a_short_sale_are_recorded_and_shown() -> None:
    moves = [Move(day=2, position=0, units=-7, cash=70), Move(day=3, position=0, units=20, cash=-200)]
    history = Case(closes=flat(5), held=[Held(13)], moves=moves, cash=(300,)).history()
    (found,) = history.anomalies
    assert found == Anomaly(account=0, day=2, position=0, kind=AnomalyKind.NEGATIVE_UNITS, size=-7.0)
    assert history.value[2, 0] == 500 - 70
    assert history.quality[:, 0].tolist() == [1, 1, pytest.approx(1 - 2 * 70 / 570), 1, 1]


@pytest.mark.parametrize(
    ("held", "short"),
    [(Held(0), True), (Held(0, may_short=True), False)],
)
def test_a_short_is_no_anomaly(held: Held, short: bool) -> None:
    moves = [Move(day=1, position=0, units=-7, cash=70, short=short), Move(day=3, position=0, units=7, cash=-70)]
    history = Case(closes=flat(5), held=[held], moves=moves, cash=(100,)).history()
    assert history.anomalies == ()
    assert history.value[:, 0].tolist() == [100] * 5
    assert history.quality.min() == 1


def test_a_position_short_today_is_no_anomaly() -> None:
    assert Case(closes=flat(3), held=[Held(-5)], cash=(100,)).history().anomalies == ()


def test_a_day_trade_in_the_wrong_order_is_no_anomaly() -> None:
    moves = [Move(day=1, position=0, units=-7, cash=70), Move(day=1, position=0, units=7, cash=-70)]
    assert Case(closes=flat(3), held=[Held(0)], moves=moves).history().anomalies == ()


def test_cash_below_zero_is_recorded_unless_the_account_may_borrow() -> None:
    moves = [Move(day=1, cash=-30), Move(day=3, cash=50)]
    case = Case(closes=flat(5), held=[Held(10)], moves=moves, cash=(40,))
    history = case.history()
    (found,) = history.anomalies
    assert found == Anomaly(account=0, day=1, position=-1, kind=AnomalyKind.NEGATIVE_CASH, size=-10.0)
    assert history.cash[:, 0].tolist() == [20, -10, -10, 40, 40]
    case.margin = True
    assert case.history().anomalies == ()


def test_a_position_that_never_had_a_price_is_recorded() -> None:
    held = [Held(4), Held(3, column=1)]
    history = Case(closes=[[10, 10], [NAN, NAN]], held=held).history()
    (found,) = history.anomalies
    assert found == Anomaly(account=0, day=0, position=1, kind=AnomalyKind.UNPRICED, size=3.0)
    assert history.quality[:, 0].tolist() == [0.5, 0.5]


def test_anomalies_name_the_account_and_position_of_the_whole_book() -> None:
    """More positions than are rebuilt at once."""
    held = [Held(1, account=number // 4) for number in range(1200)]
    held[1001] = Held(1, account=250, column=1)
    history = Case(closes=[[10, 10], [NAN, NAN]], held=held, cash=tuple([5.0] * 299 + [-5.0])).history()
    assert {(found.account, found.position) for found in history.anomalies} == {(250, 1001), (299, -1)}
    assert history.value[0].tolist() == [45.0] * 250 + [35.0] + [45.0] * 48 + [35.0]


def test_movements_may_come_in_any_order_of_accounts() -> None:
    held = [Held(2, account=0), Held(5, account=1)]
    moves = [Move(day=1, position=1, units=1, account=1), Move(day=1, position=0, units=2, account=0)]
    history = Case(closes=flat(2), held=held, moves=moves, cash=(0, 0)).history()
    assert history.value.tolist() == [[0, 40], [20, 50]]


def test_positions_out_of_order_are_refused() -> None:
    with pytest.raises(ValueError, match="sorted by account"):
        Case(closes=flat(2), held=[Held(2, account=1), Held(5, account=0)], cash=(0, 0)).history()


def test_an_account_of_cash_alone() -> None:
    history = Case(closes=flat(3), moves=[Move(day=1, cash=5, income=5)], cash=(105,)).history()
    assert history.value[:, 0].tolist() == [100, 105, 105]
    assert history.cost_basis[:, 0].tolist() == [0, 0, 0]

"""Spin-offs, mergers, new names and delistings, walked back over their day: what one held before is what it was worth.

In every case 100 units of the parent are held before day 2. A spin-off of 1 for 4 worth 40 takes 10 of the parent's 50.
"""

from typing import Any

import pytest

from history.core.book import AnomalyKind
from history.tests.books import NAN, Case, Exchange, Held, Move

PARENT, CHILD = [50.0, 50, 40, 40, 40], [NAN, NAN, 40, 40, 40]
SPIN_OFF = Exchange(day=2, ratio=0.25, successor=1, kept=0.8)


def spun(*moves: Move, units: float = 25, cash: float = 0.0, **case: Any) -> Case:
    held = [Held(100, basis=800), Held(units, basis=200, column=1)]
    return Case(closes=[PARENT, CHILD], held=held, moves=list(moves), cash=(cash,), exchanges=[SPIN_OFF], **case)


class TestSpinOff:
    def test_what_nobody_booked_came_on_the_day(self) -> None:
        history = spun().history()
        assert history.value[:, 0].tolist() == [5000] * 5
        assert history.securities_count[:, 0].tolist() == [1, 1, 2, 2, 2]
        assert history.net_flow.sum() == history.income.sum() == 0
        assert history.anomalies == ()

    def test_the_basis_was_the_parents(self) -> None:
        """800 left of 1,000 with the parent; the other 200 are the child's."""
        assert spun().history().cost_basis[:, 0].tolist() == pytest.approx([1000] * 5)

    @pytest.mark.parametrize("booked", [1, 2, 4])
    def test_what_the_brokerage_booked_is_applied_once_on_its_day(self, booked: int) -> None:
        move = Move(day=booked, position=1, units=25, cost=NAN, exchange=True)
        assert spun(move).history().value[:, 0].tolist() == [5000] * 5

    def test_what_has_not_arrived_is_not_made_up(self) -> None:
        history = Case(closes=[PARENT, CHILD], held=[Held(100)], exchanges=[SPIN_OFF]).history()
        assert history.value[:, 0].tolist() == [5000, 5000, 4000, 4000, 4000]
        assert history.anomalies == ()

    def test_what_was_sold_since_had_come_from_it(self) -> None:
        sold = Move(day=3, position=1, units=-25, cash=1000)
        assert spun(sold, units=0, cash=1000).history().value[:, 0].tolist() == [5000] * 5

    def test_what_was_held_before_is_still_held_before(self) -> None:
        closes = [PARENT, [40.0] * 5]
        case = Case(closes=closes, held=[Held(100), Held(32, column=1)], exchanges=[SPIN_OFF])
        assert case.history().value[:, 0].tolist() == [5280] * 5

    def test_a_purchase_on_the_day_is_of_shares_without_it(self) -> None:
        bought = Move(day=2, position=0, units=20, cash=-800, cost=800)
        case = spun(bought, cash=200)
        case.held[0] = Held(120)
        assert case.history().value[:, 0].tolist() == [6000] * 5

    def test_a_fraction_of_it_was_paid_in_cash(self) -> None:
        """102 shares give 25.5: 25 came, and half of one as 20 in cash three days later."""
        paid = Move(day=4, position=1, cash=20)
        case = spun(paid, cash=20)
        case.held[0] = Held(102)
        assert case.history().value[:, 0].tolist() == [5100, 5100, 5080, 5080, 5100]

    def test_each_account_has_its_own(self) -> None:
        held = [Held(100), Held(25, column=1), Held(8, account=1), Held(2, column=1, account=1), Held(4, account=2)]
        moves = [Move(day=3, position=3, units=2, exchange=True, cost=NAN, account=1)]
        case = Case(closes=[PARENT, CHILD], held=held, moves=moves, cash=(0, 0, 0), exchanges=[SPIN_OFF])
        assert case.history().value.tolist() == [[5000, 400, 200]] * 2 + [[5000, 400, 160]] * 3

    def test_two_after_a_reverse_split(self) -> None:
        """GE in small: 800 shares at 12.50 become 100 at 100, of which 1 for 2 at 60 and 1 for 4 at 80 come off."""
        closes = [[12.5, 100, 70, 50], [NAN, NAN, 60, 60], [NAN, NAN, NAN, 80]]
        exchanges = [Exchange(day=2, ratio=0.5, successor=1), Exchange(day=3, ratio=0.25, successor=2)]
        held = [Held(100), Held(50, column=1), Held(25, column=2)]
        case = Case(closes=closes, held=held, splits=[(0, 1, 0.125)], exchanges=exchanges)
        assert case.history().value[:, 0].tolist() == [10000] * 4


OLD, NEW = [50.0, 50, NAN, NAN, NAN], [80.0] * 5
MERGED = Exchange(day=2, ratio=0.5, successor=1, cash=10, ends=True)
GONE = Held(0, last_units=100, removed_day=4)


def merged(*moves: Move, old: Held = GONE, units: float = 50, cash: float = 1000, how: Exchange = MERGED) -> Case:
    return Case(closes=[OLD, NEW], held=[old, Held(units, column=1)], moves=list(moves), cash=(cash,), exchanges=[how])


class TestMerger:
    """Each share for half a share worth 40, and 10 in cash."""

    def test_what_nobody_booked(self) -> None:
        history = merged().history()
        assert history.value[:, 0].tolist() == [5000] * 5
        assert history.cash[:, 0].tolist() == [0, 0, 1000, 1000, 1000]
        assert history.net_flow.sum() == history.income.sum() == 0
        assert history.anomalies == ()

    @pytest.mark.parametrize("day", [2, 4])
    def test_what_was_booked_whole_is_left_alone(self, day: int) -> None:
        moves = [
            Move(day=day, position=0, units=-100, exchange=True, cost=NAN),
            Move(day=day, position=1, units=50, exchange=True, cost=NAN),
            Move(day=day, position=0, cash=1000),
        ]
        assert merged(*moves).history().value[:, 0].tolist() == [5000] * 5

    @pytest.mark.parametrize("leg", [0, 1])
    def test_the_leg_that_was_not_booked_follows_the_other(self, leg: int) -> None:
        booked = Move(day=3, position=leg, units=(-100, 50)[leg], exchange=True, cost=NAN)
        paid = Move(day=3, position=0, cash=1000)
        assert merged(booked, paid, old=Held(0)).history().value[:, 0].tolist() == [5000] * 5

    def test_cash_that_was_booked_is_not_taken_off_twice(self) -> None:
        history = merged(Move(day=4, position=0, cash=1000)).history()
        assert history.cash[:, 0].tolist() == [0, 0, 0, 0, 1000]

    def test_for_cash_alone_sold_by_the_brokerage(self) -> None:
        how = Exchange(day=2, cash=50, ends=True)
        sold = Move(day=3, position=0, units=-100, cash=5000)
        case = Case(closes=[OLD], held=[Held(0)], moves=[sold], cash=(5000,), exchanges=[how])
        assert case.history().value[:, 0].tolist() == [5000] * 5

    def test_without_a_word_of_how_many_it_is_what_the_successor_tells(self) -> None:
        assert merged(old=Held(0)).history().value[:, 0].tolist() == [5000] * 5

    def test_bought_in_the_window_as_many_as_were_bought(self) -> None:
        """40 of the successor were there before, so half of them cannot tell: the purchase does."""
        bought = Move(day=1, position=0, units=100, cash=-5000, cost=5000)
        history = merged(bought, old=Held(0), units=50, cash=1000).history()
        assert history.value[:, 0].tolist() == [5000] * 5
        assert history.cash[:, 0].tolist() == [5000, 0, 1000, 1000, 1000]

    def test_what_was_sold_before_is_not_brought_back(self) -> None:
        sold = Move(day=1, position=0, units=-100, cash=5000)
        history = merged(sold, units=50, cash=5000).history()
        assert history.value[:, 0].tolist() == [9000] * 5
        assert history.anomalies == ()

    def test_what_the_brokerage_still_lists_is_left_alone(self) -> None:
        assert merged(old=Held(100), units=7, cash=0).history().value[:, 0].tolist() == [5560] * 5

    @pytest.mark.parametrize("one_paper", [False, True])
    def test_a_new_name_is_one_for_one(self, one_paper: bool) -> None:
        how = Exchange(day=2, ratio=1, successor=0 if one_paper else 1, ends=True)
        closes = [[80.0] * 5, [80.0] * 5]
        case = Case(closes=closes, held=[GONE, Held(100, column=1)], exchanges=[how], one_paper=one_paper)
        history = case.history()
        assert history.value[:, 0].tolist() == [8000] * 5
        assert history.securities_count[:, 0].tolist() == [1] * 5

    def test_a_fraction_is_paid_in_cash(self) -> None:
        old = Held(0, last_units=101, removed_day=4)
        history = merged(Move(day=2, position=1, cash=40), Move(day=2, position=0, cash=1010), old=old, cash=1050)
        assert history.history().value[:, 0].tolist() == [5050] * 5

    def test_a_short_is_exchanged_as_well(self) -> None:
        old = Held(0, last_units=-100, removed_day=4)
        history = merged(old=old, units=-50, cash=5000 - 1000).history()
        assert history.value[:, 0].tolist() == [0] * 5


class TestDelisting:
    @pytest.mark.parametrize(("price", "after"), [(0.0, 0), (50.0, 5000), (1.25, 125)])
    def test_it_ends_at_its_price(self, price: float, after: float) -> None:
        how = Exchange(day=2, cash=price, ends=True)
        case = Case(closes=[OLD], held=[GONE], cash=(100 * price,), exchanges=[how])
        history = case.history()
        assert history.value[:, 0].tolist() == [5000, 5000, after, after, after]
        assert history.securities_count[:, 0].tolist() == [1, 1, 0, 0, 0]

    def test_what_is_still_listed_is_worth_its_last_price(self) -> None:
        case = Case(closes=[OLD], held=[Held(100)], exchanges=[Exchange(day=2, ends=True)])
        assert case.history().value[:, 0].tolist() == [5000] * 5


def test_before_the_window_and_after_it_nothing_is_done() -> None:
    for day in (-3, 0, 5, 9):
        case = spun()
        case.exchanges = [Exchange(day=day, ratio=0.25, successor=1)]
        assert case.history().value[2:, 0].tolist() == [5000] * 3


def test_a_brokerage_that_lists_less_than_came_is_found_out() -> None:
    assert AnomalyKind.NEGATIVE_UNITS in {found.kind for found in spun(units=10).history().anomalies}

"""Time-weighted and Modified Dietz returns: published figures, conventions at their edges, and what must not vary."""

from datetime import date
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from history.core import returns
from history.core.attribution import days_of
from tests.reference import reference

NAN = np.nan


def twrr(value: list[float], flow: list[float]) -> float:
    return returns.linked(returns.daily_returns(np.array(value, float), np.array(flow, float)))


def case(name: str, identifier: str) -> dict[str, Any]:
    return next(one for one in reference(name)["cases"] if one["id"] == identifier)


def test_the_excel_sample_of_portfolio_performance_with_flows_at_the_start() -> None:
    sample = case("02_portfolio_performance", "pp_ttwror_excel_sample")
    value = np.array([float(event["end_value"]) for event in sample["events"]])
    flow = np.array([float(event["external_flow"]) for event in sample["events"]])
    ours = returns.daily_returns(value, flow)
    expected = [float(each) for each in sample["recomputed"]["daily_bod"]]
    assert ours == pytest.approx(expected, abs=1e-12)
    total = float(sample["recomputed"]["all_flows_beginning_of_day"])
    assert returns.linked(ours) == pytest.approx(total, abs=1e-12)


def test_transfers_change_nothing() -> None:
    sample = case("02_portfolio_performance", "pp_transfers_do_not_change_twr")
    index = [1 + float(each) for each in sample["cumulative_index"]]
    for name in ("flows", "flows_control"):
        flow = [float(each) for each in sample[name]]
        value = [flow[0]]
        for (before, now), paid in zip(pairwise(index), flow[1:], strict=True):
            value.append((value[-1] + paid) * now / before)
        assert returns.index_of(returns.daily_returns(np.array(value), np.array(flow))) == pytest.approx(
            index, abs=1e-12
        )


def test_a_deposit_on_the_last_day_is_neutral() -> None:
    sample = case("02_portfolio_performance", "pp_deposit_on_last_day_neutral")
    value, flow = np.zeros(10), np.zeros(10)
    for day, kind, amount in sample["events"]:
        number = int(day[-2:]) - 1
        flow[number] = float(amount) if kind == "deposit" else 0.0
        value[number:] += float(amount)
    assert twrr(value, flow) == pytest.approx(float(sample["expected_accumulated_end"]), abs=1e-15)


def test_without_a_valuation_nothing_is_made() -> None:
    assert not case("02_portfolio_performance", "pp_no_valuation")["events"]
    assert returns.index_of(returns.daily_returns(np.zeros(5), np.zeros(5))).tolist() == [1] * 5


def test_published_time_weighted_returns() -> None:
    """Ref. 07: a flow after the valuation it is paired with is a flow at the start of the next day."""
    published = {one["id"]: one for one in reference("07_twr_mwr_published")["cases"]}
    shares = twrr([200, 100, 170], [200, -100, 0])  # 4 at 50; 2 sold at 50; dividend 10 and 2 at 80
    per_year = (1 + shares) ** 0.5 - 1
    assert per_year == pytest.approx(float(published["cfa_four_shares"]["recomputed"]["TWR"]), abs=1e-9)
    quarters = published["cfa_quarters_3185"]["facts"]["quarters"]
    linked = returns.linked(np.array([float(end) / float(begin) - 1 for begin, end in quarters]))
    assert linked == pytest.approx(float(published["cfa_quarters_3185"]["recomputed"]["TWR"]), abs=1e-9)
    two_flows = twrr([100_000, 112_000, 125_000, 100_000], [0, 0, 30_000, -42_000])
    assert two_flows == pytest.approx(float(published["mathcelebrity_1878"]["recomputed"]["TWR"]), abs=1e-9)
    annual = [float(rate) for rate in published["wiki_linked_irr"]["facts"]["annual"]]
    assert returns.linked(np.array(annual)) == pytest.approx(0.32121080, abs=1e-9)
    dividend = published["wiki_return_dividend"]["facts"]
    paid_in, left = float(dividend["p0"]), float(dividend["p1"]) + float(dividend["div"])
    assert twrr([paid_in, left], [paid_in, 0]) == pytest.approx(0.03, abs=1e-9)


def test_modified_dietz_as_published() -> None:
    published = {one["id"]: one for one in reference("07_twr_mwr_published")["cases"]}
    halfway = returns.modified_dietz(begin=100, end=300, flows=[(365, 50)], days=730)
    assert halfway == pytest.approx(float(published["wiki_mdietz_two_year"]["recomputed"]["R"]), abs=1e-12)
    bare = published["wiki_mdietz_no_flows"]
    found = returns.modified_dietz(
        begin=float(bare["facts"]["begin"]), end=float(bare["facts"]["end"]), flows=[], days=30
    )
    assert found == pytest.approx(float(bare["recomputed"]["R"]), abs=1e-12)


class TestEdges:
    def test_nothing_before_the_first_money_is_no_return(self) -> None:
        assert returns.daily_returns(
            np.array([0.0, 0, 100, 120]), np.array([0.0, 0, 100, 0])
        ).tolist() == pytest.approx([0, 0, 0, 0.2])

    def test_withdrawing_everything_breaks_the_chain_and_it_restarts(self) -> None:
        value, flow = [100.0, 110, 0, 0, 50, 60], [100.0, 0, -110, 0, 50, 0]
        assert twrr(value, flow) == pytest.approx(1.1 * 1.2 - 1)

    def test_a_withdrawal_of_what_a_loss_left_is_no_total_loss(self) -> None:
        """100, of which 1 is lost on the day on which the other 99 go: nobody lost everything."""
        assert twrr([100, 0, 40, 44], [100, -99, 40, 0]) == pytest.approx(0.1)

    def test_more_withdrawn_than_was_there_breaks_the_chain(self) -> None:
        assert twrr([100, 0, 10, 11], [0, -101, 10, 0]) == pytest.approx(0.1)

    def test_a_true_loss_of_everything_ends_the_chain(self) -> None:
        index = returns.index_of(returns.daily_returns(np.array([100.0, 0, 50, 100]), np.array([0.0, 0, 50, 0])))
        assert index.tolist() == [1, 0, 0, 0]

    def test_more_than_everything_cannot_be_lost(self) -> None:
        assert twrr([100, -30], [0, 0]) == -1
        assert days_of(np.array([100.0, -30]), np.zeros(2)).returns.tolist() == [0, -1]

    def test_a_day_of_unknown_value_is_no_return(self) -> None:
        assert twrr([100, NAN, 120, 132], [0, 0, 0, 0]) == pytest.approx(0.1)

    def test_what_rounding_leaves_is_nothing(self) -> None:
        assert twrr([100_000.0, 0.00005, 0.00005], [0, -99_999.99995, 0]) == 0

    def test_one_day_and_none(self) -> None:
        assert twrr([100], [100]) == 0
        assert twrr([], []) == 0
        assert returns.gain_of(np.empty(0), np.empty(0), np.empty(0)).net == 0

    def test_no_year_is_made_of_less_than_one(self) -> None:
        assert returns.annualised(0.1, 364) is None
        assert returns.annualised(0.1, 365) == pytest.approx(0.1)
        assert returns.annualised(0.21, 730) == pytest.approx(0.1)
        assert returns.annualised(-1, 730) == -1

    def test_dietz_needs_capital(self) -> None:
        assert returns.modified_dietz(begin=0, end=10, flows=[(10, 10)], days=10) is None
        assert returns.modified_dietz(begin=100, end=0, flows=[(1, -200)], days=10) is None
        assert returns.modified_dietz(begin=100, end=110, flows=[], days=0) is None

    def test_gain_is_told_before_and_after_what_was_charged(self) -> None:
        gain = returns.gain_of(np.array([100.0, 104, 155]), np.array([100.0, 0, 50]), np.array([9.0, 1, 2]))
        assert (gain.net, gain.charged, gain.gross) == (5, 3, 8)


class TestCurrencies:
    def test_a_return_is_the_product_of_local_and_currency(self) -> None:
        """Karnosky and Singer: 10 % in euros that gain 5 % are 15.5 % in dollars."""
        assert returns.in_two_currencies(np.array([0.10]), np.array([0.05])) == pytest.approx([0.155])
        assert returns.currency_part(np.array([0.155]), np.array([0.10])) == pytest.approx([0.05])
        assert returns.currency_part(np.array([-1.0]), np.array([-1.0])) == [0]

    def test_each_flow_converts_at_its_own_day(self) -> None:
        rate = np.array([1.0, 1.1, 1.21])
        value, flow = np.array([100.0, 300, 300]), np.array([100.0, 200, 0])
        abroad = returns.daily_returns(value * rate, flow * rate)
        assert abroad[1] == pytest.approx((330 - (100 + 220)) / 320)
        assert abroad[2] == pytest.approx(0.1)


class TestSessions:
    def test_a_weekend_counts_to_the_session_after_it(self) -> None:
        daily, counted = np.array([0, 0.1, 0.1, 0.1, 0.2]), np.ones(5, bool)
        is_session = np.array([True, True, False, False, True])
        found, ends = returns.at_sessions(daily, counted, is_session)
        assert found == pytest.approx([0, 0.1, 1.1 * 1.1 * 1.2 - 1])
        assert ends.tolist() == [0, 1, 4]

    def test_days_after_the_last_session_count_to_it(self) -> None:
        found, _ = returns.at_sessions(np.array([0, 0.1, 0.1]), np.ones(3, bool), np.array([True, True, False]))
        assert found == pytest.approx([0, 0.21])

    def test_days_without_capital_do_not_look_calm(self) -> None:
        found, ends = returns.at_sessions(np.array([0, 0, 0.1]), np.array([False, False, True]), np.ones(3, bool))
        assert (found.tolist(), ends.tolist()) == ([pytest.approx(0.1)], [2])
        assert returns.at_sessions(np.array([0.1]), np.ones(1, bool), np.zeros(1, bool))[0].size == 0

    def test_months(self) -> None:
        days = [date(2026, 1, 31), date(2026, 2, 1), date(2026, 2, 28)]
        assert returns.by_period(np.array([0.1, 0.1, 0.1]), returns.months_of(days)) == pytest.approx(
            {"2026-01": 0.1, "2026-02": 0.21}
        )
        assert returns.by_period(np.empty(0), []) == {}


rates = st.lists(st.floats(-0.5, 0.5), min_size=1, max_size=40)


@st.composite
def portfolios(draw: Any) -> tuple[np.ndarray, np.ndarray]:
    """Values and flows of a portfolio that is never emptied."""
    moves = draw(rates)
    paid = draw(st.lists(st.floats(-0.4, 2), min_size=len(moves), max_size=len(moves)))
    value, flow = [draw(st.floats(1, 1e6))], [0.0]
    for move, share in zip(moves, paid, strict=True):
        flow.append(value[-1] * share)
        value.append((value[-1] + flow[-1]) * (1 + move))
    return np.array(value), np.array(flow)


@given(portfolios(), st.integers(0, 40))
def test_linking_is_associative(portfolio: Any, cut: int) -> None:
    daily = returns.daily_returns(*portfolio)
    parts = np.array([returns.linked(daily[:cut]), returns.linked(daily[cut:])])
    assert returns.linked(parts) == pytest.approx(returns.linked(daily), rel=1e-9, abs=1e-9)


@given(portfolios())
def test_only_the_returns_count_whatever_is_paid(portfolio: Any) -> None:
    """An independent slow version: what one unit paid in at the start would have become, day by day."""
    value, flow = portfolio
    unit = 1.0
    for day in range(1, value.size):
        unit *= value[day] / (value[day - 1] + flow[day])
    assert 1 + returns.linked(returns.daily_returns(value, flow)) == pytest.approx(unit, rel=1e-9)


@given(portfolios(), st.floats(1e-3, 1e6))
def test_the_size_of_a_portfolio_does_not_matter(portfolio: Any, scale: float) -> None:
    value, flow = portfolio
    ours, scaled = returns.daily_returns(value, flow), returns.daily_returns(value * scale, flow * scale)
    assert scaled == pytest.approx(ours, rel=1e-9, abs=1e-9)


@given(portfolios(), st.data())
def test_in_another_currency_the_currency_part_is_the_rate(portfolio: Any, data: Any) -> None:
    """Converted at each day's rate, what is left after the local return is the rate's own move, flows or none."""
    value, flow = portfolio
    steps = data.draw(st.lists(st.floats(-0.2, 0.2), min_size=value.size, max_size=value.size))
    rate = np.cumprod(1 + np.array(steps))
    local = returns.daily_returns(value, np.zeros_like(flow))
    total = returns.daily_returns(value * rate, np.zeros_like(flow))
    moved = np.concatenate(([0.0], rate[1:] / rate[:-1] - 1))
    assert returns.currency_part(total, local) == pytest.approx(moved, abs=1e-9)
    assert returns.in_two_currencies(local, moved) == pytest.approx(total, abs=1e-9)


@given(portfolios(), st.data())
def test_the_currency_of_a_day_is_that_of_what_was_held_before_it(portfolio: Any, data: Any) -> None:
    """Of one currency, flows included: local and currency return multiply to the whole, day by day."""
    value, flow = portfolio
    steps = data.draw(st.lists(st.floats(-0.2, 0.2), min_size=value.size, max_size=value.size))
    rate = np.cumprod(1 + np.array(steps))
    capital = returns.invested(value * rate, flow * rate)
    currency = returns.currency_returns((value * rate)[None], rate[None], capital)
    local = returns.daily_returns(value, flow)
    total = returns.daily_returns(value * rate, flow * rate)
    counted = (capital > 0) & (returns.invested(value, flow) > 0)
    assert returns.in_two_currencies(local, currency)[counted] == pytest.approx(total[counted], rel=1e-9, abs=1e-9)


def test_currencies_are_weighed_by_what_is_held_in_each_and_an_unknown_rate_moves_nothing() -> None:
    exposure = np.array([[60.0, 0, 0], [40.0, 0, 0], [9.0, 0, 0]])
    rate = np.array([[1.0, 1.1, 1.2], [2.0, 1.8, 1.8], [np.nan, 5.0, 6.0]])
    found = returns.currency_returns(exposure, rate, np.array([0.0, 100.0, 0.0]))
    assert found == pytest.approx([0.0, 0.06 - 0.04, 0.0])

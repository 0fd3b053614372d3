"""Contributions add up to the return, whatever happened; Brinson's effects to the excess return, as published."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from history.core import returns
from history.core.attribution import (
    brinson,
    carry,
    contributions,
    days_of,
    grouped,
    linked_effects,
    trade_contributions,
)
from history.tests.test_returns import portfolios
from tests.reference import reference


def effects_of(segments: list[list[str]]) -> Any:
    weight, over, ours, theirs = np.array([[float(each) for each in segment] for segment in segments]).T
    return brinson(weight=weight, benchmark_weight=over, returns=ours, benchmark_returns=theirs), (weight, ours)


def test_bacon_s_three_markets() -> None:
    bacon, same = reference("11_attribution")["cases"]
    effects, (weight, ours) = effects_of(list(bacon["weights_returns"].values()))
    told = bacon["recomputed"]
    for at, sector in enumerate(bacon["weights_returns"]):
        expected = told["sectors"][sector]
        assert effects.allocation[at] == pytest.approx(float(expected["allocation_BF"]), abs=1e-12)
        assert effects.selection[at] == pytest.approx(float(expected["selection"]), abs=1e-12)
        assert effects.interaction[at] == pytest.approx(float(expected["interaction"]), abs=1e-12)
    for name, total in (
        ("allocation_BF", effects.allocation), ("selection", effects.selection), ("interaction", effects.interaction)
    ):  # fmt: skip
        assert total.sum() == pytest.approx(float(told["totals"][name]), abs=1e-12)
    active = effects.allocation.sum() + effects.selection.sum() + effects.interaction.sum()
    assert active == pytest.approx(float(bacon["published"]["active"]), abs=1e-12)
    assert weight @ ours == pytest.approx(float(bacon["published"]["portfolio"]), abs=1e-12)
    equal, _ = effects_of(list(same["weights_returns"].values()))
    assert equal.allocation.tolist() == [0]


def test_a_worked_example() -> None:
    """Two days: 100 in two halves; A makes 10 then loses 11, B loses 5 then makes 19. By hand: +5 %, then 8 of 105."""
    value = np.array([100.0, 105, 113])
    days = days_of(value, np.zeros(3))
    found = contributions(np.array([[0, 10.0, -11], [0, -5, 19]]), days)
    assert found == pytest.approx([0.10 - 0.11, -0.05 + 0.19])
    assert found.sum() == pytest.approx(0.13)
    assert grouped(found, ["x", "x"]) == {"x": pytest.approx(0.13)}


def test_a_day_without_capital_contributes_nothing() -> None:
    """All is withdrawn on the second day: what was made that day has nothing to be measured against."""
    days = days_of(np.array([100.0, 0, 100, 110]), np.array([0.0, -101, 100, 0]))
    assert contributions(np.array([[0.0, 1, 0, 10]]), days) == pytest.approx([0.1])


def test_losing_more_than_everything_is_shared_as_losing_all() -> None:
    days = days_of(np.array([100.0, -50]), np.zeros(2))
    found = contributions(np.array([[0, -120.0], [0, -30.0]]), days)
    assert found == pytest.approx([-0.8, -0.2])


def test_nothing_is_carried_over_no_days() -> None:
    assert carry(np.empty(0)).size == carry(np.empty(0), np.empty(0)).size == 0


@given(portfolios(), st.data())
def test_contributions_add_up_to_the_return(portfolio: Any, data: Any) -> None:
    value, flow = portfolio
    days = days_of(value, flow)
    gain = np.diff(value, prepend=value[:1]) - flow
    shares = np.array(data.draw(st.lists(st.floats(-2, 2), min_size=3, max_size=3)))
    gains = np.vstack([np.outer(shares, gain), gain * (1 - shares.sum())])
    total = returns.linked(returns.daily_returns(value, flow))
    assert contributions(gains, days).sum() == pytest.approx(total, rel=1e-9, abs=1e-9)


@given(portfolios(), st.integers(1, 39), st.floats(1e-2, 1e4))
def test_two_periods_link_to_the_whole_and_size_does_not_matter(portfolio: Any, cut: int, scale: float) -> None:
    value, flow = portfolio
    gains = (np.diff(value, prepend=value[:1]) - flow) * np.array([[0.25], [0.75]])
    gains[:, 0] = 0
    days, scaled = days_of(value, flow), days_of(value * scale, flow * scale)
    whole = contributions(gains, days)
    assert contributions(gains * scale, scaled) == pytest.approx(whole, rel=1e-9, abs=1e-9)
    first = np.where(np.arange(value.size) < cut, gains, 0)
    second = np.where(np.arange(value.size) < cut, 0, gains)
    before = returns.linked(days.returns[:cut])
    alone = days_of(value[max(cut - 1, 0) :], np.concatenate(([0.0], flow[cut:])))
    later = contributions(second[:, max(cut - 1, 0) :], alone)
    assert contributions(first, days) + (1 + before) * later == pytest.approx(whole, rel=1e-9, abs=1e-9)


weights = st.lists(st.floats(0.01, 1), min_size=3, max_size=3).map(lambda found: np.array(found) / sum(found))
sector_returns = st.lists(st.floats(-0.3, 0.3), min_size=3, max_size=3).map(np.array)


@given(st.lists(st.tuples(weights, weights, sector_returns, sector_returns), min_size=1, max_size=12))
def test_linked_effects_add_up_to_the_excess_return(periods: Any) -> None:
    weight, over, ours, theirs = (np.array(each) for each in zip(*periods, strict=True))
    portfolio, benchmark = (weight * ours).sum(axis=1), (over * theirs).sum(axis=1)
    effects = brinson(weight=weight, benchmark_weight=over, returns=ours, benchmark_returns=theirs)
    found = linked_effects(effects, returns=portfolio, benchmark=benchmark)
    total = found.allocation.sum() + found.selection.sum() + found.interaction.sum()
    assert total == pytest.approx(returns.linked(portfolio) - returns.linked(benchmark), abs=1e-9)


def test_a_trade_contributes_what_it_moved() -> None:
    """10 units at 10 from the start, 5 more bought at 12 on day 1 (close 13), close 14 on day 2; 70 in cash pays."""
    price, cash = np.array([10.0, 13, 14]), np.array([70.0, 10, 10])
    units = np.array([10.0, 15, 15])
    days = days_of(units * price + cash, np.zeros(3))
    moves = np.diff(price, prepend=price[:1])[None, :]
    found = trade_contributions(
        moves=moves,
        position=np.array([0]),
        day=np.array([1]),
        units=np.array([5.0]),
        at_once=np.array([5.0]),
        days=days,
    )
    grown = days.returns[1]
    assert found == pytest.approx([5 / 170 + (1 + grown) * 5 / 205])
    held = contributions(10 * moves, days)
    assert found.sum() + held.sum() == pytest.approx(returns.linked(days.returns), abs=1e-12)


def test_a_sale_contributes_what_it_has_saved() -> None:
    days = days_of(np.array([100.0, 100, 90]), np.zeros(3))
    found = trade_contributions(
        moves=np.array([[0, 0, -2.0]]), position=np.array([0]), day=np.array([1]), units=np.array([-5.0]),
        at_once=np.array([0.0]), days=days,
    )  # fmt: skip
    assert found == pytest.approx([0.1])

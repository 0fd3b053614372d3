"""Scores: their ends, their parts, and the sentence that says what drives them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from history.core.scores import diversification_score, effective_number, risk_score


def equal(count: int) -> np.ndarray:
    return np.full(count, 1 / count)


def test_equal_holdings_count_as_many() -> None:
    assert effective_number(equal(8)) == pytest.approx(8)
    assert effective_number(np.array([1.0])) == 1
    assert effective_number(np.array([0.6, 0.2, 0.2])) == pytest.approx(1 / 0.44)
    assert effective_number(np.zeros(2)) is None


def test_risk_runs_from_nothing_to_ten() -> None:
    calm = risk_score(volatility=0.0, depth=0.0, weights=equal(40))
    wild = risk_score(volatility=0.55, depth=-0.7, weights=np.array([0.9, 0.1]))
    assert calm is not None
    assert wild is not None
    assert (calm.value, wild.value) == (0, 10)
    assert wild.sentence == "Risk is mostly volatility of 55% a year."
    middle = risk_score(volatility=0.2, depth=-0.25, weights=np.array([0.275, *[0.145] * 5]))
    assert middle is not None
    assert [part.points for part in middle.parts] == pytest.approx([5, 5, 5])
    assert middle.value == pytest.approx(5)


def test_a_part_that_nobody_knows_is_left_out() -> None:
    found = risk_score(volatility=None, depth=None, weights=np.array([0.5, 0.5]))
    assert found is not None
    assert ([part.name for part in found.parts], found.value) == (["concentration"], 10)
    assert risk_score(volatility=None, depth=None, weights=np.empty(0)) is None


def test_diversification_says_what_holds_it_back() -> None:
    found = diversification_score(
        weights=np.array([0.7, 0.1, 0.1, 0.1]), classes=np.array([0.9, 0.1]), sectors=equal(8), average_correlation=0.2
    )
    assert found is not None
    assert found.sentence == "What holds it back: holdings that weigh like 1.9 equal ones."
    best = diversification_score(weights=equal(20), classes=equal(4), sectors=equal(8), average_correlation=0.0)
    assert best is not None
    assert best.value == 10
    nothing = diversification_score(
        weights=np.empty(0), classes=np.empty(0), sectors=np.empty(0), average_correlation=None
    )
    assert nothing is None


@given(st.floats(0, 1), st.floats(-1, 0), st.lists(st.floats(0.01, 1), min_size=1, max_size=30), st.floats(-1, 1))
def test_scores_stay_between_nothing_and_ten(
    volatility: float, depth: float, raw: list[float], correlation: float
) -> None:
    weights = np.array(raw) / sum(raw)
    risk = risk_score(volatility=volatility, depth=depth, weights=weights)
    spread = diversification_score(weights=weights, classes=weights, sectors=weights, average_correlation=correlation)
    for score in (risk, spread):
        assert score is not None
        assert 0 <= score.value <= 10
        assert min(p.points for p in score.parts) - 1e-9 <= score.value <= max(p.points for p in score.parts) + 1e-9


@given(st.floats(0, 0.38))
def test_more_volatility_is_more_risk(volatility: float) -> None:
    less, more = (risk_score(volatility=each, depth=-0.1, weights=equal(9)) for each in (volatility, volatility + 0.01))
    assert less is not None
    assert more is not None
    assert more.value > less.value

"""Risk against empyrical's, ffn's and PerformanceAnalytics' figures (Bacon's among them), by our conventions."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from history.core import relative, returns, risk
from tests.reference import reference

# Figures of the peers that this product does not show: there is nothing of ours to hold against them.
NOT_SHOWN = {"omega_ratio", "stability_of_timeseries", "tail_ratio"}
PERIODS = {"daily": 252, "weekly": 52, "monthly": 12, "yearly": 1}


def floats(values: Any) -> np.ndarray:
    """The peers' series; their first NaN is a return not known yet, which they leave out."""
    return np.array([np.nan if each is None else float(each) for each in values])


class Peer:
    """One case of empyrical: its inputs as arrays, days unknown in any of them left out."""

    def __init__(self, series: dict[str, Any], case: dict[str, Any]) -> None:
        self.series, self.case, self.inputs = series, case, case["inputs"]

    def array(self, name: str, size: int | None = None) -> np.ndarray:
        text = self.inputs.get(name, "0.0")
        if text in self.series:
            return floats(self.series[text]["values"]) if "values" in self.series[text] else np.full(1000, 0.01)
        return np.full(size or 0, float(text))

    def pair(self, other: str) -> tuple[np.ndarray, np.ndarray]:
        ours = self.array("returns")
        theirs = self.array(other, ours.size)
        ours = ours[-theirs.size :] if theirs.size else ours[:0]
        known = ~np.isnan(ours) & ~np.isnan(theirs[: ours.size])
        return ours[known], theirs[: ours.size][known]

    @property
    def alone(self) -> np.ndarray:
        found = self.array("returns")
        return found[~np.isnan(found)]

    @property
    def scale(self) -> float:
        """Ours is for sessions; a peer's week or month differs by the root of its periods in a year."""
        return float((PERIODS[self.inputs.get("period", "daily")] / risk.SESSIONS) ** 0.5)

    @property
    def yearly(self) -> float | None:
        count = self.alone.size
        periods = PERIODS[self.inputs.get("period", "daily")]
        return (1 + returns.linked(self.alone)) ** (periods / count) - 1 if count else None

    def ours(self) -> Any:
        return getattr(self, str(self.case["function"]))()

    def cum_returns(self) -> Any:
        start = float(self.inputs["starting_value"])
        index = returns.index_of(np.nan_to_num(self.array("returns")))
        return (index * start if start else index - 1).tolist()

    def cum_returns_final(self) -> Any:
        return returns.linked(self.alone) if self.alone.size else None

    def max_drawdown(self) -> Any:
        found = risk.max_drawdown(self.alone)
        return found and found.depth

    def annual_return(self) -> Any:
        return self.yearly

    cagr = annual_return

    def calmar_ratio(self) -> Any:
        found = risk.max_drawdown(self.alone)
        return risk.calmar(self.yearly, found and found.depth)

    def annual_volatility(self) -> Any:
        found = risk.volatility(self.alone)
        return None if found is None else found * self.scale

    def sharpe_ratio(self) -> Any:
        ours, free = self.pair("risk_free")
        return risk.sharpe(ours - free)

    def downside_risk(self) -> Any:
        ours, least = self.pair("required_return")
        found = risk.downside_deviation(ours - least)
        return None if found is None else found * risk.SESSIONS**0.5 * self.scale

    def sortino_ratio(self) -> Any:
        ours, least = self.pair("required_return")
        found = risk.sortino(ours - least)
        return None if found is None else found * self.scale

    def excess_sharpe(self) -> Any:
        found = relative.information_ratio(*self.pair("factor_returns"))
        return None if found is None else found / risk.SESSIONS**0.5

    def alpha_beta(self) -> Any:
        found = relative.regression(*self.pair("benchmark"))
        return [None, None] if found is None else [(1 + found.alpha / 252) ** 252 - 1, found.beta]

    def alpha(self) -> Any:
        return self.alpha_beta()[0]

    def beta(self) -> Any:
        return self.alpha_beta()[1]

    def up_capture(self) -> Any:
        return relative.up_capture(*self.pair("factor_returns" if "factor_returns" in self.inputs else "benchmark"))

    def down_capture(self) -> Any:
        return relative.down_capture(*self.pair("factor_returns"))

    def up_down_capture(self) -> Any:
        up, down = self.up_capture(), self.down_capture()
        return None if up is None or down is None else up / down

    def capture(self) -> Any:
        ours, theirs = self.pair("factor_returns")
        return relative.up_capture(np.abs(ours), np.abs(theirs))

    def batting_average(self) -> Any:
        ours, theirs = self.pair("benchmark")
        parts = [(ours, theirs)] + [(ours[side], theirs[side]) for side in (theirs > 0, theirs < 0)]
        return [relative.batting_average(*part) for part in parts]


def test_every_case_of_empyrical_whose_figure_we_show() -> None:
    cases = reference("05_risk_stats")["empyrical"]
    checked = 0
    for case in cases["cases"]:
        if case["function"] in NOT_SHOWN or case["function"] == "aggregate_returns":
            continue
        inputs = case["inputs"]
        if inputs.get("returns", "").startswith("df_"):
            for column, expected in case["recomputed_empyrical_0_7_1"].items():
                values = {"values": cases["series"][inputs["returns"]]["columns"][column]}
                peer = Peer({**cases["series"], inputs["returns"]: values}, case)
                assert peer.ours() == pytest.approx(float(expected), abs=1e-9), (case["id"], column)
                checked += 1
            continue
        assert_same(Peer(cases["series"], case).ours(), case)
        checked += 1
    assert checked >= 55


def assert_same(ours: Any, case: dict[str, Any]) -> None:
    """To 1e-9 of what the peer computes, and within its own tolerance of what it expects."""
    told = case["recomputed_empyrical_0_7_1"]
    told = list(told.values()) if isinstance(told, dict) else told
    for expected, tolerance in ((told, 1e-9), (case["expected"], float(case["tolerance"]))):
        if not isinstance(expected, list):
            assert_one(ours, expected, tolerance, case["id"])
            continue
        assert len(ours) == len(expected)
        for own, each in zip(ours, expected, strict=True):
            assert_one(own, each, tolerance, case["id"])


def assert_one(ours: Any, expected: Any, tolerance: float, identifier: str) -> None:
    if expected is None:
        assert ours is None, identifier
    else:
        assert ours == pytest.approx(float(expected), rel=1e-9, abs=tolerance), identifier


def test_returns_are_aggregated_as_empyrical_does() -> None:
    cases = reference("05_risk_stats")["empyrical"]
    keys = {  # which week, month or quarter each of the peer's days lies in
        ("simple_benchmark", "weekly"): [0, *[1] * 7, 2],
        ("simple_benchmark", "quarterly"): [0] * 9,
        ("weekly_returns", "monthly"): [0, *[1] * 4, *[2] * 4],
        ("monthly_returns", "yearly"): [0] * 9,
    }
    aggregated = [case for case in cases["cases"] if case["function"] == "aggregate_returns"]
    assert len(aggregated) == 4
    for case in aggregated:
        series = floats(cases["series"][case["inputs"]["returns"]]["values"])
        key = keys[case["inputs"]["returns"], case["inputs"]["convert_to"]]
        ours = returns.by_period(series, [str(each) for each in key])
        assert list(ours.values()) == pytest.approx([float(each) for each in case["expected"]], abs=1e-9)


def test_one_series_across_libraries() -> None:
    same = reference("05_risk_stats")["same_series_across_libraries"]
    ours, theirs, told = floats(same["returns"]), floats(same["benchmark"]), same["results"]

    def told_of(name: str, peer: str) -> Any:
        return pytest.approx(float(told[name][peer]), abs=1e-9)

    free = risk.per_session(0.03)
    assert risk.volatility(ours) == told_of("volatility_annualised", "empyrical")
    assert risk.sharpe(ours) == told_of("sharpe_rf0", "quantstats")
    assert risk.sharpe(ours, free) == told_of("sharpe_rf3pct", "quantstats")
    assert risk.sortino(ours) == told_of("sortino_rf0", "ffn")
    assert risk.sortino(ours, free) == told_of("sortino_mar_3pct", "quantstats")
    assert risk.drawdowns(ours).min() == told_of("max_drawdown", "empyrical")
    var = risk.value_at_risk(ours, 0.95)
    assert var is not None
    assert var.historical == told_of("var95", "type7")
    assert var.parametric == told_of("var95", "quantstats_parametric_normal")
    assert var.tail_mean == told_of("cvar95", "mean_r_le_type7")
    fitted = relative.regression(ours, theirs)
    assert fitted is not None
    assert fitted.beta == told_of("beta", "ddof_irrelevant")
    assert fitted.alpha == told_of("alpha", "quantstats_simple_x252")
    assert fitted.alpha / 252 == told_of("alpha", "daily")
    assert fitted.correlation == told_of("correlation", "pearson")


def test_bacon_2008() -> None:
    """Bacon's 24 months. Two documented figures are misprints by ten, as the reference says."""
    bacon = reference("05_risk_stats")["bacon_2008"]
    ours, theirs = (floats([row[column] for row in bacon["monthly"]]) for column in (1, 2))
    told = {name: pytest.approx(float(value), abs=1e-9) for name, value in bacon["recomputed_all"].items()}
    month, year = 12**0.5, 252**0.5
    fitted = relative.regression(ours, theirs)
    assert fitted is not None
    assert fitted.beta == told["beta"]
    assert risk.downside_deviation(ours, 0.005) == told["downside_deviation_mar0.5pct"]
    assert risk.drawdowns(ours).min() == told["max_drawdown"]
    assert -risk.drawdowns(ours).mean() == told["pain_index"]
    assert (relative.tracking_error(ours, theirs) or 0) / year * month == told["tracking_error_ddof1"]
    two_years = returns.annualised(returns.linked(ours), 730), returns.annualised(returns.linked(theirs), 730)
    assert two_years[0] == told["annualised_return_portfolio"]
    assert two_years[1] == told["annualised_return_benchmark"]
    assert (two_years[0] or 0) - fitted.beta * (two_years[1] or 0) == told["jensen_alpha_annualised_Rf0"]
    deviation = risk.deviation(ours)
    assert (two_years[0] or 0) / ((deviation or 0) * month) == told["sharpe_ann_ddof1_geo"]


def test_the_other_published_ratios() -> None:
    other = {one["id"]: one for one in reference("05_risk_stats")["other"]}
    sortino = risk.sortino(floats(other["pa_sortino"]["returns"]))
    assert (sortino or 0) / 252**0.5 == pytest.approx(float(other["pa_sortino"]["recomputed"]), abs=1e-9)
    for order in ("returns", "also_permutation"):
        found = risk.sortino(floats(other["ffn_sortino_order"][order]))
        assert (found or 0) / 252**0.5 == pytest.approx(float(other["ffn_sortino_order"]["expected"]), abs=1e-9)
    yearly = risk.per_session(float(other["ffn_deannualize"]["input"]["annual"]))
    assert yearly == pytest.approx(float(other["ffn_deannualize"]["expected"]), abs=1e-12)
    stats = other["ffn_index_stats"]
    assert returns.linked(floats(stats["returns"])) == pytest.approx(float(stats["expected"]["total_return"]), abs=1e-9)
    for cutoff, expected in other["emp_var_1"]["cutoff_expected"].items():
        inside = min(max(1 - float(cutoff), 1e-12), 1 - 1e-12)
        found_var = risk.value_at_risk(floats(other["emp_var_1"]["returns"]), inside)
        assert found_var is not None
        assert found_var.historical == pytest.approx(float(expected), abs=1e-9)


def test_deviation_as_portfolio_performance_has_it() -> None:
    """Theirs is of logarithmic returns, over the whole period."""
    cases = {one["id"]: one for one in reference("02_portfolio_performance")["cases"]}
    told = floats(cases["pp_volatility"]["returns"])
    found = risk.volatility(np.log1p(told))
    assert found is not None
    expected = float(cases["pp_volatility"]["expected"]["std_dev"])
    assert found / 252**0.5 * told.size**0.5 == pytest.approx(expected, abs=1e-11)


def test_drawdown_as_portfolio_performance_has_it() -> None:
    """Theirs is above zero and takes accumulated returns; a value below zero is a loss of everything here."""
    cases = {one["id"]: one for one in reference("02_portfolio_performance")["cases"]}
    rising, below, deep = cases["pp_drawdown"]["cases"]
    for one in (rising, deep):
        index = 1 + floats(one["accumulated"])
        found = risk.max_drawdown(index[1:] / index[:-1] - 1)
        assert found is not None
        assert found.depth == pytest.approx(-float(one["max_dd"]), abs=1e-12)
    index = np.maximum(1 + floats(below["accumulated"]), 0)
    assert risk.drawdowns(index[1:] / index[:-1] - 1).min() == -1


class TestEdges:
    def test_the_example_of_the_interpolated_quantile(self) -> None:
        series = np.array([-0.05, -0.03, -0.02, -0.01, 0, 0.01, 0.02, 0.03, 0.04, 0.05])
        found = risk.value_at_risk(series, 0.95)
        assert found is not None
        assert found.historical == pytest.approx(-0.041, abs=1e-15)
        assert found.tail_mean == -0.05

    def test_fewer_than_two_returns_are_none(self) -> None:
        for series in (np.empty(0), np.array([0.01])):
            assert risk.volatility(series) is None
            assert risk.sharpe(series) is None
            assert risk.sortino(series) is None
            assert risk.value_at_risk(series, 0.95) is None
            assert relative.regression(series, series) is None
            assert relative.tracking_error(series, series) is None
        assert risk.max_drawdown(np.empty(0)) is None
        assert risk.ulcer(np.empty(0)) is None
        assert relative.batting_average(np.empty(0), np.empty(0)) is None

    def test_what_does_not_move_has_no_ratio(self) -> None:
        still = np.full(40, 0.01)
        assert risk.volatility(still) == pytest.approx(0, abs=1e-12)
        assert risk.sharpe(still) is None
        assert risk.sortino(still) is None
        assert relative.regression(np.arange(40) / 1000, still) is None
        assert relative.information_ratio(still, still) is None
        assert np.isnan(risk.rolling_sharpe(still, 30)).all()
        assert np.isnan(risk.rolling_beta(np.arange(40) / 1000, still, 30)).all()
        assert relative.up_capture(still, -still) is None
        assert risk.calmar(0.1, 0.0) is None

    def test_a_drawdown_has_its_places(self) -> None:
        found = risk.max_drawdown(np.array([0.1, -0.2, -0.1, 0.2, 0.3, 0.1]))
        assert found is not None
        assert found.depth == pytest.approx(-0.28)
        assert (found.peak, found.trough, found.recovery) == (1, 3, 5)
        started_with = risk.max_drawdown(np.array([-0.5, 0.1]))
        assert started_with == risk.Drawdown(pytest.approx(-0.5), 0, 1, None)  # type: ignore[arg-type]

    def test_a_fall_to_nothing(self) -> None:
        assert risk.drawdowns(np.array([0.5, -1.0, 0.0])).tolist() == [0, -1, -1]

    def test_rolling_windows_are_the_figure_of_each_window(self) -> None:
        random = np.random.default_rng(7)
        ours, theirs = random.normal(0, 0.01, (2, 60))
        assert risk.rolling_volatility(ours[:29], 30).size == 0
        for at in (0, 17, 30):
            part, beside = ours[at : at + 30], theirs[at : at + 30]
            fitted = relative.regression(part, beside)
            assert risk.rolling_volatility(ours, 30)[at] == pytest.approx(risk.volatility(part), rel=1e-12)
            assert risk.rolling_sharpe(ours, 30)[at] == pytest.approx(risk.sharpe(part), rel=1e-12)
            assert risk.rolling_beta(ours, theirs, 30)[at] == pytest.approx(fitted and fitted.beta, rel=1e-9)

    def test_correlations_use_the_days_that_a_pair_shares(self) -> None:
        random = np.random.default_rng(3)
        panel = random.normal(0.1, 0.01, (50, 4))
        panel[:20, 1] = np.nan
        panel[:, 3] = 0.25
        found = risk.correlations(panel)
        assert found[0, 1] == pytest.approx(np.corrcoef(panel[20:, 0], panel[20:, 1])[0, 1], abs=1e-12)
        assert found[0, 2] == pytest.approx(np.corrcoef(panel[:, 0], panel[:, 2])[0, 1], abs=1e-12)
        assert np.isnan(found[3]).all()
        pairs = [found[0, 1], found[0, 2], found[1, 2]]
        assert risk.average_correlation(found) == pytest.approx(np.mean(pairs))
        assert risk.average_correlation(np.ones((1, 1))) is None


series_of = st.lists(st.floats(-0.2, 0.2), min_size=3, max_size=60).map(np.array)


@given(series_of)
def test_drawdowns_lie_between_a_loss_of_all_and_nothing(series: np.ndarray) -> None:
    drawn = risk.drawdowns(series)
    found = risk.max_drawdown(series)
    assert found is not None
    assert -1 <= drawn.min() <= drawn.max() <= 0
    assert found.depth == pytest.approx(min(drawn.min(), 0), abs=1e-12)


@given(series_of, st.floats(0.1, 3))
def test_what_is_geared_has_that_beta(series: np.ndarray, gearing: float) -> None:
    if (np.abs(series - series[0]) > 1e-3).any():
        fitted = relative.regression(series * gearing, series)
        assert fitted is not None
        assert fitted.beta == pytest.approx(gearing, rel=1e-6)
        assert fitted.alpha == pytest.approx(0, abs=1e-9)


@given(series_of)
def test_the_tail_is_no_better_than_its_edge(series: np.ndarray) -> None:
    for confidence in (0.95, 0.99):
        found = risk.value_at_risk(series, confidence)
        assert found is not None
        assert series.min() - 1e-12 <= found.tail_mean <= found.historical + 1e-12

"""The money-weighted return against Excel's, pyxirr's, MathWorks' and others' figures, and where there is none."""

from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from history.core.money_weighted import MoneyWeighted, NoRate, money_weighted, present_value
from history.core.versions import CURRENT
from tests.reference import reference


def dated(flows: list[list[Any]]) -> tuple[np.ndarray, np.ndarray]:
    days = np.array([date.fromisoformat(day).toordinal() for day, _ in flows])
    return days, np.array([float(amount) for _, amount in flows])


def rate_of(flows: list[list[Any]]) -> MoneyWeighted:
    days, amounts = dated(flows)
    return money_weighted(days=days, amounts=amounts)


def matches(found: MoneyWeighted, expected: float, tolerance: float) -> bool:
    """One of several genuine roots is right where the answer says that there are several."""
    roots = found.roots if found.reason is NoRate.SEVERAL else (found.rate,)
    return any(root == pytest.approx(expected, abs=tolerance) for root in roots)


def test_published_rates() -> None:
    cases = reference("04_xirr")
    published = [one for one in cases["pyxirr_scheduled"] + cases["other_scheduled"] if one["flows"]]
    assert len(published) == 17
    for one in published:
        found = rate_of(one["flows"])
        if one["expected_xirr"] is None:
            assert (found.rate, found.reason) == (None, NoRate.ONE_SIGN), one["id"]
            continue
        independent = (one.get("independent_roots_minus0_99999_to_100") or [one.get("recomputed_pyxirr")])[0]
        # The peer's own figures are as good as its tolerance; the independent root is good to 1e-9.
        assert matches(found, float(independent), 1e-9 * max(1.0, abs(float(independent)))), one["id"]
        assert matches(found, float(one["expected_xirr"]), float(one.get("tolerance") or 1e-9)), one["id"]


def test_days_are_counted_actual_over_365() -> None:
    cases = reference("04_xirr")["day_count_mathworks"]
    actual = next(one for one in cases["values"] if one["day_count"] == "act/365F")
    assert matches(rate_of(cases["flows"]), float(actual["expected"]), 1e-9)


def test_periodic_rates() -> None:
    """A year of exactly 365 days between flows makes it a periodic rate."""
    for one in reference("04_xirr")["periodic_irr"]:
        amounts = np.array([float(each) for each in one["amounts"]])
        found = money_weighted(days=np.arange(amounts.size) * 365, amounts=amounts)
        assert matches(found, float(one["recomputed"]), 1e-9), one["amounts"]


def test_present_values() -> None:
    cases = reference("04_xirr")
    flows = {one["source_file"]: one["flows"] for one in cases["pyxirr_scheduled"]}
    known = [one for one in cases["xnpv"] if flows.get(one["source_file"])]
    assert known
    for one in known:
        days, amounts = dated(flows[one["source_file"]])
        assert present_value(days=days, amounts=amounts, rate=float(one["rate"])) == pytest.approx(
            float(one["expected"]), rel=1e-12
        )


def test_published_money_weighted_returns() -> None:
    published = {one["id"]: one for one in reference("07_twr_mwr_published")["cases"]}
    shares = money_weighted(days=np.array([0, 365, 730]), amounts=np.array([-200.0, 100, 170]))
    assert shares.rate == pytest.approx(float(published["cfa_four_shares"]["recomputed"]["MWR"]), abs=1e-9)
    halfway = money_weighted(days=np.array([0, 365, 730]), amounts=np.array([-100.0, -50, 300]))
    assert halfway.rate == pytest.approx(0.5, abs=1e-12)
    whole = money_weighted(days=np.array([0, 365, 730]), amounts=np.array([-100.0, -50, 300]), per=730)
    assert whole.rate == pytest.approx(1.25, abs=1e-9)
    flows = [["2023-01-01", -100_000], ["2023-03-01", -30_000], ["2023-08-01", 42_000], ["2024-01-01", 100_000]]
    expected = float(published["mathcelebrity_1878"]["recomputed"]["XIRR_on_2023_dates"])
    assert rate_of(flows).rate == pytest.approx(expected, abs=1e-9)


def test_portfolio_performance_trades() -> None:
    cases = {one["id"]: one for one in reference("02_portfolio_performance")["cases"]}
    long, short = cases["pp_trade_long"]["expected"], cases["pp_trade_short"]["expected"]
    assert rate_of([["2024-01-01", -500], ["2024-12-31", 900]]).rate == pytest.approx(float(long["irr"]), abs=1e-9)
    # A short is seen from the other side: what is held against it is paid in, and comes back with the gain.
    covered = rate_of([["2024-01-01", -60], ["2024-12-31", 60 + float(short["pl"])]])
    assert covered.rate == pytest.approx(float(short["irr"]), abs=1e-9)


class TestNone:
    def test_both_signs_are_needed(self) -> None:
        assert rate_of([["2026-01-01", -1], ["2026-02-01", -1]]).reason is NoRate.ONE_SIGN
        assert money_weighted(days=np.empty(0, int), amounts=np.empty(0)).reason is NoRate.ONE_SIGN

    def test_more_than_a_day_is_needed(self) -> None:
        assert rate_of([["2026-01-01", -1], ["2026-01-01", 2]]).reason is NoRate.ONE_DAY

    def test_several_roots_are_none_and_all_are_told(self) -> None:
        """-100, 230, -132: 10 % and 20 % both explain it (Lorie and Savage, 1955, as textbooks have it)."""
        found = money_weighted(days=np.array([0, 365, 730]), amounts=np.array([-100.0, 230, -132]))
        assert (found.rate, found.reason) == (None, NoRate.SEVERAL)
        assert found.roots == pytest.approx((0.1, 0.2), abs=1e-9)

    def test_no_root(self) -> None:
        found = money_weighted(days=np.array([0, 365, 730]), amounts=np.array([-100.0, 150, -100]))
        assert (found.rate, found.reason, found.roots) == (None, NoRate.NO_ROOT, ())


def test_a_loss_of_nearly_everything_is_found() -> None:
    assert rate_of([["2025-01-01", -1_000_000], ["2026-01-01", 10]]).rate == pytest.approx(-0.99999, abs=1e-12)


def test_a_day_of_ten_thousand_per_cent_is_found() -> None:
    """Newton leaves the range from here, and the search finds it."""
    assert rate_of([["2026-01-01", -1], ["2026-12-31", 900_000]]).rate == pytest.approx(900_000 ** (365 / 364) - 1)


def test_the_version_is_this_function() -> None:
    assert CURRENT["mwrr"].run is money_weighted


@given(
    st.lists(st.tuples(st.integers(1, 2000), st.floats(1, 1e5)), min_size=1, max_size=30),
    st.floats(-0.6, 3.0),
    st.floats(1e-3, 1e3),
    st.integers(-1000, 1000),
)
def test_the_rate_that_made_the_end_is_found_whatever_the_scale_or_start(
    deposits: list[tuple[int, float]], rate: float, scale: float, shift: int
) -> None:
    """Closed form: deposits grown at a known rate to one final value have that rate and no other."""
    days = np.array([day for day, _ in deposits] + [2200])
    paid = np.array([amount for _, amount in deposits])
    end = float((paid * (1 + rate) ** ((2200 - days[:-1]) / 365)).sum())
    found = money_weighted(days=days + shift, amounts=np.append(-paid, end) * scale)
    assert found.rate == pytest.approx(rate, abs=1e-9)


@given(st.lists(st.floats(-1000, 1000).filter(lambda amount: abs(amount) > 1), min_size=2, max_size=12))
def test_every_rate_told_is_a_root(amounts: list[float]) -> None:
    flows, days = np.array(amounts), np.arange(len(amounts)) * 200
    for root in money_weighted(days=days, amounts=flows).roots:
        growth = (1 + root) ** (-days / 365)
        assert abs(flows @ growth) <= 1e-9 * float(np.abs(flows) @ growth)

"""The figures of a period together: closed forms, what is withheld and why, and the versions that they name."""

from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from history.core import versions
from history.core.performance import (
    Assumptions,
    Beside,
    Line,
    Performance,
    performance,
    value_at_risk,
)

START = date(2024, 11, 20)


def line(value: Any, flow: Any = None, fees: Any = None, currency: Any = None) -> Line:
    value = np.array(value, float)
    days = [START + timedelta(number) for number in range(value.size)]
    zero = np.zeros(value.size)
    return Line(
        days=days,
        value=value,
        net_flow=zero if flow is None else np.array(flow, float),
        fees=zero if fees is None else np.array(fees, float),
        is_session=np.array([day.weekday() < 5 for day in days], bool),
        currency=currency,
    )


def growing(days: int, rate: float = 0.001) -> Line:
    return line(100 * (1 + rate) ** np.arange(days))


def value(found: Performance, name: str) -> float | None:
    return found.figures[name].value


def test_two_years_of_one_rate() -> None:
    """Closed form: (1 + g)^730, the same however it is weighed; a year's is (1 + g)^365; no day falls."""
    found = performance(growing(731))
    assert value(found, "twrr") == pytest.approx(1.001**730 - 1, rel=1e-12)
    assert value(found, "twrr_annualised") == pytest.approx(1.001**365 - 1, rel=1e-12)
    assert value(found, "mwrr") == pytest.approx(1.001**730 - 1, rel=1e-9)
    assert value(found, "mwrr_annualised") == pytest.approx(1.001**365 - 1, rel=1e-9)
    assert value(found, "gain") == pytest.approx(100 * (1.001**730 - 1), rel=1e-12)
    assert value(found, "modified_dietz") == pytest.approx(1.001**730 - 1, rel=1e-12)
    assert (value(found, "max_drawdown"), value(found, "ulcer"), found.deepest) == (0, 0, None)
    assert (value(found, "sortino"), found.figures["sortino"].reason) == (None, "no session fell short")
    assert found.months["2024-12"] == pytest.approx(1.001**31 - 1)
    assert found.years["2025"] == pytest.approx(1.001**365 - 1)


def test_a_deposit_before_a_fall_shows_the_difference_of_the_two_returns() -> None:
    """+10 %, then 900 come, then -10 %: time-weighted -1 %, by money much worse."""
    found = performance(line([100, 110, 1010, 909], [0, 0, 900, 0]))
    assert value(found, "twrr") == pytest.approx(-0.01)
    assert value(found, "gain") == pytest.approx(-91)
    assert (value(found, "mwrr") or 0) < -0.05


def test_under_a_year_nothing_is_annualised() -> None:
    found = performance(growing(100))
    assert found.figures["twrr_annualised"].reason == "needs 365 days, has 99"
    assert found.figures["mwrr_annualised"].reason == "needs 365 days, has 99"
    assert value(found, "mwrr") == pytest.approx(1.001**99 - 1, rel=1e-9)
    assert (value(found, "calmar"), found.figures["calmar"].reason) == (None, "needs 365 days, has 99")


@pytest.mark.parametrize("sessions", [0, 1, 2, 22, 29])
def test_fewer_than_thirty_sessions_are_withheld_with_the_reason(sessions: int) -> None:
    days = next(n for n in range(1, 99) if sum(growing(n).is_session[1:]) == sessions)
    found = performance(growing(days), beside=Beside("SPY", growing(days).value))
    for name in ("volatility", "sharpe", "sortino", "max_drawdown", "ulcer", "calmar", "beta", "alpha", "up_capture"):
        assert found.figures[name].value is None, name
        assert found.figures[name].reason in (f"needs 30 days, has {sessions}", "no benchmark prices over these days")
    assert value_at_risk(found.session_returns)["var_95"].reason == f"needs 30 days, has {sessions}"


def test_thirty_sessions_are_enough() -> None:
    days = next(n for n in range(1, 99) if sum(growing(n).is_session[1:]) == 30)
    assert value(performance(growing(days)), "volatility") is not None


def test_nothing_was_ever_there() -> None:
    found = performance(line([0, 0, 0]))
    assert found.figures["twrr"].reason == "nothing was invested"
    assert found.figures["mwrr"].reason == "money has to go in and to come out"
    single = performance(line([5]))
    assert single.figures["mwrr"].reason == "all money moved on one day"
    assert single.figures["modified_dietz"].value is None


def test_an_unknown_end_has_no_gain() -> None:
    found = performance(line([100, 101, np.nan]))
    assert found.figures["gain"].reason == found.figures["mwrr"].reason == "a value is unknown"


def test_twice_the_benchmark_has_a_beta_of_two() -> None:
    rng = np.random.default_rng(5)
    moves = np.where([(START + timedelta(n)).weekday() < 5 for n in range(400)], rng.normal(0, 0.01, 400), 0)
    moves[0] = 0
    ours, theirs = line(100 * np.cumprod(1 + 2 * moves)), np.cumprod(1 + moves)
    found = performance(ours, beside=Beside("SPY", theirs))
    assert value(found, "beta") == pytest.approx(2, rel=1e-9)
    assert value(found, "alpha") == pytest.approx(0, abs=1e-9)
    assert value(found, "correlation") == pytest.approx(1, rel=1e-9)
    assert value(found, "benchmark") == pytest.approx(theirs[-1] - 1, rel=1e-12)
    assert value(found, "excess") == pytest.approx((value(found, "twrr") or 0) - theirs[-1] + 1)
    assert found.session_benchmark is not None
    assert found.session_returns == pytest.approx(2 * found.session_benchmark, abs=1e-12)
    free = performance(ours, beside=Beside("SPY", theirs), assumed=Assumptions(risk_free=0.03))
    assert (value(free, "sharpe") or 0) < (value(found, "sharpe") or 0)


def test_the_benchmark_starts_when_the_portfolio_does() -> None:
    """40 days of nothing: the benchmark's gain before the first deposit is nobody's."""
    index = np.concatenate((np.linspace(1, 2, 40), np.full(60, 2.0)))
    ours = line(np.concatenate((np.zeros(40), np.full(60, 100.0))), [100.0 if day == 40 else 0 for day in range(100)])
    found = performance(ours, beside=Beside("SPY", index))
    assert value(found, "benchmark") == 0


def test_a_benchmark_without_prices_says_so() -> None:
    index = np.ones(100)
    index[50] = np.nan
    found = performance(growing(100), beside=Beside("NEW", index))
    assert found.figures["benchmark"].reason == "no benchmark prices over these days"
    assert found.session_benchmark is None


def test_currency_and_local_return_multiply_to_the_whole() -> None:
    rate = 1.1 ** (np.arange(3) / 2)
    moved = np.concatenate(([0.0], rate[1:] / rate[:-1] - 1))
    found = performance(line(np.array([100, 105, 110]) * rate, currency=moved))
    assert value(found, "currency") == pytest.approx(0.1)
    assert value(found, "local") == pytest.approx(0.1)
    assert value(found, "twrr") == pytest.approx(0.21)


def test_gain_before_and_after_charges() -> None:
    found = performance(line([100, 104], fees=[0, 1.5]))
    assert [value(found, name) for name in ("gain", "charges", "gain_before_charges")] == [4, 1.5, 5.5]


def test_value_at_risk_looks_at_the_last_252_sessions() -> None:
    series = np.concatenate((np.full(500, -0.5), np.linspace(-0.02, 0.02, 252)))
    assert value_at_risk(series)["var_95"].value == pytest.approx(np.quantile(series[-252:], 0.05))


def test_every_figure_names_a_version_that_is_known() -> None:
    found = performance(growing(400), beside=Beside("SPY", growing(400).value), twrr="twrr@1")
    for figure in [*found.figures.values(), *value_at_risk(found.session_returns).values()]:
        assert figure.version in versions.VERSIONS


class TestVersions:
    def test_an_old_version_can_be_run_again(self) -> None:
        """What changed: until version 2 a loss of everything was no move."""
        lost = line([100, 0, 50, 55], [0, 0, 50, 0])
        assert value(performance(lost, twrr="twrr@1"), "twrr") == pytest.approx(0.1)
        assert value(performance(lost, twrr="twrr@2"), "twrr") == -1
        assert performance(lost, twrr="twrr@1").figures["twrr"].version == "twrr@1"
        assert performance(lost).figures["twrr"].version == "twrr@2"

    def test_versions_agree_where_nothing_is_lost(self) -> None:
        steady = growing(60)
        once, again = (versions.version(name).run(steady.value, steady.net_flow) for name in ("twrr@1", "twrr@2"))
        assert once == pytest.approx(again, rel=1e-12)

    def test_numbers_count_up_and_the_last_is_current(self) -> None:
        by_method: dict[str, list[int]] = {}
        for each in versions.VERSIONS.values():
            by_method.setdefault(each.method, []).append(each.number)
        for method, numbers in by_method.items():
            assert numbers == list(range(1, len(numbers) + 1)), method
            assert versions.CURRENT[method].number == numbers[-1]

    def test_an_unknown_version_is_an_error(self) -> None:
        with pytest.raises(versions.UnknownVersion):
            versions.version("twrr@9")

"""The canary: right to 1e-9 as things are, and loud as soon as one of the figures is not."""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.cache import cache

from history import canary
from history.core import canary as closed_form
from history.core import performance, returns, risk
from history.core.versions import VERSIONS
from history.tasks import run_canary as task

NOW = datetime(2026, 11, 20, 16, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _empty_cache() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


def test_every_figure_is_what_its_formula_says() -> None:
    found = closed_form.checks()
    assert len({check.name for check in found}) == len(found) >= 14
    assert all(check.version in VERSIONS for check in found)
    assert closed_form.worst(found).drift < 1e-12


def test_a_figure_that_is_missing_drifts_without_bounds() -> None:
    assert closed_form.Check("twrr", "twrr@2", 1.0, None).drift == float("inf")
    assert closed_form.Check("value", "gain@1", 2000.0, 2000.002).drift == pytest.approx(1e-6)


@pytest.mark.parametrize(
    ("module", "function", "figure"),
    [(risk, "volatility", "volatility"), (returns, "daily_returns", "twrr"), (performance, "money_weighted", "mwrr")],
)
def test_a_drift_of_a_billionth_and_more_is_loud(
    monkeypatch: Any, caplog: Any, module: Any, function: str, figure: str
) -> None:
    right = getattr(module, function)

    def wrong(*given: Any, **named: Any) -> Any:
        found = right(*given, **named)
        return type(found)(found.rate * (1 + 1e-7)) if function == "money_weighted" else found * (1 + 1e-7)

    monkeypatch.setattr(module, function, wrong)
    with caplog.at_level(logging.ERROR):
        run = canary.run_canary(now=NOW)
    assert not run.is_well
    assert f"canary drifted figure={figure}" in caplog.text
    assert canary.state(NOW) == "down"


def test_arithmetic_that_fails_is_a_drift(monkeypatch: Any, caplog: Any) -> None:
    monkeypatch.setattr(canary, "checks", lambda: 1 / 0)
    assert canary.run_canary(now=NOW).drift == float("inf")
    assert "canary failed" in caplog.text


def test_nobody_looking_is_late() -> None:
    assert canary.state(NOW) == "unknown"
    canary.run_canary(now=NOW)
    assert canary.state(NOW + timedelta(minutes=14)) == "ok"
    assert canary.state(NOW + timedelta(minutes=15)) == "late"


def test_the_task_computes_it() -> None:
    task()
    assert canary.state() == "ok"


@pytest.mark.django_db
def test_the_health_page_turns_red(client: Any, monkeypatch: Any) -> None:
    canary.run_canary()
    assert client.get("/health/ready").json()["checks"]["canary"] == "ok"
    monkeypatch.setattr(canary, "checks", lambda: 1 / 0)
    canary.run_canary()
    answer = client.get("/health/ready").json()
    assert (answer["status"], answer["checks"]["canary"]) == ("degraded", "down")


@pytest.mark.django_db
def test_metrics_tell_the_drift(client: Any, settings: Any) -> None:
    settings.METRICS_TOKEN = "secret"
    canary.run_canary()
    text = client.get("/metrics", headers={"Authorization": "Bearer secret"}).content.decode()
    assert "longview_canary_drift" in text
    assert "longview_canary_well 1.0" in text

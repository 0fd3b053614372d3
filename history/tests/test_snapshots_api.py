"""`/api/portfolio/snapshots/...` and the list in the admin."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from history.models import SnapshotRun
from history.snapshots import day_due, take_snapshot
from history.tests.ledgers import CASH, book, holding
from history.valuation import market_today

STATUS, RUN = "/api/portfolio/snapshots/status", "/api/portfolio/snapshots/run"
pytestmark = pytest.mark.django_db


@pytest.fixture
def queued(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    sent: list[int] = []
    monkeypatch.setattr("history.api.snapshots.enqueue_snapshot", sent.append)
    monkeypatch.setattr("history.admin.enqueue_snapshot", sent.append)
    return sent


def test_before_the_first_night_there_is_nothing_and_it_is_late(client: Client, owner: Any) -> None:
    client.force_login(owner)
    body = client.get(STATUS).json()
    assert (body["day_due"], body["late"], body["last"]) == (str(day_due()), True, None)


def test_the_last_run(client: Client, owner: Any, other: Any, django_assert_num_queries: Any) -> None:
    book(other, holdings=[holding(CASH, 100)], on=day_due())
    run = take_snapshot(day=day_due(), trigger="nightly")
    client.force_login(owner)
    body = client.get(STATUS).json()
    assert body["late"] is False
    assert (body["last"]["rows"], body["last"]["changed"], body["last"]["state"]) == (1, 1, "done")
    assert body["last"]["duration_seconds"] == pytest.approx(run.duration_seconds)
    assert run.finished_at is not None
    assert body["last"]["lag_seconds"] == pytest.approx((run.finished_at - run.due_at).total_seconds())


def test_nobody_who_is_not_signed_in(client: Client) -> None:
    assert client.get(STATUS).status_code == 401
    assert client.post(RUN).status_code == 401


def test_only_staff_may_run_a_day(client: Client, owner: Any, queued: list[int]) -> None:
    client.force_login(owner)
    assert client.post(RUN, {"day": str(day_due())}, content_type="application/json").status_code == 403
    assert (SnapshotRun.objects.count(), queued) == (0, [])


@pytest.mark.django_db(transaction=True)
def test_staff_run_a_day(client: Client, staff: Any, queued: list[int]) -> None:
    client.force_login(staff)
    answer = client.post(RUN, {"day": str(day_due())}, content_type="application/json")
    run = SnapshotRun.objects.get()
    assert (answer.status_code, answer.json()["state"], run.day, run.trigger) == (
        202, "waiting", day_due(), "operator",
    )  # fmt: skip
    assert queued == [run.pk]
    assert client.post(RUN, {}, content_type="application/json").status_code == 202
    assert SnapshotRun.objects.count() == 1


@pytest.mark.parametrize("day", [str(market_today() + timedelta(days=2)), "2026-02-29", "soon"])
def test_a_day_that_will_not_do_is_named(client: Client, staff: Any, day: str) -> None:
    client.force_login(staff)
    answer = client.post(RUN, {"day": day}, content_type="application/json")
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["day"])


@pytest.mark.django_db(transaction=True)
def test_the_admin_runs_days_again(client: Client, django_user_model: Any, queued: list[int]) -> None:
    operator = django_user_model.objects.create_superuser(email="operator@example.com", password="correct horse")
    run = take_snapshot(day=day_due(), trigger="nightly")
    client.force_login(operator)
    address = reverse("admin:history_snapshotrun_changelist")
    assert str(run.day.year) in client.get(address).content.decode()
    client.post(address, {"action": "run_again", "_selected_action": [run.pk]})
    run.refresh_from_db()
    assert (run.state, run.runs, queued) == ("waiting", 2, [run.pk])

"""Jobs whose message or worker is gone are handed on by the sweep."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from plaid_link import jobs, tasks
from portfolio_site.models import Job

pytestmark = pytest.mark.django_db


@pytest.fixture
def handed_on(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The ids of the jobs that were queued."""
    queued: list[Any] = []
    monkeypatch.setattr(jobs, "enqueue", lambda job: queued.append(job.pk))
    return queued


def job_of(owner: Any, **fields: Any) -> Job:
    return Job.objects.create(owner=owner, kind=jobs.SYNC, **fields)


def test_what_nobody_was_told_of_and_whose_worker_is_gone(owner: Any, handed_on: list[Any]) -> None:
    now = timezone.now()
    waiting = job_of(owner, created_at=now - tasks.LOST_AFTER - timedelta(seconds=1))
    dead = job_of(owner, state=Job.State.RUNNING, started_at=now - tasks.DEAD_AFTER - timedelta(seconds=1))
    job_of(owner)
    job_of(owner, state=Job.State.RUNNING, started_at=now)
    job_of(owner, state=Job.State.FAILED, started_at=now - timedelta(days=1))
    tasks.sync_stale_items()
    assert handed_on == [waiting.pk, dead.pk]


def test_a_dead_worker_is_replaced_once(owner: Any, handed_on: list[Any]) -> None:
    started = timezone.now() - tasks.DEAD_AFTER - timedelta(seconds=1)
    dead = job_of(owner, state=Job.State.RUNNING, started_at=started)
    tasks.sync_stale_items()
    tasks.sync_stale_items()
    assert handed_on == [dead.pk]

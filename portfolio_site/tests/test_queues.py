"""A broker that is down costs a moment, never the request."""

from typing import Any

import pytest
from celery import Celery
from django.db import transaction

from plaid_link import jobs
from portfolio_site.lib.queues import send_on_commit
from portfolio_site.models import Job, User

NOBODY_LISTENS = "redis://127.0.0.1:1/0"


@pytest.fixture
def unreachable() -> Celery:
    app = Celery("unreachable", broker=NOBODY_LISTENS, set_as_current=False)
    app.conf.broker_transport_options = {"socket_connect_timeout": 1}
    return app


@pytest.mark.django_db(transaction=True)
def test_what_cannot_be_sent_is_logged_and_the_rows_stay(unreachable: Celery, caplog: Any) -> None:
    task = unreachable.task(name="nothing")(lambda number: number)
    with transaction.atomic():
        User.objects.create_user(email="waiting@example.com")
        send_on_commit(task, 7)
    assert User.objects.filter(email="waiting@example.com").exists()
    assert "on_commit" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_a_job_outlives_a_broker_that_is_down(
    unreachable: Celery, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    monkeypatch.setattr(jobs, "signature", unreachable.signature)
    owner = User.objects.create_user(email="waiting@example.com")
    with transaction.atomic():
        jobs.queue_sync(user_id=owner.pk)
    assert Job.objects.get(owner=owner).state == Job.State.QUEUED
    assert "on_commit" in caplog.text

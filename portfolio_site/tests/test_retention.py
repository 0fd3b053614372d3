"""What is older than it is kept goes, in batches, and nothing else; a dry run says the same and changes nothing."""

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from history.models import SnapshotRun, SnapshotShard
from plaid_link.models import WebhookEvent
from portfolio_site.lib import retention
from portfolio_site.models import IdempotentRequest, Job
from portfolio_site.retention import RULES, retain, retain_nightly

pytestmark = pytest.mark.django_db
NOW = timezone.now()


@pytest.fixture
def rows(owner: Any) -> None:
    """Of each kind one to go, one too young, and those that stay however old they are."""
    for days in (9999, 1):
        at = NOW - timedelta(days=days)
        for status in WebhookEvent.Status.values:
            WebhookEvent.objects.create(
                payload={}, body_size=2, body_sha256="0" * 64, status=status, received_at=at, webhook_code=f"{days}"
            )
        for state in Job.State.values:
            Job.objects.create(owner=owner, kind=f"{days}", state=state, created_at=at, finished_at=at)
        IdempotentRequest.objects.create(owner=owner, key=f"{days}", fingerprint="0" * 64, created_at=at)
        attempt = AccessAttempt.objects.create(username=f"{days}", failures_since_start=1)
        AccessAttempt.objects.filter(pk=attempt.pk).update(attempt_time=at + timedelta(hours=1))
        run = SnapshotRun.objects.create(day=at.date(), state="done", due_at=at, started_at=at, finished_at=at)
        SnapshotShard.objects.create(run=run, number=1, first_account=1, last_account=2)


def counted() -> dict[str, int]:
    models = {"webhooks": WebhookEvent, "jobs": Job, "shards": SnapshotShard, "runs": SnapshotRun}
    return {name: model.objects.count() for name, model in models.items()}


def test_what_is_old_and_done_goes_and_nothing_else(rows: None, monkeypatch: Any) -> None:
    monkeypatch.setattr(retention, "ROWS_AT_ONCE", 1)
    told = {each.rule.name: each.rows for each in retain(dry_run=True, now=NOW)}
    before = counted()
    done = {each.rule.name: each.rows for each in retain(now=NOW)}
    nothing = dict.fromkeys(("minutes of a day", "exports of users", "audit trail", "sessions", "refresh tokens"), 0)
    gone = {"snapshot shards": 1, "webhook events": 2, "jobs": 2, "idempotency keys": 1, "failed sign-ins": 1}
    assert done == told == {**gone, **nothing}
    assert counted() == {"webhooks": before["webhooks"] - 2, "jobs": before["jobs"] - 2, "shards": 1, "runs": 2}
    left = set(WebhookEvent.objects.filter(webhook_code="9999").values_list("status", flat=True))
    assert left == {"received", "processing", "failed", "parked"}
    assert set(Job.objects.filter(kind="9999").values_list("state", flat=True)) == {"queued", "running"}
    assert sum(each.rows for each in retain(now=NOW)) == 0


def test_a_dry_run_says_so_and_changes_nothing(rows: None) -> None:
    before, out = counted(), StringIO()
    call_command("retention", "--dry-run", stdout=out)
    assert counted() == before
    assert "webhook events before" in out.getvalue()
    assert "nothing was changed" in out.getvalue()


def test_the_nightly_task_may_do_it_as_the_worker(rows: None, settings: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL ROLE {settings.WORKER_ROLE}")
        retain_nightly()
        cursor.execute("RESET ROLE")
    assert counted()["shards"] == 1


def test_every_rule_is_named_once() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES)

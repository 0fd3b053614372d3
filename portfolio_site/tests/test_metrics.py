"""`/metrics`: what operators watch, read by Prometheus' own parser, and the dashboard that is drawn from it."""

import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from celery import current_app
from django.conf import settings as project
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from history.models import SnapshotRun
from history.snapshots import due_at
from plaid_link.models import Item, SyncRun
from portfolio_site.api import metrics
from tests.fixtures import Portfolio

TOKEN = {"Authorization": "Bearer scrape"}
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
Key = tuple[str, frozenset[tuple[str, str]]]


@pytest.fixture
def scrape(client: Any, settings: Any, db: Any) -> Any:
    """`scrape()` answers with every sample, by name and labels."""
    settings.METRICS_TOKEN = "scrape"

    def read() -> dict[Key, float]:
        answer = client.get("/metrics", headers=TOKEN)
        assert answer.status_code == 200
        families = text_string_to_metric_families(answer.content.decode())
        return {_key(sample): sample.value for family in families for sample in family.samples}

    return read


def _key(sample: Sample) -> Key:
    return sample.name, frozenset(sample.labels.items())


def named(name: str, **labels: str) -> Key:
    return name, frozenset(labels.items())


def test_answers_are_counted_by_route_and_not_by_path(client: Any, scrape: Any) -> None:
    health = {"method": "GET", "route": "/health", "status": "2xx"}
    quote = {"method": "GET", "route": "/api/quote/<str:symbol>", "status": "4xx"}
    unknown = {"method": "other", "route": "other", "status": "4xx"}
    count = "longview_request_seconds_count"
    before = scrape()
    client.get("/health")
    for symbol in ("AAPL", "TSLA"):
        client.get(f"/api/quote/{symbol}")
    client.generic("BREW", "/nowhere/at/all")
    after = scrape()

    def added(labels: dict[str, str]) -> float:
        return float(after[named(count, **labels)] - before.get(named(count, **labels), 0))

    assert (added(health), added(quote), added(unknown)) == (1, 2, 1)
    assert after[named("longview_request_seconds_bucket", le="+Inf", **health)] == after[named(count, **health)]
    assert after[named("longview_request_seconds_sum", **health)] > 0


@pytest.mark.slow
def test_processes_that_share_a_directory_tell_one_sum(settings: Any, tmp_path: Path) -> None:
    program = (
        "import django; django.setup()\n"
        "from django.test import Client\n"
        "assert Client().get('/health').status_code == 200\n"
    )
    environment = {
        **os.environ,
        "PROMETHEUS_MULTIPROC_DIR": str(tmp_path),
        "DJANGO_SETTINGS_MODULE": "portfolio_site.settings",
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
        "REDIS_URL": "redis://127.0.0.1:1/0",
    }
    both = [subprocess.Popen([sys.executable, "-c", program], env=environment, cwd=project.BASE_DIR) for _ in range(2)]
    assert [process.wait(120) for process in both] == [0, 0]
    settings.METRICS_DIRECTORY = str(tmp_path)
    samples = {_key(sample): sample.value for family in metrics.latency.families() for sample in family.samples}
    assert samples[named("longview_request_seconds_count", method="GET", route="/health", status="2xx")] == 2


def test_the_depth_of_each_queue(scrape: Any) -> None:
    with current_app.connection_for_write() as broker:
        client = broker.default_channel.client
        client.rpush("low", "one", "two")
        try:
            found = scrape()
        finally:
            client.delete("low")
    assert found[named("longview_queue_depth", queue="low")] == 2
    assert {queue for name, labels in found if name == "longview_queue_depth" for _, queue in labels} == {
        "high", "default", "low",
    }  # fmt: skip


@time_machine.travel(NOW, tick=False)
def test_a_snapshot_is_late_until_it_is_done(scrape: Any) -> None:
    """At noon UTC the snapshot of the 19th is due since 9:00 UTC, four in the morning in New York."""
    late = scrape()
    assert late[named("longview_snapshot_missing")] == 1
    assert late[named("longview_snapshot_lag_seconds")] == 3 * 3600
    day = NOW.date() - timedelta(days=1)
    SnapshotRun.objects.create(
        day=day, state="done", due_at=due_at(day), started_at=due_at(day), rows=1500, changed=1400, missing_prices=2,
        finished_at=due_at(day) + timedelta(seconds=40),
    )  # fmt: skip
    done = scrape()
    told = ("missing", "lag_seconds", "seconds", "rows", "changed_rows", "missing_prices")
    assert [done[named(f"longview_snapshot_{name}")] for name in told] == [0, 40, 40, 1500, 1400, 2]


@time_machine.travel(NOW, tick=False)
def test_syncs_by_what_triggered_them_and_how_they_ended(scrape: Any, portfolio: Portfolio) -> None:
    item = Item.objects.create(
        owner=portfolio.owner, institution=portfolio.brokerage.institution, item_id="i", access_token_encrypted=b"x"
    )
    day = {"start_date": NOW.date(), "end_date": NOW.date()}

    def run(trigger: str, state: str, seconds: int | None, *, hours_ago: int = 1, code: str = "") -> None:
        began = NOW - timedelta(hours=hours_ago)
        ended = None if seconds is None else began + timedelta(seconds=seconds)
        SyncRun.objects.create(
            owner=portfolio.owner, item=item, trigger=trigger, state=state, started_at=began, finished_at=ended,
            error_code=code, **day,
        )  # fmt: skip

    run("webhook", "succeeded", 3)
    run("webhook", "succeeded", 5)
    run("sweep", "failed", 2, code="RATE_LIMIT_EXCEEDED")
    run("link", "succeeded", 9, hours_ago=13)  # yesterday
    run("user", "running", None)
    found = scrape()
    webhook = {"trigger": "webhook", "state": "succeeded"}
    assert found[named("longview_syncs_total", **webhook)] == 2
    assert found[named("longview_sync_seconds_total", **webhook)] == 8
    assert found[named("longview_syncs_total", trigger="sweep", state="failed")] == 1
    assert found[named("longview_sync_errors_total", code="RATE_LIMIT_EXCEEDED")] == 1
    assert found[named("longview_syncs_running")] == 1
    assert named("longview_syncs_total", trigger="link", state="succeeded") not in found


def test_a_part_that_cannot_be_read_leaves_the_others(scrape: Any, monkeypatch: Any) -> None:
    def broken() -> Any:
        raise OSError("no route to the broker")

    monkeypatch.setattr(metrics, "depths", broken)
    found = scrape()
    assert found[named("longview_metrics_unread", part="queues")] == 1
    assert found[named("longview_metrics_unread", part="webhooks")] == 0
    assert named("longview_webhooks_waiting") in found
    assert not [name for name, _ in found if name == "longview_queue_depth"]


def test_the_dashboard_draws_what_there_is(scrape: Any) -> None:
    """Every metric that docs/grafana.json names is one that /metrics tells, or would with something to count."""
    dashboard = json.loads((Path(project.BASE_DIR) / "docs" / "grafana.json").read_text())
    asked = " ".join(target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", []))
    drawn = {re.sub(r"_(bucket|count|sum|total)$", "", name) for name in re.findall(r"longview_\w+", asked)}
    source = "".join((Path(project.BASE_DIR) / "portfolio_site" / path).read_text() for path in
                     ("api/metrics.py", "lib/latency.py"))  # fmt: skip
    told = set(re.findall(r'"(longview_\w+)"', source))
    assert len(drawn) > 15
    assert drawn <= told
    assert {re.sub(r"_(bucket|count|sum|total|created)$", "", name) for name, _ in scrape()} <= told


def test_it_is_for_operators_and_prometheus(client: Any, owner: Any, staff: Any, settings: Any) -> None:
    settings.METRICS_TOKEN = "scrape"
    assert client.get("/metrics").status_code == 404
    assert client.get("/metrics", headers={"Authorization": "Bearer guess"}).status_code == 404
    client.force_login(owner)
    assert client.get("/metrics").status_code == 404
    client.force_login(staff)
    assert client.get("/metrics").status_code == 200

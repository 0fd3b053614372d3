"""`/metrics` in Prometheus' text format: how requests, queues, syncs, snapshots, market data and the rest are doing."""

import logging
from collections.abc import Callable, Iterable, Iterator
from hmac import compare_digest

from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models import Count, Min
from django.http import HttpRequest, HttpResponse, HttpResponseNotFound
from django.utils import timezone
from kombu.exceptions import KombuError
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from redis.exceptions import RedisError

from history import canary
from history.market.spend import spending
from history.models import AccountHistory, ProviderUsage, SnapshotRun
from history.partitions import watch
from history.providers import resilience
from history.snapshots import day_due, due_at
from plaid_link.sync_metrics import sync_metrics
from plaid_link.webhooks.metrics import webhook_metrics
from portfolio_site.lib import heartbeat, latency, rls
from portfolio_site.lib.queues import depths
from portfolio_site.models import Job

logger = logging.getLogger(__name__)


def metrics(request: HttpRequest) -> HttpResponse:
    """The figures of all owners together, for whoever has the token, and for staff; 404 for everybody else."""
    if not _may_read(request):
        return HttpResponseNotFound()
    registry = CollectorRegistry()
    with transaction.atomic():
        rls.set_operator()
        registry.register(Figures())
        return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _may_read(request: HttpRequest) -> bool:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if settings.METRICS_TOKEN and scheme.lower() == "bearer":
        return compare_digest(token.strip(), settings.METRICS_TOKEN)
    return bool(request.user.is_authenticated and request.user.is_staff)


class Figures(Collector):
    """Read from the tables each time: processes come and go, rows stay."""

    def collect(self) -> Iterator[Metric]:
        """Each part alone, one query or two: where one cannot be read the others are told, and which it was."""
        unread = GaugeMetricFamily("longview_metrics_unread", "1 for a part that could not be read", labels=["part"])
        for name, read in PARTS.items():
            found = _read(name, read)
            unread.add_metric([name], int(found is None))
            yield from found or ()
        yield unread


def _read(name: str, read: Callable[[], Iterable[Metric]]) -> list[Metric] | None:
    try:
        with transaction.atomic():
            return list(read())
    except (DatabaseError, RedisError, KombuError, OSError) as error:
        logger.warning("metrics not read part=%s: %s", name, type(error).__name__)
        return None


def _webhooks() -> Iterator[Metric]:
    now = webhook_metrics()
    yield _gauge("longview_webhooks_waiting", "Webhooks not yet handled", now.waiting)
    yield _gauge("longview_webhooks_lag_seconds", "Age of the oldest webhook that waits", now.lag_seconds)
    yield _gauge("longview_webhooks_failed", "Webhooks failed for good and not replayed", now.failed)
    yield _gauge("longview_webhooks_parked", "Webhooks of unknown items", now.parked)
    yield _gauge("longview_webhooks_received_last_hour", "Webhooks received within the hour", now.received_lately)
    refused = CounterMetricFamily("longview_webhooks_refused", "Webhooks refused today (UTC)", labels=["reason"])
    for reason, count in now.refused_today.items():
        refused.add_metric([reason], count)
    yield refused


def _market_data() -> Iterator[Metric]:
    today = spending()
    calls = CounterMetricFamily("longview_provider_calls", "Calls of today (UTC)", labels=["provider", "outcome"])
    cost = CounterMetricFamily("longview_provider_cost_dollars", "Cost of today (UTC)", labels=["provider"])
    rejected = CounterMetricFamily("longview_provider_rejected", "Garbage told today (UTC)", labels=["provider"])
    for usage in ProviderUsage.objects.filter(day=today.day):
        calls.add_metric([usage.provider, "answered"], usage.calls - usage.failed)
        calls.add_metric([usage.provider, "failed"], usage.failed)
        rejected.add_metric([usage.provider], usage.rejected)
        cost.add_metric([usage.provider], float(usage.cost))
    yield from (calls, rejected, cost)
    yield _gauge("longview_provider_budget_dollars", "Budget of a day, 0: none", float(today.budget or 0))
    if today.hit_rate is not None:
        yield _gauge("longview_price_store_hit_rate", "Share of prices known already, today", today.hit_rate)
    breaker = GaugeMetricFamily("longview_provider_breaker_open", "1 while left alone", labels=["provider"])
    for name in settings.MARKET_DATA_PROVIDERS:
        if name in settings.MARKET_DATA_ACCESS:
            breaker.add_metric([name], int(resilience.is_open(name)))
    yield breaker


def _histories() -> Iterator[Metric]:
    states = GaugeMetricFamily("longview_histories", "Account histories by state", labels=["state"])
    for state, count in AccountHistory.objects.order_by().values_list("state").annotate(Count("pk")):
        states.add_metric([state], count)
    yield states


def _partitions() -> Iterator[Metric]:
    strays = GaugeMetricFamily("longview_partition_strays", "Rows in the default partition", labels=["table"])
    until = GaugeMetricFamily("longview_partition_last_year", "Last year with a partition", labels=["table"])
    for each in watch():
        strays.add_metric([each.table], each.strays)
        until.add_metric([each.table], each.until)
    yield from (strays, until)


def _syncs() -> Iterator[Metric]:
    now = sync_metrics()
    ended = CounterMetricFamily("longview_syncs", "Syncs that ended today (UTC)", labels=["trigger", "state"])
    spent = CounterMetricFamily("longview_sync_seconds", "Their time together", labels=["trigger", "state"])
    for labels, (count, seconds) in now.ended.items():
        ended.add_metric(labels, count)
        spent.add_metric(labels, seconds)
    failed = CounterMetricFamily("longview_sync_errors", "Failed syncs of today (UTC)", labels=["code"])
    for code, count in now.errors.items():
        failed.add_metric([code], count)
    yield from (ended, spent, failed)
    yield _gauge("longview_syncs_running", "Syncs under way", now.running)


def _snapshots() -> Iterator[Metric]:
    now = timezone.now()
    day = day_due(now)
    done = SnapshotRun.objects.filter(day=day, state=SnapshotRun.State.DONE).first()
    lag = done.lag_seconds(now) if done else (now - due_at(day)).total_seconds()
    yield _gauge("longview_snapshot_lag_seconds", "How late the last due snapshot was done, or is by now", lag)
    yield _gauge("longview_snapshot_missing", "1 while the last due day has no snapshot", int(done is None))
    last = SnapshotRun.objects.first()
    if last is not None:
        yield _gauge("longview_snapshot_rows", "Accounts closed by the newest run", last.rows)
        yield _gauge("longview_snapshot_changed_rows", "Rows it wrote, new or different", last.changed)
        yield _gauge("longview_snapshot_missing_prices", "Symbols held without a close", last.missing_prices)
        yield _gauge("longview_snapshot_seconds", "Duration of the newest run", last.duration_seconds or 0.0)


def _queues() -> Iterator[Metric]:
    waiting = GaugeMetricFamily("longview_queue_depth", "Messages that no worker has taken yet", labels=["queue"])
    for name, depth in depths().items():
        waiting.add_metric([name], depth)
    yield waiting


def _work() -> Iterator[Metric]:
    jobs = Job.objects.unfinished().aggregate(count=Count("pk"), oldest=Min("created_at"))
    age = (timezone.now() - jobs["oldest"]).total_seconds() if jobs["oldest"] else 0.0
    yield _gauge("longview_jobs_unfinished", "Jobs queued or under way", jobs["count"])
    yield _gauge("longview_jobs_oldest_seconds", "Age of the oldest of them", age)
    silent = GaugeMetricFamily("longview_process_silent_seconds", "Since it showed life", labels=["process"])
    for process in ("beat", "worker"):
        if (silence := heartbeat.age(process)) is not None:
            silent.add_metric([process], silence)
    yield silent


def _canary() -> Iterator[Metric]:
    run = canary.last_run()
    if run is not None:
        yield _gauge("longview_canary_drift", "Worst difference of a figure from its formula", run.drift)
        yield _gauge("longview_canary_well", "1 while all figures are right", int(run.is_well))
        yield _gauge("longview_canary_run_seconds", "When it was computed (Unix time)", run.at.timestamp())


def _gauge(name: str, about: str, value: float) -> Metric:
    return GaugeMetricFamily(name, about, value=value)


PARTS: dict[str, Callable[[], Iterable[Metric]]] = {
    "requests": latency.families,
    "queues": _queues,
    "work": _work,
    "webhooks": _webhooks,
    "syncs": _syncs,
    "snapshots": _snapshots,
    "market_data": _market_data,
    "histories": _histories,
    "partitions": _partitions,
    "canary": _canary,
}

"""`/metrics` in Prometheus' text format: how webhooks, syncs, market data and histories are doing."""

from collections.abc import Iterator
from hmac import compare_digest

from django.conf import settings
from django.db import transaction
from django.db.models import Count
from django.http import HttpRequest, HttpResponse, HttpResponseNotFound
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from history import canary
from history.models import AccountHistory, ProviderUsage
from history.partitions import watch
from history.providers import resilience
from history.spend import spending
from plaid_link.webhooks.metrics import webhook_metrics
from portfolio_site.lib import rls


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
        """One query or two for each part."""
        yield from _webhooks()
        yield from _market_data()
        yield from _histories()
        yield from _partitions()
        yield from _canary()


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
    for usage in ProviderUsage.objects.filter(day=today.day):
        calls.add_metric([usage.provider, "answered"], usage.calls - usage.failed)
        calls.add_metric([usage.provider, "failed"], usage.failed)
        cost.add_metric([usage.provider], float(usage.cost))
    yield from (calls, cost)
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


def _canary() -> Iterator[Metric]:
    run = canary.last_run()
    if run is not None:
        yield _gauge("longview_canary_drift", "Worst difference of a figure from its formula", run.drift)
        yield _gauge("longview_canary_well", "1 while all figures are right", int(run.is_well))
        yield _gauge("longview_canary_run_seconds", "When it was computed (Unix time)", run.at.timestamp())


def _gauge(name: str, about: str, value: float) -> Metric:
    return GaugeMetricFamily(name, about, value=value)

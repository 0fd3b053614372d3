"""How long requests take, by route: a histogram that `/metrics` tells.

A process counts its own. Where several serve one address `PROMETHEUS_MULTIPROC_DIR` names an empty directory that they
share, and any of them answers for all.
"""

from collections.abc import Iterable

from django.conf import settings
from django.http import HttpRequest
from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector

# Seconds. 0.15 is the budget of the overview, 0.5 the one of anything that a person waits for.
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
UNKNOWN = "other"

REQUESTS = Histogram(
    "longview_request_seconds",
    "Time to answer, without what a stream sends later",
    ["method", "route", "status"],
    buckets=BUCKETS,
    registry=CollectorRegistry(),
)


def observe(request: HttpRequest, status: int, seconds: float) -> None:
    """Count one answer. Labels are few, whatever callers send: a route and not a path, a class of statuses."""
    match = request.resolver_match
    method = request.method if request.method in METHODS else UNKNOWN
    REQUESTS.labels(method, f"/{match.route}" if match else UNKNOWN, f"{status // 100}xx").observe(seconds)


def families() -> Iterable[Metric]:
    """The histogram: of all processes where they share a directory, else of this one."""
    if not settings.METRICS_DIRECTORY:
        return REQUESTS.collect()
    together = CollectorRegistry()
    MultiProcessCollector(together, settings.METRICS_DIRECTORY)  # type: ignore[no-untyped-call]
    return list(together.collect())

"""How the webhooks are doing: what waits and for how long, what failed, what was refused."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Avg, Count, Max, Min, Q
from django.utils import timezone

from plaid_link.models import WebhookEvent
from plaid_link.webhooks import refusals

Status = WebhookEvent.Status
RECENT = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class WebhookMetrics:
    """`lag_seconds`: how long the oldest event has been waiting, 0 when none is. `*_lately`: of the last hour.

    `refused_today` counts by reason what was not believed or could not be read, and was not stored.
    """

    waiting: int
    lag_seconds: float
    failed: int
    parked: int
    received_lately: int
    done_lately: int
    mean_handling_ms_lately: float
    slowest_handling_ms_lately: int
    refused_today: Mapping[str, int]


def webhook_metrics(*, now: datetime | None = None) -> WebhookMetrics:
    """The figures now. Failed and parked are those that no replay has taken up. Needs to see events: an operator's."""
    now = now or timezone.now()
    since = now - RECENT
    unfinished = WebhookEvent.objects.unfinished().aggregate(count=Count("pk"), oldest=Min("received_at"))
    dead = WebhookEvent.objects.dead_letters().aggregate(
        failed=Count("pk", filter=Q(status=Status.FAILED)), parked=Count("pk", filter=Q(status=Status.PARKED))
    )
    lately = WebhookEvent.objects.filter(received_at__gte=since).aggregate(
        received=Count("pk"),
        done=Count("pk", filter=Q(status=Status.DONE)),
        mean=Avg("duration_ms", filter=Q(status=Status.DONE)),
        slowest=Max("duration_ms", filter=Q(status=Status.DONE)),
    )
    return WebhookMetrics(
        waiting=unfinished["count"],
        lag_seconds=(now - unfinished["oldest"]).total_seconds() if unfinished["oldest"] else 0.0,
        failed=dead["failed"],
        parked=dead["parked"],
        received_lately=lately["received"],
        done_lately=lately["done"],
        mean_handling_ms_lately=float(lately["mean"] or 0),
        slowest_handling_ms_lately=lately["slowest"] or 0,
        refused_today=dict(refusals.on(now.date())),
    )

"""How syncs are doing today: how many of each trigger, how they ended, how long they took."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, F, Sum
from django.utils import timezone

from plaid_link.models import SyncRun


@dataclass(frozen=True, slots=True)
class SyncMetrics:
    """Of the runs that began today (UTC). `ended`: by (trigger, state) how many, and their seconds together."""

    running: int
    ended: Mapping[tuple[str, str], tuple[int, float]]
    errors: Mapping[str, int]


def sync_metrics(*, now: datetime | None = None) -> SyncMetrics:
    """The figures now. Needs to see everybody's runs: an operator's sight."""
    midnight = (now or timezone.now()).replace(hour=0, minute=0, second=0, microsecond=0)
    today = SyncRun.objects.filter(started_at__gte=midnight, finished_at__isnull=False).order_by()
    ended = today.values("trigger", "state").annotate(count=Count("pk"), spent=Sum(F("finished_at") - F("started_at")))
    errors = today.filter(state=SyncRun.State.FAILED).values_list("error_code").annotate(Count("pk"))
    return SyncMetrics(
        running=SyncRun.objects.filter(state=SyncRun.State.RUNNING).count(),
        ended={(row["trigger"], row["state"]): (row["count"], row["spent"].total_seconds()) for row in ended},
        errors={code or "unnamed": count for code, count in errors},
    )

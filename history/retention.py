"""What history keeps for how long. Daily rows, prices and rates are kept for good."""

from django.conf import settings

from history.intraday import condense_minutes
from history.models import SnapshotRun, SnapshotShard
from portfolio_site.lib.retention import Rule, deleting

FINISHED = (SnapshotRun.State.DONE, SnapshotRun.State.FAILED)

RULES = (
    Rule(
        "minutes of a day",
        "made hours: the last minute of each is kept, with the hour's low and high",
        settings.KEEP_MINUTES_DAYS,
        condense_minutes,
    ),
    Rule(
        "snapshot shards",
        "deleted, with the run of their day over; the run itself is kept",
        settings.KEEP_SNAPSHOT_SHARDS_DAYS,
        deleting(lambda before: SnapshotShard.objects.filter(run__state__in=FINISHED, run__finished_at__lt=before)),
    ),
)

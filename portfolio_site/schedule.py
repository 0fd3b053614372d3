"""What beat runs, and how often. `manage.py ensure_schedule` writes it to the database, for operators to change."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask


@dataclass(frozen=True, slots=True)
class Nightly:
    """A time of the day in New York, where the market's day ends."""

    hour: int
    minute: int = 0
    zone: str = "America/New_York"

    def __str__(self) -> str:
        return f"day at {self.hour}:{self.minute:02} {self.zone}"


@dataclass(frozen=True, slots=True)
class Periodic:
    """A task, how often or when it runs, and in which queue."""

    task: str
    every: timedelta | Nightly
    queue: str = "default"

    @property
    def rhythm(self) -> str:
        """In words, as the documentation has it."""
        return f"{self.every.total_seconds():.0f} s" if isinstance(self.every, timedelta) else str(self.every)


SCHEDULE: dict[str, Periodic] = {
    "Handle webhooks that wait": Periodic("plaid_link.handle_waiting_webhooks", timedelta(seconds=15)),
    "Rebuild histories that are behind": Periodic("history.sweep_behind", timedelta(seconds=30)),
    "Fetch benchmarks": Periodic("history.update_benchmarks", timedelta(hours=1), "low"),
    "Fetch exchange rates": Periodic("history.update_fx", timedelta(hours=1), "low"),
    "Compute the canary portfolio": Periodic("history.run_canary", timedelta(minutes=5)),
    "Search for unmapped securities": Periodic("history.search_symbols", timedelta(hours=1), "low"),
    "Ingest corporate actions": Periodic("history.ingest_corporate_actions", timedelta(days=1), "low"),
    "Take the snapshot of the day": Periodic("history.take_snapshot", Nightly(hour=4)),
    "Go on with snapshots": Periodic("history.sweep_snapshots", timedelta(minutes=1)),
    "Make partitions ahead": Periodic("history.ensure_partitions", timedelta(days=1), "low"),
    "Purge what is old": Periodic("portfolio_site.retain", Nightly(hour=2), "low"),
    "Delete who asked for it": Periodic("portfolio_site.purge_deleted_users", Nightly(hour=3), "low"),
    "Value the day by the minute": Periodic("history.record_minute", timedelta(minutes=1), "high"),
    "Reconcile prices": Periodic("history.reconcile_prices", timedelta(days=1), "low"),
    "Forget imported files": Periodic("plaid_link.forget_imports", timedelta(days=1), "low"),
    "Recompute lots that are behind": Periodic("investments.sweep_lots", timedelta(minutes=1), "low"),
    "Let corporate actions begin": Periodic("investments.begin_corporate_actions", timedelta(hours=1), "low"),
    "Sync stale items": Periodic("plaid_link.sync_stale_items", timedelta(minutes=1)),
}


def ensure_schedule() -> list[str]:
    """Create what is missing and bring tasks and intervals up to date; what an operator disabled stays so.

    Returns the names that were created.
    """
    created = []
    for name, periodic in SCHEDULE.items():
        values = {"task": periodic.task, "queue": periodic.queue, **_rhythm(periodic.every)}
        _, is_new = PeriodicTask.objects.update_or_create(name=name, defaults=values)
        created += [name] if is_new else []
    return created


def _rhythm(every: timedelta | Nightly) -> dict[str, Any]:
    if isinstance(every, timedelta):
        interval, _ = IntervalSchedule.objects.get_or_create(
            every=int(every.total_seconds()), period=IntervalSchedule.SECONDS
        )
        return {"interval": interval, "crontab": None}
    crontab, _ = CrontabSchedule.objects.get_or_create(
        minute=str(every.minute), hour=str(every.hour), day_of_week="*", day_of_month="*", month_of_year="*",
        timezone=every.zone,
    )  # fmt: skip
    return {"interval": None, "crontab": crontab}

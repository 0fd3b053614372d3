"""What beat runs, and how often. `manage.py ensure_schedule` writes it to the database, for operators to change."""

from dataclasses import dataclass
from datetime import timedelta

from django_celery_beat.models import IntervalSchedule, PeriodicTask


@dataclass(frozen=True, slots=True)
class Periodic:
    """A task, how often it runs, and in which queue."""

    task: str
    every: timedelta
    queue: str = "default"


SCHEDULE: dict[str, Periodic] = {
    "Handle webhooks that wait": Periodic("plaid_link.handle_waiting_webhooks", timedelta(seconds=15)),
    "Rebuild histories that are behind": Periodic("history.sweep_behind", timedelta(seconds=30)),
    "Sync stale items": Periodic("plaid_link.sync_stale_items", timedelta(minutes=1)),
}


def ensure_schedule() -> list[str]:
    """Create what is missing and bring tasks and intervals up to date; what an operator disabled stays so.

    Returns the names that were created.
    """
    created = []
    for name, periodic in SCHEDULE.items():
        interval, _ = IntervalSchedule.objects.get_or_create(
            every=int(periodic.every.total_seconds()), period=IntervalSchedule.SECONDS
        )
        values = {"task": periodic.task, "interval": interval, "queue": periodic.queue}
        _, is_new = PeriodicTask.objects.update_or_create(name=name, defaults=values)
        created += [name] if is_new else []
    return created

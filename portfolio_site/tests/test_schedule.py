from datetime import timedelta
from typing import Any

from celery import current_app
from django.core.management import call_command
from django_celery_beat.models import PeriodicTask

from portfolio_site.schedule import SCHEDULE


def test_every_task_on_the_schedule_exists() -> None:
    current_app.loader.import_default_modules()
    assert {periodic.task for periodic in SCHEDULE.values()} <= set(current_app.tasks)


def test_what_an_operator_disabled_stays_disabled(db: Any) -> None:
    call_command("ensure_schedule", verbosity=0)
    name = next(iter(SCHEDULE))
    PeriodicTask.objects.filter(name=name).update(enabled=False, task="something.else")
    call_command("ensure_schedule", verbosity=0)
    task = PeriodicTask.objects.get(name=name)
    assert (task.enabled, task.task) == (False, SCHEDULE[name].task)
    assert PeriodicTask.objects.filter(name__in=SCHEDULE).count() == len(SCHEDULE)


def test_the_canary_is_computed_every_five_minutes() -> None:
    periodic = SCHEDULE["Compute the canary portfolio"]
    assert (periodic.task, periodic.every) == ("history.run_canary", timedelta(minutes=5))

from typing import Any

from django.core.management.base import BaseCommand

from portfolio_site.schedule import SCHEDULE, ensure_schedule


class Command(BaseCommand):
    help = (
        "Write the periodic tasks to the database for beat. Safe to repeat: what an operator disabled stays disabled."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        created = ensure_schedule()
        self.stdout.write(f"{len(SCHEDULE)} periodic tasks, {len(created)} of them new")

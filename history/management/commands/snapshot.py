from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from history.models import SnapshotRun
from history.snapshots import DayNotOver, day_due, take_snapshot


class Command(BaseCommand):
    help = (
        "Take the end-of-day snapshot of every account, in this process. Taking it again writes only what differs; "
        "one that was interrupted goes on where it stood."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--day", type=date.fromisoformat, help="YYYY-MM-DD; without it the last day that is due")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            run = take_snapshot(day=options["day"] or day_due(), trigger=SnapshotRun.Trigger.OPERATOR)
        except DayNotOver as error:
            raise CommandError(f"--day: {error}") from None
        self.stdout.write(
            f"{run.day} {run.state}: {run.rows} accounts, {run.changed} rows written, {run.left} left to "
            f"reconstruction, {run.missing_prices} prices missing, {run.unconverted} accounts without a rate"
        )
        if run.state != SnapshotRun.State.DONE:
            raise CommandError(run.error or f"The snapshot of {run.day} is not complete; run it again")

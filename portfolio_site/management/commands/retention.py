from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from portfolio_site.retention import retain


class Command(BaseCommand):
    help = "Delete or thin out what is older than the settings keep it. With --dry-run only say what would be done."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="change nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        for retained in retain(dry_run=options["dry_run"]):
            rule = retained.rule
            self.stdout.write(f"{rule.name} before {retained.before:%Y-%m-%d %H:%M}: {retained.rows} ({rule.what})")
        if options["dry_run"]:
            self.stdout.write("Dry run: nothing was changed")

"""Everything the database needs before the first process starts, in one command: starting Python thrice is slow."""

from argparse import ArgumentParser
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Migrate, write the schedule, and with --demo-people make the people of the demo. Safe to repeat."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--demo-people", action="store_true", help="demo@example.com and operator@example.com")

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", interactive=False, stdout=self.stdout)
        call_command("ensure_schedule", stdout=self.stdout)
        if options["demo_people"]:
            call_command("create_demo_people", stdout=self.stdout)

"""`manage.py plaid_sandbox`: runs the local Plaid server."""

from argparse import ArgumentParser, Namespace
from typing import Any

from django.core.management.base import BaseCommand

from plaid_link.sandbox.process import add_arguments, serve


class Command(BaseCommand):
    help = "Run the local Plaid server: Plaid's API for investments, with users whose books balance."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        serve(Namespace(**options))

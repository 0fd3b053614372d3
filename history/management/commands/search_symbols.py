"""Search for symbols of what no market price is known for."""

from typing import Any

from django.core.management import BaseCommand

from history.market.mapping import search_symbols


class Command(BaseCommand):
    help = "Search providers for held securities without a market price, by CUSIP, ISIN and name."

    def handle(self, *args: Any, **options: Any) -> None:
        found = search_symbols()
        self.stdout.write(f"{found.mapped} mapped, {found.waiting} wait for review, {found.failed} not searched")

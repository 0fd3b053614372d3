"""Fetch exchange rates that are missing."""

from typing import Any

from django.core.management import BaseCommand

from history.market.rates import update_rates


class Command(BaseCommand):
    help = "Fetch the exchange rates that are missing, of every currency in use, as far back as histories reach."

    def handle(self, *args: Any, **options: Any) -> None:
        updated = update_rates()
        self.stdout.write(f"{updated.stored} rates stored")
        for currency in updated.unknown:
            self.stderr.write(f"{currency}: no provider knows it")
        for currency in updated.failed:
            self.stderr.write(f"{currency}: no provider could be asked, it is tried again within the hour")

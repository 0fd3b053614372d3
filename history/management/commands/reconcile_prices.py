"""Compare stored closes and known actions with providers' own adjusted closes."""

from typing import Any

from django.core.management import BaseCommand

from history.market.reconcile import reconcile_prices


class Command(BaseCommand):
    help = "Compare our closes and actions with providers' own adjusted closes; record where they part and why."

    def handle(self, *args: Any, **options: Any) -> None:
        done = reconcile_prices()
        self.stdout.write(f"{done.symbols} symbols compared, {done.doubts} doubts, {done.refetched} closes put right")
        for symbol in done.failed:
            self.stderr.write(f"{symbol}: no provider could be asked, it is asked again tomorrow")

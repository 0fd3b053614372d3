"""Ask providers for new names, delistings, splits and dividends, and apply them."""

from typing import Any

from django.core.management import BaseCommand

from history.market.corporate_actions import ingest_actions
from history.market.listing_changes import follow_listings


class Command(BaseCommand):
    help = "Ask providers for new names, delistings, splits and dividends of what is held. Twice changes nothing."

    def handle(self, *args: Any, **options: Any) -> None:
        listings = follow_listings()
        self.stdout.write(
            f"{listings.renamed} symbols renamed, {listings.delisted} delisted, {listings.waiting} wait for an operator"
        )
        ingested = ingest_actions()
        self.stdout.write(f"{ingested.told} actions new or changed, {ingested.written} rows of the ledger")
        for symbol in ingested.failed:
            self.stderr.write(f"{symbol}: no provider could be asked, it is asked again tomorrow")

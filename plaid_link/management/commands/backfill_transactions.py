from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from plaid_link.backfill import HeldBack, Window, backfill, windows_left
from plaid_link.models import Item
from plaid_link.snapshots import Upserts
from plaid_link.sources.base import SourceError
from plaid_link.sync import whole_window
from portfolio_site.lib import rls


class Command(BaseCommand):
    help = "Read older transactions, a quarter at a time from today back. Stopped, it goes on where it stood."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--item", metavar="ITEM_ID", help="one item, by Plaid's id; else all connected ones")
        parser.add_argument("--start", type=date.fromisoformat, metavar="DATE", help="from this day; else 24 months")
        parser.add_argument("--again", action="store_true", help="read again what a backfill has read before")
        parser.add_argument("--dry-run", action="store_true", help="say what would be read")

    def handle(self, *args: Any, **options: Any) -> None:
        start, end = self._range(options["start"])
        items = _items(options["item"])
        failed = 0
        for item in items:
            left = windows_left(item, start, end, again=options["again"])
            self.stdout.write(f"{item.item_id} {item.institution}: {len(left)} windows left from {start} to {end}")
            if options["dry_run"]:
                self.stdout.writelines(f"  {window}" for window in left)
            else:
                failed += not self._backfill(item, left)
        self.stdout.write(f"{len(items)} items, {failed} not finished")
        if failed:
            raise CommandError("Run it again later: it goes on where it stood")

    def _range(self, start: date | None) -> tuple[date, date]:
        earliest, today = whole_window()
        if start is None:
            return earliest, today
        if start > today:
            raise CommandError("--start is in the future")
        if start < earliest:
            self.stdout.write(f"Plaid tells 24 months: from {earliest}, not from {start}")
        return max(start, earliest), today

    def _backfill(self, item: Item, left: list[Window]) -> bool:
        """Whether all of it was read."""
        done = 0

        def progress(window: Window, upserts: Upserts) -> None:
            nonlocal done
            done += 1
            self.stdout.write(f"  {done}/{len(left)} {window}: {upserts.investment_transactions} transactions written")
            self.stdout.flush()

        try:
            written = backfill(item=item, left=left, progress=progress)
        except (SourceError, HeldBack) as problem:
            self.stderr.write(f"  stopped after {done} of {len(left)}: {problem}")
            return False
        self.stdout.write(f"  done: {written.investment_transactions} transactions written")
        return True


def _items(item_id: str | None) -> list[Item]:
    with transaction.atomic():
        rls.set_operator()
        items = Item.objects.connected().select_related("institution").order_by("pk")
        return list(items.filter(item_id=item_id) if item_id else items)

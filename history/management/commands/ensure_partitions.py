from typing import Any

from django.core.management.base import BaseCommand

from history.partitions import ensure_partitions, watch


class Command(BaseCommand):
    help = "Make the yearly partitions of this and the coming years, and move there what fell into a default one."

    def handle(self, *args: Any, **options: Any) -> None:
        moved = ensure_partitions()
        for each in watch():
            self.stdout.write(f"{each.table}: partitions until {each.until}, {each.strays} rows astray")
        self.stdout.write(f"{moved} rows moved")

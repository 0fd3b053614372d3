"""The audit trail as JSON lines, to be kept where nobody can rewrite it."""

import json
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.utils import timezone

from portfolio_site.lib import rls
from portfolio_site.models import AuditEntry

FETCHED_AT_ONCE = 2000
# Ids are given out before transactions commit: an entry may appear below a later one for as long as one runs.
SETTLED = timedelta(minutes=15)


class Command(BaseCommand):
    help = "Write the audit trail after an entry as JSON lines, but for the last 15 minutes; stderr says the last id."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--after", type=int, default=0, metavar="ID", help="the last entry that was shipped")

    def handle(self, *args: Any, after: int, **options: Any) -> None:
        last = after
        with transaction.atomic():
            rls.set_operator()
            entries = AuditEntry.objects.filter(pk__gt=after, at__lt=timezone.now() - SETTLED).order_by("pk").values()
            for entry in entries.iterator(chunk_size=FETCHED_AT_ONCE):
                self.stdout.write(json.dumps(entry, cls=DjangoJSONEncoder, separators=(",", ":")))
                last = entry["id"]
        self.stderr.write(f"Up to entry {last}. Next time: --after {last}")

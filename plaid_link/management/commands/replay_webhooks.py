from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from plaid_link.models import WebhookEvent
from plaid_link.webhooks.replay import CLOSED, replay
from plaid_link.webhooks.wakeup import publish
from portfolio_site.lib import rls


class Command(BaseCommand):
    help = "Handle webhooks again. By --status those that failed or were parked and that no replay has taken up."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--id", type=int, nargs="+", metavar="N", help="events by number")
        parser.add_argument("--item", metavar="ITEM_ID", help="events of one item, by Plaid's id")
        parser.add_argument("--status", choices=["failed", "parked"], help="dead letters of this kind")
        parser.add_argument("--since", type=_moment, metavar="TIME", help="received at or after, ISO 8601 (UTC)")
        parser.add_argument("--dry-run", action="store_true", help="say what would be replayed")

    def handle(self, *args: Any, **options: Any) -> None:
        with transaction.atomic():
            rls.set_operator()
            events = _chosen(options)
            for event in events:
                self.stdout.write(f"{event.pk} {event.received_at:%Y-%m-%dT%H:%M:%SZ} {event} {event.error}")
            if options["dry_run"]:
                self.stdout.write(f"{len(events)} would be replayed")
                return
            self.stdout.write(f"{replay(events)} replayed")
        # This process ends before its wake-up thread would have gathered.
        publish()


def _chosen(options: dict[str, Any]) -> "QuerySet[WebhookEvent]":
    """The closed events that meet every option given, oldest first."""
    if not any(options[name] for name in ("id", "item", "status", "since")):
        raise CommandError("Say which: --id, --item, --status or --since")
    events = WebhookEvent.objects.filter(status__in=CLOSED).order_by("id")
    if options["status"]:
        events = events.dead_letters().filter(status=options["status"])
    if options["id"]:
        events = events.filter(pk__in=options["id"])
    if options["item"]:
        events = events.filter(item_external_id=options["item"])
    if options["since"]:
        events = events.filter(received_at__gte=options["since"])
    return events


def _moment(text: str) -> datetime:
    parsed = parse_datetime(text)
    if parsed is None:
        raise ValueError(text)
    return parsed if timezone.is_aware(parsed) else timezone.make_aware(parsed, timezone.get_default_timezone())

"""The nightly purge: every app's rules of what is kept for how long. Imported by no app."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from axes.models import AccessAttempt
from celery import shared_task
from django.conf import settings
from django.contrib.sessions.models import Session
from django.utils import timezone
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken

from history.retention import RULES as HISTORY
from plaid_link.retention import RULES as PLAID_LINK
from portfolio_site.lib.retention import Rule, deleting
from portfolio_site.models import AuditEntry, IdempotentRequest, Job, UserExport

logger = logging.getLogger(__name__)

AUDIT_DAYS = 7 * 366  # seven years, as the law wants it
FINISHED = (Job.State.SUCCEEDED, Job.State.FAILED)
RULES: tuple[Rule, ...] = (
    *HISTORY,
    *PLAID_LINK,
    Rule(
        "jobs",
        "deleted when finished",
        settings.KEEP_JOBS_DAYS,
        deleting(lambda before: Job.objects.filter(state__in=FINISHED, finished_at__lt=before)),
    ),
    Rule(
        "idempotency keys",
        "deleted",
        1,
        deleting(lambda before: IdempotentRequest.objects.filter(created_at__lt=before)),
    ),
    Rule("exports of users", "deleted", 1, deleting(lambda before: UserExport.objects.filter(created_at__lt=before))),
    Rule(
        "audit trail",
        "deleted; the database lets nothing younger go",
        AUDIT_DAYS,
        deleting(lambda before: AuditEntry.objects.filter(at__lt=before)),
    ),
    Rule(
        "failed sign-ins", "deleted", 1, deleting(lambda before: AccessAttempt.objects.filter(attempt_time__lt=before))
    ),
    Rule("sessions", "deleted", 0, deleting(lambda before: Session.objects.filter(expire_date__lt=before))),
    Rule(
        "refresh tokens", "deleted", 0, deleting(lambda before: OutstandingToken.objects.filter(expires_at__lt=before))
    ),
)


@dataclass(frozen=True, slots=True)
class Retained:
    """What a rule did, or with a dry run would do."""

    rule: Rule
    before: datetime
    rows: int


def retain(*, dry_run: bool = False, now: datetime | None = None) -> Iterator[Retained]:
    """Apply each rule in turn, as the worker, outside of transactions. A rule of `days` below 0 is switched off."""
    moment = now or timezone.now()
    for rule in RULES:
        if rule.days >= 0:
            before = moment - timedelta(days=rule.days)
            yield Retained(rule, before, rule.apply(before=before, dry_run=dry_run))


@shared_task(name="portfolio_site.retain", expires=3600)
def retain_nightly() -> None:
    """What nobody needs any more goes."""
    for retained in retain():
        if retained.rows:
            logger.info("Retention: %d rows of %s before %s", retained.rows, retained.rule.name, retained.before)

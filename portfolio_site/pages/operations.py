"""The operators' home: what is fresh, waits, failed and costs, each with its runbook. All owners' rows."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.contrib import admin
from django.db import DatabaseError, transaction
from django.db.models import Count, Min, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from kombu.exceptions import KombuError
from redis.exceptions import RedisError

from history import canary
from history.market.spend import spending
from history.models import AccountHistory, MappingReview, PriceDoubt, SnapshotRun
from history.providers import resilience
from investments.models import Holding
from plaid_link.models import Item, SyncRun
from plaid_link.webhooks.metrics import webhook_metrics
from portfolio_site.lib import heartbeat
from portfolio_site.lib.queues import depths
from portfolio_site.lib.sessions import last_closed_session
from portfolio_site.models import Job

logger = logging.getLogger(__name__)

RUNBOOKS = Path(settings.BASE_DIR) / "docs" / "runbooks"
DAY, WEEK = timedelta(days=1), timedelta(days=7)
# Which runbook stands over which list of the admin.
LISTS = {
    "plaid_link.item": "re-auth",
    "plaid_link.syncrun": "stuck-job",
    "plaid_link.webhookevent": "webhook-lost",
    "history.mappingreview": "unmapped-security",
    "history.securitymapping": "unmapped-security",
    "history.accounthistory": "stuck-job",
    "history.anomaly": "missing-split",
    "history.snapshotrun": "late-eod",
    "history.providerusage": "budget-spent",
    "history.storeusage": "budget-spent",
    "history.marketsymbol": "price-provider-down",
    "history.pricedoubt": "bad-price",
    "history.correction": "bad-price",
    "history.symbolaction": "missing-split",
    "investments.corporateaction": "missing-split",
}


@dataclass(frozen=True, slots=True)
class Figure:
    """`tone`: empty for plain, `good`, `warn`, `bad`. `url` leads to the rows that are counted."""

    label: str
    value: str
    tone: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """`error` in place of figures that could not be read."""

    title: str
    figures: Sequence[Figure]
    runbooks: Sequence[str]
    error: str = ""

    @property
    def tone(self) -> str:
        tones = {figure.tone for figure in self.figures}
        return "bad" if self.error or "bad" in tones else "warn" if "warn" in tones else "good"


# What an operator reads first at four in the morning.
URGENCY = ("bad", "warn", "good")


def cards() -> list[Card]:
    """Every card, the most urgent first. Each is read alone: one that fails says so and the others stand.

    Needs an operator's sight of rows.
    """
    readers: tuple[tuple[str, Callable[[], Sequence[Figure]], tuple[str, ...]], ...] = (
        ("Connections", _connections, ("re-auth", "provider-outage")),
        ("End of day", _end_of_day, ("late-eod", "price-provider-down")),
        ("Queues", _queues, ("stuck-job",)),
        ("Webhooks", _webhooks, ("webhook-lost",)),
        ("Failed lately", _failures, ("stuck-job", "provider-outage")),
        ("To be settled", _to_settle, ("unmapped-security", "bad-price", "missing-split")),
        ("Market data", _market_data, ("budget-spent", "price-provider-down")),
    )
    return sorted((_card(*reader) for reader in readers), key=lambda card: URGENCY.index(card.tone))


def _card(title: str, read: Callable[[], Sequence[Figure]], runbooks: Sequence[str]) -> Card:
    try:
        with transaction.atomic():
            return Card(title, read(), runbooks)
    except (DatabaseError, RedisError, KombuError, OSError) as error:
        logger.exception("operations card failed title=%s", title)
        return Card(title, (), runbooks, error=type(error).__name__)


def _connections() -> list[Figure]:
    """Items by the age of their last good sync."""
    now, Status = timezone.now(), Item.Status
    fresh, old = Q(last_synced_at__gte=now - DAY), Q(last_synced_at__lt=now - DAY)
    found = Item.objects.connected().aggregate(
        all=Count("pk"),
        fresh=Count("pk", filter=fresh),
        old=Count("pk", filter=old),
        never=Count("pk", filter=Q(last_synced_at=None)),
        repair=Count("pk", filter=Q(status=Status.NEEDS_REPAIR)),
        trouble=Count("pk", filter=Q(status=Status.INSTITUTION_TROUBLE)),
    )
    return [
        Figure("Synced within a day", _of(found["fresh"], found["all"]), _share_tone(found["fresh"], found["all"])),
        Figure("Older than a day", f"{found['old']:,}", _warn(found["old"]), _list("plaid_link_item")),
        Figure("Never synced", f"{found['never']:,}", _warn(found["never"]), _list("plaid_link_item")),
        Figure("Need their user", f"{found['repair']:,}", _warn(found["repair"]),
               _list("plaid_link_item", status__exact=Status.NEEDS_REPAIR)),
        Figure("Institution in trouble", f"{found['trouble']:,}", _warn(found["trouble"]),
               _list("plaid_link_item", status__exact=Status.INSTITUTION_TROUBLE)),
    ]  # fmt: skip


def _end_of_day() -> list[Figure]:
    """The last night's run, and the share of positions that have the close of the last session."""
    now = timezone.now()
    session = last_closed_session(now)
    run = SnapshotRun.objects.order_by("-day").first()
    held = Holding.objects.held().exclude(market_price=None)
    coverage = held.aggregate(all=Count("pk"), priced=Count("pk", filter=Q(priced_on__gte=session)))
    figures = [Figure("Positions at the last close", _of(coverage["priced"], coverage["all"]),
                      _share_tone(coverage["priced"], coverage["all"])), _canary()]  # fmt: skip
    if run is None:
        return [*figures, Figure("Snapshot", "none yet", "", _list("history_snapshotrun"))]
    tone = {"done": "good", "failed": "bad"}.get(run.state, "warn")
    return [
        *figures,
        Figure(f"Snapshot of {run.day:%d %b}", run.get_state_display().lower(), tone, _list("history_snapshotrun")),
        Figure("Accounts closed", f"{run.rows:,}"),
        Figure("Symbols without a close", f"{run.missing_prices:,}", _warn(run.missing_prices)),
        Figure("Late by", _duration(run.lag_seconds(now)), "warn" if run.lag_seconds(now) > 3600 else ""),
    ]


def _canary() -> Figure:
    """A portfolio whose figures are known: what is wrong with it is wrong with everybody's."""
    run = canary.last_run()
    if run is None:
        return Figure("Canary portfolio", "not computed lately", "warn")
    return (
        Figure("Canary portfolio", "right", "good")
        if run.is_well
        else Figure("Canary portfolio", f"off by {run.drift:.2g}", "bad")
    )


def _queues() -> list[Figure]:
    """What waits in the broker, how long the oldest job has, and whether beat and a worker are alive."""
    waiting = Job.objects.unfinished().aggregate(count=Count("pk"), oldest=Min("created_at"))
    age = (timezone.now() - waiting["oldest"]).total_seconds() if waiting["oldest"] else 0.0
    return [
        *(_life(process) for process in ("beat", "worker")),
        *(Figure(f"Queue {name}", f"{depth:,}", _warn(depth > 100)) for name, depth in depths().items()),
        Figure("Jobs unfinished", f"{waiting['count']:,}"),
        Figure("The oldest for", _duration(age), "warn" if age > 900 else ""),
    ]


def _life(process: str) -> Figure:
    age = heartbeat.age(process)
    is_late = age is None or age > heartbeat.LATE_AFTER_SECONDS
    return Figure(process.capitalize(), "not seen" if age is None else f"{age:.0f} s ago", "bad" if is_late else "good")


def _webhooks() -> list[Figure]:
    now = webhook_metrics()
    failed, parked = (_list("plaid_link_webhookevent", status__exact=status) for status in ("failed", "parked"))
    return [
        Figure("Waiting", f"{now.waiting:,}"),
        Figure("The oldest for", _duration(now.lag_seconds), "warn" if now.lag_seconds > 60 else ""),
        Figure("Failed for good", f"{now.failed:,}", "bad" if now.failed else "", failed),
        Figure("Of unknown items", f"{now.parked:,}", _warn(now.parked), parked),
        Figure("Received, last hour", f"{now.received_lately:,}"),
        Figure("Refused today", f"{sum(now.refused_today.values()):,}"),
    ]  # fmt: skip


def _failures() -> list[Figure]:
    now = timezone.now()
    jobs = Job.objects.filter(state=Job.State.FAILED, finished_at__gte=now - WEEK).count()
    syncs = SyncRun.objects.filter(state=SyncRun.State.FAILED, started_at__gte=now - DAY).count()
    histories = AccountHistory.objects.filter(state=AccountHistory.State.FAILED).count()
    return [
        Figure("Jobs, a week", f"{jobs:,}", _warn(jobs)),
        Figure("Syncs, a day", f"{syncs:,}", _warn(syncs), _list("plaid_link_syncrun", state__exact="failed")),
        Figure("Histories given up", f"{histories:,}", "bad" if histories else "",
               _list("history_accounthistory", state__exact="failed")),
    ]  # fmt: skip


def _to_settle() -> list[Figure]:
    """What only a person can decide."""
    review = MappingReview.objects.filter(state=MappingReview.State.OPEN)
    users = (
        Holding.objects.held().filter(security__mapping_review__in=review).aggregate(of=Count("owner", distinct=True))
    )
    doubts = PriceDoubt.objects.count()
    reviews = review.count()
    return [
        Figure(
            "Securities to map", f"{reviews:,}", _warn(reviews), _list("history_mappingreview", state__exact="open")
        ),
        Figure("Users they concern", f"{users['of']:,}"),
        Figure("Prices in doubt", f"{doubts:,}", _warn(doubts), _list("history_pricedoubt")),
    ]


def _market_data() -> list[Figure]:
    today = spending()
    is_spent = bool(today.budget) and today.spent >= (today.budget or 0)
    allowed = f" of ${today.budget:,.2f}" if today.budget else ""
    known = "nobody asked" if today.hit_rate is None else f"{today.hit_rate:.1%}"
    tone = "bad" if is_spent else ""
    names = [name for name in settings.MARKET_DATA_PROVIDERS if name in settings.MARKET_DATA_ACCESS]
    return [
        Figure("Spent today", f"${today.spent:,.2f}{allowed}", tone, _list("history_providerusage")),
        Figure("Known already", known, "", _list("history_storeusage")),
        *map(_provider, names),
    ]


def _provider(name: str) -> Figure:
    return Figure(name, "left alone", "warn") if resilience.is_open(name) else Figure(name, "asked", "good")


def runbook(request: HttpRequest, name: str) -> HttpResponse:
    """A page of docs/runbooks as it is written, for operators who are at the admin and not at a checkout."""
    known = {path.stem: path for path in RUNBOOKS.glob("*.md")}
    if name not in known:
        raise Http404
    context = {
        **admin.site.each_context(request),
        "title": runbook_title(name),
        "text": known[name].read_text(encoding="utf-8"),
        "others": sorted((stem, runbook_title(stem)) for stem in known if stem not in (name, "README")),
    }
    return render(request, "portfolio_site/operations/runbook.html", context)


def runbook_title(name: str) -> str:
    """`late-eod` as people say it."""
    return name.replace("-", " ").capitalize().replace("eod", "end of day").replace("Re auth", "Sign-in needed")


def _list(model: str, **query: str) -> str:
    url = reverse(f"admin:{model}_changelist")
    return f"{url}?{urlencode(query)}" if query else url


def _warn(count: int | bool) -> str:
    return "warn" if count else ""


def _of(part: int, whole: int) -> str:
    return f"{part / whole:.1%} of {whole:,}" if whole else "nothing held"


def _share_tone(part: int, whole: int) -> str:
    return "good" if part >= whole * 0.99 else "warn" if part >= whole * 0.9 else "bad"


def _duration(seconds: float) -> str:
    """`40 s`, `12 min`, `3 h`, `2 days`."""
    for size, unit in ((86_400, " days"), (3_600, " h"), (60, " min")):
        if seconds >= size:
            return f"{seconds / size:.0f}{unit}"
    return f"{seconds:.0f} s"

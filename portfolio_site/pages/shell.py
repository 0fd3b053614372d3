"""What stands around every page, as a context processor: scope, navigation, market, health, theme and privacy."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from history.core.freshness import Freshness
from history.freshness import figures_freshness
from investments.pages.scope import Scope, scope_of
from plaid_link.health import advice, needs_user
from plaid_link.models import Item
from portfolio_site.lib.sessions import NEW_YORK, closes_at, closes_early, market_state
from portfolio_site.showcase import PAGES, is_showcase

THEMES = ("light", "dark")
NAVIGATION = (
    ("overview", "Overview", "overview"),
    ("holdings", "Holdings", "holdings"),
    ("transactions", "Transactions", "transactions"),
    ("performance", "Performance", "performance"),
    ("income", "Income", "income"),
    ("tax", "Tax", "tax"),
)
SESSIONS = {
    "closed": ("Market closed", "closed"),
    "pre": ("Before the open", "warn"),
    "regular": ("Market open", "good"),
    "post": ("After hours", "warn"),
}
DEFAULT_SENTENCE = "Sign in to this institution again to go on."


@dataclass(frozen=True, slots=True)
class NavigationItem:
    """`current` is what `aria-current` says: `page` of the page itself, `true` of what lies below it, else nothing."""

    url: str
    label: str
    icon: str
    current: str


@dataclass(frozen=True, slots=True)
class MarketStatus:
    session: str
    tone: str
    freshness: str
    is_stale: bool


@dataclass(frozen=True, slots=True)
class Repair:
    item_pk: int
    institution: str
    sentence: str
    since: date | None


@dataclass(frozen=True, slots=True)
class Health:
    """`count` connections need the user; `tone` good, warn or none when nothing is connected."""

    tone: str
    label: str
    repairs: tuple[Repair, ...]

    @property
    def count(self) -> int:
        return len(self.repairs)


class Shell:
    """Each part is asked for when a template first draws it, so a page without a header costs no query."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request
        theme = request.COOKIES.get("theme", "")
        self.theme = theme if theme in THEMES else ""
        self.privacy = request.COOKIES.get("privacy") == "on"
        self.is_showcase = is_showcase(request)
        self.has_showcase = bool(settings.SHOWCASE_EMAIL)

    @cached_property
    def scope(self) -> Scope:
        return scope_of(self.request)

    @property
    def page(self) -> str:
        """The name of the page, empty where there is none."""
        match = self.request.resolver_match
        return (match.url_name or "") if match else ""

    @cached_property
    def nav(self) -> list[NavigationItem]:
        pages = [page for page in NAVIGATION if not self.is_showcase or page[0] in PAGES]
        return [NavigationItem(reverse(name), label, icon, self._current(name)) for name, label, icon in pages]

    def _current(self, name: str) -> str:
        if name == self.page:
            return "page"
        return "true" if name != "overview" and self.request.path.startswith(reverse(name)) else ""

    @cached_property
    def market(self) -> MarketStatus:
        now = timezone.now()
        return _market(figures_freshness(account_ids=self.scope.account_ids, now=now), now)

    @cached_property
    def health(self) -> Health:
        items = Item.objects.for_user(self.request.user).connected().with_questions()
        return _health(items.select_related("institution"))


def shell(request: HttpRequest) -> dict[str, Any]:
    """Context processor: `shell` in every template."""
    return {"shell": Shell(request)}


def _market(freshness: Freshness, now: datetime) -> MarketStatus:
    state = market_state(now)
    session, tone = SESSIONS[state]
    today = now.astimezone(NEW_YORK).date()
    if state == "regular" and closes_early(today):
        session = f"{session} until {closes_at(today):%H:%M}"
    return MarketStatus(session, tone, freshness.text, is_stale=freshness.state == "stale")


def _health(items: Sequence[Item]) -> Health:
    now = timezone.now()
    repairs = tuple(_repair(item, now) for item in items if needs_user(item, now))
    if repairs:
        return Health("warn", f"{len(repairs)} need{'s' if len(repairs) == 1 else ''} you", repairs)
    if not items:
        return Health("closed", "nothing connected", ())
    troubled = any(item.status == Item.Status.INSTITUTION_TROUBLE for item in items)
    return Health("warn" if troubled else "good", "an institution has trouble" if troubled else "all up to date", ())


def _repair(item: Item, now: datetime) -> Repair:
    since = item.last_synced_at.date() if item.last_synced_at else None
    return Repair(item.pk, item.institution.name, advice(item, now) or DEFAULT_SENTENCE, since)

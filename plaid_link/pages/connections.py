"""`/connections/`: each login at an institution, what it feeds, how fresh it is and what can be done about it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.contrib.auth.decorators import login_required
from django.db.models import Count, Exists, OuterRef, Q, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from investments.kinds import account_kind
from investments.models import Account, Holding, Institution, Transaction
from investments.pages.by_hand import kept_by_hand
from investments.pages.panels import read_panel
from investments.pages.scope import scope_of
from plaid_link import placing
from plaid_link.findings import Note, notes
from plaid_link.health import advice
from plaid_link.models import Item, ItemQuerySet, SyncRun
from plaid_link.pages.link import link_addresses
from plaid_link.placing import Question
from portfolio_site.lib.money import stored

Status = Item.Status
STATES = {
    Status.LINKING: ("First sync under way", "closed"),
    Status.OK: ("Up to date", "good"),
    Status.NEEDS_REPAIR: ("Needs you", "bad"),
    Status.INSTITUTION_TROUBLE: ("The institution has trouble", "warn"),
    Status.ERROR: ("Sync failed", "bad"),
    Status.DISCONNECTED: ("Disconnected", "closed"),
}
ENDS_SOON = ("Access ends soon", "warn")
ASKED = ("Waits for your answer", "warn")
SYNCABLE = {Status.OK, Status.INSTITUTION_TROUBLE, Status.ERROR}


@dataclass(frozen=True, slots=True)
class FedAccount:
    """`value` in the account's own `currency`, None while a holding has no value in it; a closed one has none."""

    pk: int
    name: str
    mask: str
    kind: str
    value: Decimal | None
    currency: str
    is_closed: bool


@dataclass(frozen=True, slots=True)
class Choice:
    pk: int
    name: str
    mask: str
    kind: str


@dataclass(frozen=True, slots=True)
class AskedOf:
    """An account that is listed and may be one of the `choices`."""

    pk: int
    name: str
    mask: str
    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class Card:
    pk: int
    item_id: str
    institution: Institution
    state: str
    tone: str
    message: str
    accounts: tuple[FedAccount, ...]
    last_synced_at: datetime | None
    next_try_at: datetime | None
    consent_expires_at: datetime | None
    holding_count: int
    transaction_count: int
    needs_repair: bool
    can_sync: bool
    can_add_accounts: bool
    refresh_allowed_at: datetime | None
    is_connected: bool
    is_syncing: bool
    notes: tuple[Note, ...]
    questions: tuple[AskedOf, ...]

    @property
    def currency(self) -> str:
        return self.accounts[0].currency if self.accounts else "USD"

    @property
    def value(self) -> Decimal | None:
        """The sum, where all accounts have a value in one currency."""
        open_ones = [account for account in self.accounts if not account.is_closed]
        values = [account.value for account in open_ones if account.currency == self.currency]
        known = [value for value in values if value is not None]
        return sum(known, Decimal(0)) if known and len(known) == len(open_ones) else None


@login_required
def connections(request: HttpRequest) -> HttpResponse:
    scope = scope_of(request)
    items = Item.objects.for_user(request.user)
    if not scope.is_everything:
        items = items.filter(linked_accounts__account__in=scope.account_ids).distinct()
    panel = read_panel("connections", lambda: connection_cards(items), user_id=request.user.pk, scope=scope)
    cards = panel.content or []
    kept = kept_by_hand(request.user).filter(pk__in=scope.account_ids)
    context = {
        "panel": panel,
        "cards": cards,
        "kept": [_kept(account) for account in kept],
        "link": link_addresses(),
        "is_syncing": any(card.is_syncing for card in cards),
    }
    return render(request, "plaid_link/connections.html", context)


def connection_cards(items: ItemQuerySet) -> list[Card]:
    """One card per item, those that need the user first; four queries, and one more where there is a question."""
    its_runs = SyncRun.objects.filter(item=OuterRef("pk"))
    running = its_runs.filter(state=SyncRun.State.RUNNING)
    last_good = its_runs.filter(state=SyncRun.State.SUCCEEDED).order_by("-started_at", "-pk")
    shown = (
        items.with_questions()
        .select_related("institution")
        .annotate(is_syncing=Exists(running), findings=Subquery(last_good.values("findings")[:1]))
    )
    chosen = list(shown)
    accounts = _accounts(chosen)
    held = _held([account.pk for rows in accounts.values() for account in rows])
    asked = placing.questions([item.pk for item in chosen])
    cards = [_card(item, accounts.get(item.pk, []), held, asked.get(item.pk, [])) for item in chosen]
    return sorted(cards, key=_place)


def _place(card: Card) -> tuple[bool, bool, str, int]:
    return not (card.needs_repair or card.questions), not card.is_connected, card.institution.name, card.pk


def _accounts(items: Iterable[Item]) -> dict[int, list[Account]]:
    # Counted apart: two joins in one query would multiply each other.
    ledger = Transaction.objects.current().filter(account=OuterRef("pk")).order_by().values("account")
    rows = (
        Account.objects.filter(linked_account__item__in=[item.pk for item in items])
        .select_related("linked_account")
        .annotate(
            holding_count=Count("holdings", filter=Q(holdings__removed_at__isnull=True)),
            transaction_count=Subquery(ledger.annotate(count=Count("pk")).values("count")),
        )
        .order_by("name", "pk")
    )
    by_item: dict[int, list[Account]] = {}
    for account in rows:
        by_item.setdefault(account.linked_account.item_id, []).append(account)
    return by_item


def _held(account_ids: list[int]) -> dict[int, list[Holding]]:
    by_account: dict[int, list[Holding]] = {}
    for holding in Holding.objects.filter(account__in=account_ids).held().select_related("security", "account"):
        by_account.setdefault(holding.account_id, []).append(holding)
    return by_account


def _state(item: Item, *, ends_soon: bool, is_asked: bool) -> tuple[str, str]:
    if ends_soon:
        return ENDS_SOON
    return ASKED if is_asked and item.status == Status.OK else STATES[Status(item.status)]


def _card(item: Item, accounts: list[Account], held: dict[int, list[Holding]], asked: list[Question]) -> Card:
    now = timezone.now()
    ends_soon = item.consent_ends_soon(now)
    state, tone = _state(item, ends_soon=ends_soon, is_asked=bool(asked))
    is_connected = item.status != Status.DISCONNECTED
    return Card(
        pk=item.pk,
        item_id=item.item_id,
        institution=item.institution,
        state=state,
        tone=tone,
        message=advice(item, now),
        accounts=tuple(_fed(account, held.get(account.pk, [])) for account in accounts),
        last_synced_at=item.last_synced_at,
        next_try_at=item.next_try_at if is_connected else None,
        consent_expires_at=item.consent_expires_at if is_connected else None,
        holding_count=sum(account.holding_count for account in accounts),
        transaction_count=sum(account.transaction_count or 0 for account in accounts),
        needs_repair=ends_soon or item.status == Status.NEEDS_REPAIR,
        can_sync=Status(item.status) in SYNCABLE,
        can_add_accounts=item.status == Status.OK,
        refresh_allowed_at=item.refresh_allowed_at(now),
        is_connected=is_connected,
        is_syncing=is_connected and (item.is_syncing or item.status == Status.LINKING),
        notes=notes(item.findings or []),
        questions=tuple(_asked_of(question) for question in asked) if is_connected else (),
    )


def _asked_of(question: Question) -> AskedOf:
    choices = (Choice(one.pk, one.name, one.mask, account_kind(one)) for one in question.candidates)
    return AskedOf(question.unplaced.pk, question.unplaced.name, question.unplaced.mask, tuple(choices))


def _kept(account: Account) -> FedAccount:
    return FedAccount(
        pk=account.pk,
        name=account.name,
        mask=account.mask,
        kind=f"{account_kind(account)}, {'imported' if account.source == 'csv' else 'by hand'}",
        value=account.value,  # type: ignore[attr-defined]
        currency=account.currency,
        is_closed=False,
    )


def _fed(account: Account, held: list[Holding]) -> FedAccount:
    values = [holding.value for holding in held]
    known = [value for value in values if value is not None]
    value = sum(known, stored(account.uninvested_cash)) if len(known) == len(values) else None
    return FedAccount(
        pk=account.pk,
        name=account.name,
        mask=account.mask,
        kind=account_kind(account),
        value=value if account.closed_at is None else None,
        currency=account.currency,
        is_closed=account.closed_at is not None,
    )

"""How holdings get in: Plaid items, the accounts each one feeds, the record of every sync, and Plaid's webhooks."""

from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import models
from django.utils import timezone

from investments.models import Account, Institution
from plaid_link.imports.models import ImportBatch, ImportChunk, ImportMapping
from portfolio_site.lib.sealed import SealedTextField

__all__ = [
    "ImportBatch",
    "ImportChunk",
    "ImportMapping",
    "Item",
    "LinkedAccount",
    "SyncRun",
    "UnplacedAccount",
    "WebhookEvent",
]

UNSEEN_FOR = timedelta(hours=24)
# Announced ends of access: until they come, the item answers as ever.
ENDING = ("PENDING_EXPIRATION", "PENDING_DISCONNECT")
# Plaid counts calls, and an institution has nothing new to say sooner.
COOL_DOWN = timedelta(minutes=1)
# Long enough to be read in time by someone who looks once a week.
CONSENT_WARNING = timedelta(days=14)


class ItemQuerySet(models.QuerySet["Item"]):
    def for_user(self, user: settings.AUTH_USER_MODEL) -> "ItemQuerySet":  # type: ignore[name-defined]
        return self.filter(owner=user)

    def connected(self) -> "ItemQuerySet":
        return self.exclude(status=Item.Status.DISCONNECTED)

    def due(self, now: datetime) -> "ItemQuerySet":
        """To be synced now: asked for (a retry, a link whose task was lost), or answering and not seen for a day."""
        answers = models.Q(status=Item.Status.OK) | models.Q(error_code__in=ENDING)
        unseen = answers & models.Q(last_synced_at__lte=now - UNSEEN_FOR)
        return self.connected().filter(models.Q(next_try_at__lte=now) | unseen)

    def with_questions(self) -> "ItemQuerySet":
        """Adds `has_questions`: whether it lists accounts of which its user has to say which they are."""
        waiting = UnplacedAccount.objects.waiting().filter(item=models.OuterRef("pk"))
        return self.annotate(has_questions=models.Exists(waiting))

    def leaving(self) -> "ItemQuerySet":
        """Disconnected, and something is left to do: Plaid to be told, or what came from them to be erased."""
        left = ~models.Q(access_token_encrypted=b"") | models.Q(erase_requested_at__isnull=False)
        return self.filter(left, status=Item.Status.DISCONNECTED)


class Item(models.Model):
    """One login at one institution, as Plaid sees it. The access token is encrypted with the item id as its context."""

    class Status(models.TextChoices):
        LINKING = "linking", "First sync under way"
        OK = "ok", "Up to date"
        NEEDS_REPAIR = "needs_repair", "Sign in again to go on"
        INSTITUTION_TROUBLE = "institution_trouble", "The institution has trouble; retried by itself"
        ERROR = "error", "Sync failed"
        DISCONNECTED = "disconnected", "Disconnected"

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="items")
    institution = models.ForeignKey(Institution, on_delete=models.PROTECT, related_name="items")
    item_id = models.CharField(max_length=100, unique=True, help_text="Plaid's id; case matters.")
    access_token_encrypted = models.BinaryField(editable=False)
    products = models.JSONField(default=list, blank=True)
    status = models.CharField(max_length=20, choices=Status, default=Status.LINKING)
    error_code = models.CharField(max_length=60, blank=True)
    error_message = models.CharField(max_length=300, blank=True, help_text="For the user: says what to do.")
    consent_expires_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    last_synced_at = models.DateTimeField(null=True, blank=True, help_text="The last good sync.")
    next_try_at = models.DateTimeField(null=True, blank=True)
    erase_requested_at = models.DateTimeField(
        null=True, blank=True, help_text="The user wants what came from it deleted; a worker does, and then it is gone."
    )

    objects = ItemQuerySet.as_manager()

    class Meta:
        ordering = ["institution__name", "id"]
        constraints = [models.UniqueConstraint(fields=["id", "owner"], name="item_of_owner")]

    def __str__(self) -> str:
        return f"{self.institution} {self.item_id[:8]}"

    def refresh_allowed_at(self, now: datetime) -> datetime | None:
        """When a user may have it synced again; None for now. What does not work may be tried at any time."""
        if self.status != self.Status.OK or self.last_synced_at is None:
            return None
        allowed_at = self.last_synced_at + COOL_DOWN
        return allowed_at if allowed_at > now else None

    def consent_ends_soon(self, now: datetime) -> bool:
        """Whether the user's consent runs out within days, or has, while the connection still works."""
        ends = self.consent_expires_at
        return self.status == self.Status.OK and ends is not None and ends < now + CONSENT_WARNING


class LinkedAccount(models.Model):
    """Which item feeds which account, and under which of Plaid's account ids."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="linked_accounts", db_constraint=False)
    account = models.OneToOneField(
        Account, on_delete=models.CASCADE, related_name="linked_account", db_constraint=False
    )

    class Meta:
        ordering = ["item_id", "id"]

    def __str__(self) -> str:
        return f"{self.item_id} -> {self.account_id}"


class UnplacedAccountQuerySet(models.QuerySet["UnplacedAccount"]):
    def for_user(self, user: settings.AUTH_USER_MODEL) -> "UnplacedAccountQuerySet":  # type: ignore[name-defined]
        return self.filter(owner=user)

    def waiting(self) -> "UnplacedAccountQuerySet":
        """Those whose user has to say which account they are."""
        return self.filter(same_as=None)


class UnplacedAccount(models.Model):
    """An account that an item lists and of which nothing is written, so that it is not counted twice.

    It may be one of the `candidates`, and its user is asked; or it is `same_as` one that another connection feeds.
    """

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="unplaced_accounts", db_constraint=False)
    external_id = models.CharField(max_length=100)
    name = models.CharField(max_length=200)
    official_name = models.CharField(max_length=300, blank=True)
    mask = SealedTextField(max_length=10, blank=True)
    type = models.CharField(max_length=40)
    subtype = models.CharField(max_length=60, blank=True)
    candidates = models.JSONField(default=list, help_text="Ids of accounts that it may be.")
    same_as = models.ForeignKey(
        Account, on_delete=models.CASCADE, null=True, blank=True, related_name="+", db_constraint=False
    )
    asked_at = models.DateTimeField(default=timezone.now)

    objects = UnplacedAccountQuerySet.as_manager()

    class Meta:
        ordering = ["item_id", "id"]
        constraints = [models.UniqueConstraint(fields=["item", "external_id"], name="unplaced_account_once_per_item")]

    def __str__(self) -> str:
        return self.name


class SyncRunQuerySet(models.QuerySet["SyncRun"]):
    def covering(self, start: date, end: date) -> "SyncRunQuerySet":
        """Those that read the whole window."""
        return self.filter(start_date__lte=start, end_date__gte=end)


class SyncRun(models.Model):
    """One sync of one item: what triggered it, what it changed, how it ended."""

    class Trigger(models.TextChoices):
        LINK = "link"
        USER = "user"
        WEBHOOK = "webhook"
        SWEEP = "sweep"
        OPERATOR = "operator"
        BACKFILL = "backfill"

    class State(models.TextChoices):
        RUNNING = "running"
        SUCCEEDED = "succeeded"
        FAILED = "failed"

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="sync_runs", db_constraint=False)
    trigger = models.CharField(max_length=10, choices=Trigger)
    state = models.CharField(max_length=10, choices=State, default=State.RUNNING)
    start_date = models.DateField()
    end_date = models.DateField()
    started_at = models.DateTimeField(default=timezone.now)
    alive_at = models.DateTimeField(default=timezone.now, help_text="Renewed while it runs; a run that stops is dead.")
    rerun_wanted = models.BooleanField(default=False, help_text="Something new was announced while it ran.")
    finished_at = models.DateTimeField(null=True, blank=True)
    securities = models.PositiveIntegerField(default=0)
    holdings = models.PositiveIntegerField(default=0)
    transactions = models.PositiveIntegerField(default=0)
    findings = models.JSONField(default=list, blank=True, help_text="What was repaired, held back or quarantined.")
    error_code = models.CharField(max_length=60, blank=True)
    error = models.CharField(max_length=500, blank=True)

    objects = SyncRunQuerySet.as_manager()

    class Meta:
        ordering = ["-started_at", "-id"]
        indexes = [
            models.Index(fields=["item", "-started_at"], name="sync_run_item_newest"),
            models.Index(fields=["-started_at"], name="sync_run_newest"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["item"], condition=models.Q(state="running"), name="sync_run_one_at_a_time_per_item"
            )
        ]

    def __str__(self) -> str:
        return f"{self.item_id} {self.started_at:%Y-%m-%d %H:%M} {self.state}"


class WebhookEventQuerySet(models.QuerySet["WebhookEvent"]):
    def unfinished(self) -> "WebhookEventQuerySet":
        """Waiting, or being handled, or left behind by a worker that died."""
        return self.filter(status__in=[WebhookEvent.Status.RECEIVED, WebhookEvent.Status.PROCESSING])

    def due(self, now: datetime) -> "WebhookEventQuerySet":
        return self.unfinished().filter(next_try_at__lte=now)

    def dead_letters(self) -> "WebhookEventQuerySet":
        """What an operator has to look at: failed or parked, and not replayed since."""
        stuck = self.filter(status__in=[WebhookEvent.Status.FAILED, WebhookEvent.Status.PARKED])
        return stuck.filter(replays__isnull=True)


class WebhookEvent(models.Model):
    """One webhook as Plaid sent it, and what became of it. Belongs to operators: it has no owner.

    The web role may add events without a tenant and see none of them.
    """

    class Status(models.TextChoices):
        RECEIVED = "received", "Waiting"
        PROCESSING = "processing", "Being handled"
        DONE = "done", "Done"
        FAILED = "failed", "Failed for good"
        PARKED = "parked", "Parked: no such item here"
        IGNORED = "ignored", "Ignored"

    payload = models.JSONField()
    body_size = models.PositiveIntegerField(help_text="Bytes of the raw body.")
    body_sha256 = models.CharField(max_length=64, help_text="Of the raw body, in hex.")
    headers_digest = models.CharField(
        max_length=64, blank=True, help_text="SHA-256 of what Plaid signed: equal for two copies of one delivery."
    )
    item_external_id = models.CharField(max_length=100, blank=True)
    webhook_type = models.CharField(max_length=60, blank=True)
    webhook_code = models.CharField(max_length=60, blank=True)
    environment = models.CharField(max_length=20, blank=True)
    received_at = models.DateTimeField(default=timezone.now)
    status = models.CharField(max_length=10, choices=Status, default=Status.RECEIVED)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    duration_ms = models.PositiveIntegerField(null=True, blank=True)
    error = models.CharField(max_length=500, blank=True)
    # The database clears it when an item goes (migration 0004): the web role that erases an item sees no events.
    item = models.ForeignKey(
        Item, on_delete=models.DO_NOTHING, null=True, blank=True, related_name="webhook_events", db_constraint=False
    )
    replay_of = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, blank=True, related_name="replays")

    objects = WebhookEventQuerySet.as_manager()

    class Meta:
        ordering = ["-received_at", "-id"]
        indexes = [
            models.Index(
                fields=["next_try_at", "id"],
                condition=models.Q(status__in=["received", "processing"]),
                name="webhook_event_waiting",
            ),
            models.Index(
                fields=["status", "id"], condition=models.Q(status__in=["failed", "parked"]), name="webhook_event_stuck"
            ),
            models.Index(fields=["item_external_id", "-received_at"], name="webhook_event_item_newest"),
            models.Index(fields=["-received_at", "-id"], name="webhook_event_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.webhook_type} {self.webhook_code} {self.item_external_id[:8]} {self.status}"

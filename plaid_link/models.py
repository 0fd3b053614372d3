"""How holdings get in: Plaid items, the accounts each one feeds, and the record of every sync."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from investments.models import Account, Institution


class ItemQuerySet(models.QuerySet["Item"]):
    def for_user(self, user: settings.AUTH_USER_MODEL) -> "ItemQuerySet":  # type: ignore[name-defined]
        return self.filter(owner=user)

    def connected(self) -> "ItemQuerySet":
        return self.exclude(status=Item.Status.DISCONNECTED)


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

    objects = ItemQuerySet.as_manager()

    class Meta:
        ordering = ["institution__name", "id"]
        constraints = [models.UniqueConstraint(fields=["id", "owner"], name="item_of_owner")]

    def __str__(self) -> str:
        return f"{self.institution} {self.item_id[:8]}"


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


class SyncRun(models.Model):
    """One sync of one item: what triggered it, what it changed, how it ended."""

    class Trigger(models.TextChoices):
        LINK = "link"
        USER = "user"
        WEBHOOK = "webhook"
        SWEEP = "sweep"
        OPERATOR = "operator"

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
    finished_at = models.DateTimeField(null=True, blank=True)
    securities = models.PositiveIntegerField(default=0)
    holdings = models.PositiveIntegerField(default=0)
    transactions = models.PositiveIntegerField(default=0)
    findings = models.JSONField(default=list, blank=True, help_text="What was repaired, held back or quarantined.")
    error_code = models.CharField(max_length=60, blank=True)
    error = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["-started_at", "-id"]
        indexes = [models.Index(fields=["item", "-started_at"], name="sync_run_item_newest")]

    def __str__(self) -> str:
        return f"{self.item_id} {self.started_at:%Y-%m-%d %H:%M} {self.state}"

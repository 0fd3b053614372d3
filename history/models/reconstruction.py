from django.conf import settings
from django.db import models

from investments.models import Account, Security


class AccountHistoryQuerySet(models.QuerySet["AccountHistory"]):
    def for_user(self, user: settings.AUTH_USER_MODEL) -> "AccountHistoryQuerySet":  # type: ignore[name-defined]
        return self.filter(owner=user)


class AccountHistory(models.Model):
    """How far the history of an account has followed its ledger: behind is what is of an older version, or stale."""

    class State(models.TextChoices):
        WAITING = "waiting"
        RUNNING = "running"
        READY = "ready"
        FAILED = "failed"

    account = models.OneToOneField(
        Account, on_delete=models.CASCADE, primary_key=True, related_name="history", db_constraint=False
    )
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    processed_version = models.BigIntegerField(default=-1)
    stale_from = models.DateField(null=True, blank=True, help_text="What it is made of was corrected from this day on.")
    seen_transaction = models.BigIntegerField(
        null=True, blank=True, help_text="The newest row of the ledger that it was made of."
    )
    progress = models.FloatField(default=0.0)
    first_day = models.DateField(null=True, blank=True)
    last_day = models.DateField(null=True, blank=True)
    days_version = models.BigIntegerField(
        default=0, db_default=0, help_text="Raised whenever its days are written, but for the nightly snapshot."
    )
    quality = models.FloatField(null=True, blank=True, help_text="Of its days at the last rebuild.")
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    progressed_at = models.DateTimeField(null=True, blank=True, help_text="The last sign of life of whoever runs it.")
    queued_at = models.DateTimeField(null=True, blank=True, help_text="When the sweep last asked for it.")
    attempts = models.PositiveSmallIntegerField(default=0, help_text="Tries at the version below that did not finish.")
    tried_version = models.BigIntegerField(default=-1)
    error = models.CharField(max_length=500, blank=True)

    objects = AccountHistoryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "account histories"
        ordering = ["account_id"]
        constraints = [
            models.CheckConstraint(condition=models.Q(progress__gte=0, progress__lte=1), name="history_progress_range")
        ]

    def __str__(self) -> str:
        return f"{self.account_id} {self.state}"


class Anomaly(models.Model):
    """Something in an account's past that does not add up: shown, never clipped away in silence."""

    class Kind(models.TextChoices):
        NEGATIVE_UNITS = "negative_units", "Units below zero without a short sale"
        NEGATIVE_CASH = "negative_cash", "Cash below zero"
        NEVER_PRICED = "never_priced", "No price was ever known"
        BASIS = "basis", "Cost basis and purchases disagree"
        SEAM = "seam", "Snapshot and reconstruction disagree"
        UNMAPPED = "unmapped", "Priced by the brokerage only"
        UNCONVERTED = "unconverted", "No exchange rate is known"

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="anomalies", db_constraint=False)
    security = models.ForeignKey(Security, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    kind = models.CharField(max_length=20, choices=Kind)
    day = models.DateField()
    size = models.DecimalField(max_digits=24, decimal_places=6, help_text="Units, or money for cash and seams.")

    class Meta:
        verbose_name_plural = "anomalies"
        ordering = ["account_id", "-day", "id"]
        indexes = [models.Index(fields=["account", "-day"], name="anomaly_account_newest")]

    def __str__(self) -> str:
        return f"{self.account_id} {self.kind} {self.day}"

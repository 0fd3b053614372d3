from datetime import datetime

from django.db import models


class SnapshotRun(models.Model):
    """The closing of one calendar day for all accounts: one row a day, however often it is run.

    Belongs to no user: it counts accounts and names none.
    """

    class State(models.TextChoices):
        WAITING = "waiting"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"

    class Trigger(models.TextChoices):
        NIGHTLY = "nightly"
        LATE_PRICES = "late_prices"
        OPERATOR = "operator"

    day = models.DateField(unique=True)
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    trigger = models.CharField(max_length=12, choices=Trigger, default=Trigger.NIGHTLY)
    runs = models.PositiveIntegerField(default=1, help_text="How often the day was run.")
    due_at = models.DateTimeField(help_text="4:00 in New York on the day after.")
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    prices_stored = models.PositiveIntegerField(default=0, help_text="Prices that the run fetched.")
    missing_prices = models.PositiveIntegerField(default=0, help_text="Symbols held that have no close of the session.")
    missing_symbols = models.JSONField(default=list, blank=True, help_text="Their ids.")
    rows = models.PositiveIntegerField(default=0, help_text="Accounts closed.")
    changed = models.PositiveIntegerField(default=0, help_text="Rows that were new or differed.")
    revision = models.PositiveBigIntegerField(
        default=0, db_default=0, help_text="Raised by every shard that has written rows, with them."
    )
    left = models.PositiveIntegerField(default=0, help_text="Accounts that have moved on, left to reconstruction.")
    unconverted = models.PositiveIntegerField(default=0, help_text="Accounts that lack an exchange rate.")
    error = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["-day"]

    def __str__(self) -> str:
        return f"{self.day} {self.state}"

    @property
    def duration_seconds(self) -> float | None:
        """From start to end, None while it runs."""
        return (self.finished_at - self.started_at).total_seconds() if self.finished_at else None

    def lag_seconds(self, now: datetime) -> float:
        """How long after it was due it was done, or how late it is by now; a day that is not due yet has none."""
        return max(((self.finished_at or now) - self.due_at).total_seconds(), 0.0)


class SnapshotShard(models.Model):
    """A range of accounts of a run: what one task closes in one transaction."""

    run = models.ForeignKey(SnapshotRun, on_delete=models.CASCADE, related_name="shards")
    number = models.PositiveIntegerField()
    first_account = models.BigIntegerField()
    last_account = models.BigIntegerField()
    state = models.CharField(max_length=10, choices=SnapshotRun.State, default=SnapshotRun.State.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    claimed_until = models.DateTimeField(null=True, blank=True)
    rows = models.PositiveIntegerField(default=0)
    changed = models.PositiveIntegerField(default=0)
    left = models.PositiveIntegerField(default=0)
    unconverted = models.PositiveIntegerField(default=0)
    seconds = models.FloatField(null=True, blank=True)
    error = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["run_id", "number"]
        constraints = [models.UniqueConstraint(fields=["run", "number"], name="snapshot_shard_once")]

    def __str__(self) -> str:
        return f"{self.run_id} {self.number} {self.state}"

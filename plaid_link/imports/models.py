"""An import from its file to what came of it, its lines page by page, and what its owner taught us about such files."""

import zlib
from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.utils import timezone

from investments.models import Account
from portfolio_site.lib.sealed import SealedBinaryField, SealedJSONField, SealedTextField

# A file that nobody confirms is not kept for ever, nor are the lines of one that is stored.
KEPT_FOR = timedelta(days=30)
LINES_PER_CHUNK = 250


class ImportBatchQuerySet(models.QuerySet["ImportBatch"]):
    def for_user(self, user: settings.AUTH_USER_MODEL) -> "ImportBatchQuerySet":  # type: ignore[name-defined]
        return self.filter(owner=user)

    def open(self) -> "ImportBatchQuerySet":
        """Neither stored nor taken back: they still have their file."""
        return self.exclude(state__in=[ImportBatch.State.STORED, ImportBatch.State.UNDONE, ImportBatch.State.UNDOING])

    def light(self) -> "ImportBatchQuerySet":
        """Without the file itself, which only reading it needs."""
        return self.defer("file")

    def forgotten(self, now: datetime) -> "ImportBatchQuerySet":
        return self.open().filter(created_at__lt=now - KEPT_FOR)


class ImportBatch(models.Model):
    """One file: how it is read, what its rows become, and once it is stored, which transactions are its own."""

    class State(models.TextChoices):
        READING = "reading", "Being read"
        UNREADABLE = "unreadable", "Cannot be read"
        ASKING = "asking", "Waits for your answers"
        REFUSED = "refused", "Has rows that cannot be stored"
        READY = "ready", "Ready to be stored"
        STORING = "storing", "Being stored"
        STORED = "stored", "Stored"
        UNDOING = "undoing", "Being taken back"
        UNDONE = "undone", "Taken back"

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="import_batches")
    account = models.ForeignKey(
        Account, on_delete=models.CASCADE, null=True, blank=True, related_name="import_batches", db_constraint=False
    )
    new_account = models.JSONField(default=dict, blank=True, help_text="Name, subtype and currency of one to be made.")
    state = models.CharField(max_length=12, choices=State, default=State.READING)
    job_id = models.UUIDField(null=True, blank=True, help_text="The last work on it.")
    file_name = SealedTextField(max_length=200)
    file = SealedBinaryField(default=b"", help_text="Compressed; emptied once it is stored.", editable=False)
    size = models.PositiveIntegerField(help_text="Bytes of the file.")
    sha256 = models.CharField(max_length=64)
    options = SealedJSONField(default=dict, blank=True, help_text="What its owner said about it.")
    layout = models.CharField(max_length=20, blank=True)
    encoding = models.CharField(max_length=20, blank=True)
    header = models.JSONField(default=list, blank=True, help_text="Names of the columns, of a layout we do not know.")
    sample = SealedJSONField(default=list, blank=True, help_text="Its first rows.")
    columns = models.JSONField(default=dict, blank=True, help_text="Field: column, as far as known or guessed.")
    questions = SealedJSONField(default=list, blank=True)
    symbols = models.JSONField(default=list, blank=True, help_text="What it names, and which securities these are.")
    warnings = models.JSONField(default=list, blank=True)
    refusals = models.JSONField(default=list, blank=True, help_text="The first of them.")
    message = models.CharField(max_length=500, blank=True, help_text="For the user: why it cannot go on.")
    new_rows = models.PositiveIntegerField(default=0)
    known_rows = models.PositiveIntegerField(default=0, help_text="Recorded before, so not again.")
    refused_rows = models.PositiveIntegerField(default=0)
    left_out_rows = models.PositiveIntegerField(default=0)
    first_day = models.DateField(null=True, blank=True)
    last_day = models.DateField(null=True, blank=True)
    newest_first = models.BooleanField(default=False)
    stored_rows = models.PositiveIntegerField(default=0)
    # The account is locked while they are written, so that the account's rows between these ids are its own.
    first_transaction = models.BigIntegerField(null=True, blank=True)
    last_transaction = models.BigIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    stored_at = models.DateTimeField(null=True, blank=True)
    undone_at = models.DateTimeField(null=True, blank=True)

    objects = ImportBatchQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [models.Index(fields=["owner", "-created_at"], name="import_batch_owner_newest")]
        constraints = [models.UniqueConstraint(fields=["id", "owner"], name="import_batch_of_owner")]

    def __str__(self) -> str:
        return f"{self.file_name} {self.state}"

    @property
    def content(self) -> bytes:
        """The file as it was sent."""
        return zlib.decompress(bytes(self.file))

    @property
    def is_busy(self) -> bool:
        return self.state in {self.State.READING, self.State.STORING, self.State.UNDOING}

    @property
    def rows(self) -> int:
        """All rows that were looked at."""
        return self.new_rows + self.known_rows + self.refused_rows + self.left_out_rows


class ImportChunk(models.Model):
    """Some hundred lines of an import, so that neither a page nor a worker needs all of them at once."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    batch = models.ForeignKey(ImportBatch, on_delete=models.CASCADE, related_name="chunks", db_constraint=False)
    number = models.PositiveIntegerField()
    lines = models.JSONField()

    class Meta:
        ordering = ["batch_id", "number"]
        constraints = [models.UniqueConstraint(fields=["batch", "number"], name="import_chunk_once")]

    def __str__(self) -> str:
        return f"{self.batch_id} {self.number}"


class ImportMapping(models.Model):
    """What an owner said about files of one kind: which column is which, how dates are written, what words mean."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    signature = models.CharField(max_length=64, help_text="Digest of the layout and the names of its columns.")
    options = models.JSONField()
    used_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-used_at", "-id"]
        constraints = [models.UniqueConstraint(fields=["owner", "signature"], name="import_mapping_once")]

    def __str__(self) -> str:
        return self.signature[:8]

"""What every app stands on: the person, what they agreed to, and the work done for them."""

import uuid
from typing import Any

from django.conf import settings
from django.contrib.auth.base_user import BaseUserManager
from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models.functions import Coalesce
from django.utils import timezone

from portfolio_site.lib.sealed import SealedBinaryField, SealedEmailField, SealedTextField, UniqueAddress


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """A user who signs in with `email`, stored in lower case, so that no address exists twice."""
        if not email:
            raise ValueError("An e-mail address is needed")
        agreed = {"terms_version": settings.TERMS_VERSION}  # whom an operator makes, an operator has asked
        user = self.model(email=email.strip().lower(), **{**agreed, **fields})
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, **{"is_staff": True, "is_superuser": True, **fields})

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=username)


class User(AbstractUser):
    """A person; the e-mail address is the name they sign in with. Who they are is sealed, and found by address only."""

    username = None  # type: ignore[assignment]
    email = SealedEmailField("e-mail address", max_length=254)
    first_name = SealedTextField("first name", max_length=150, blank=True)
    last_name = SealedTextField("last name", max_length=150, blank=True)
    base_currency = models.CharField(max_length=3, default="USD")
    time_zone = models.CharField(max_length=64, default="America/New_York")
    benchmark = models.CharField(max_length=40, default="SPY", help_text="What performance is compared with.")
    onboarded_at = models.DateTimeField(null=True, blank=True)
    page_filters = models.JSONField(default=dict, blank=True, help_text="By page, what it was last looked at with.")
    deletion_requested_at = models.DateTimeField(null=True, blank=True, help_text="Deleted for good 30 days later.")
    terms_version = models.CharField(
        max_length=20, blank=True, default="", db_default="", help_text="Agreed to last; `consents` says when."
    )

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: list[str] = []
    objects = UserManager()  # type: ignore[misc,assignment]

    class Meta:
        constraints = [UniqueAddress(fields=["email"], name="user_email_once")]

    def __str__(self) -> str:
        """Names nobody: it goes into the admin's log."""
        return f"User {self.pk}"

    def clean(self) -> None:
        self.email = self.email.strip().lower()

    @property
    def has_agreed(self) -> bool:
        """To the terms as they are now."""
        return self.terms_version == settings.TERMS_VERSION

    def agree(self) -> "Consent":
        """Note that the user agrees to the terms as they are now. Once a version, however often it is said."""
        self.terms_version = settings.TERMS_VERSION
        self.save(update_fields=["terms_version"])
        return Consent.objects.get_or_create(owner=self, document=Consent.TERMS, version=self.terms_version)[0]


class Consent(models.Model):
    """A version of the terms that a user agreed to, and when."""

    TERMS = "terms"

    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="consents")
    document = models.CharField(max_length=40)
    version = models.CharField(max_length=20)
    given_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-given_at", "-id"]
        constraints = [models.UniqueConstraint(fields=["owner", "document", "version"], name="consent_once")]

    def __str__(self) -> str:
        return f"{self.document} {self.version}"


class JobQuerySet(models.QuerySet["Job"]):
    def for_user(self, user: User) -> "JobQuerySet":
        return self.filter(owner=user)

    def unfinished(self) -> "JobQuerySet":
        return self.filter(state__in=[Job.State.QUEUED, Job.State.RUNNING])


class Job(models.Model):
    """Work done for a user in the background: a row, so that it outlives any worker and can be watched."""

    class State(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        SUCCEEDED = "succeeded"
        FAILED = "failed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="jobs")
    kind = models.CharField(max_length=40, help_text="What is done: link, sync, reconstruction.")
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    progress = models.FloatField(default=0.0, help_text="0 to 1")
    message = models.CharField(max_length=200, blank=True)
    result = models.JSONField(null=True, blank=True)
    error = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = JobQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "id"]
        indexes = [models.Index(fields=["owner", "-created_at"], name="job_owner_newest")]
        constraints = [
            models.UniqueConstraint(fields=["id", "owner"], name="job_of_owner"),
            models.CheckConstraint(condition=models.Q(progress__gte=0, progress__lte=1), name="job_progress_range"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.state}"

    def advance(self, progress: float, message: str = "") -> None:
        """Record how far the work is; a finished job is left as it is."""
        now = timezone.now()
        Job.objects.filter(pk=self.pk).unfinished().update(
            state=Job.State.RUNNING,
            progress=progress,
            message=message,
            started_at=Coalesce("started_at", models.Value(now)),
        )

    def succeed(self, result: dict[str, Any] | None = None) -> None:
        Job.objects.filter(pk=self.pk).unfinished().update(
            state=Job.State.SUCCEEDED, progress=1.0, message="", result=result, finished_at=timezone.now()
        )

    def fail(self, error: str) -> None:
        """Close the job with a sentence the user can read."""
        Job.objects.filter(pk=self.pk).unfinished().update(
            state=Job.State.FAILED, error=error[:500], finished_at=timezone.now()
        )


class IdempotentRequest(models.Model):
    """A POST with an `Idempotency-Key`, and what it was answered. Written by `portfolio_site.lib.idempotency`."""

    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 of path and body.")
    status = models.SmallIntegerField(null=True, help_text="Null while it is worked on.")
    headers = models.JSONField(default=dict)
    body = SealedBinaryField(default=b"")
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["owner", "key"], name="idempotency_key_once")]

    def __str__(self) -> str:
        return f"{self.key} {self.status or 'under way'}"


class UserExport(models.Model):
    """Everything a user owns, as one zip, made by a job and kept for a day."""

    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    job = models.OneToOneField(Job, on_delete=models.CASCADE, related_name="export", db_constraint=False)
    content = SealedBinaryField(help_text="A zip; empty until it is made.")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return f"Export of {self.created_at:%Y-%m-%d %H:%M}"


class DeletionProof(models.Model):
    """That everything of a user is gone, and when. It outlives them, and names nobody."""

    user_id = models.BigIntegerField(unique=True)
    email_digest = models.CharField(
        max_length=64, help_text="HMAC-SHA-256 of the e-mail address under SECRET_KEY: names nobody, and proves whom."
    )
    requested_at = models.DateTimeField()
    deleted_at = models.DateTimeField(default=timezone.now)
    rows = models.JSONField(help_text="How many rows of each table there were.")

    class Meta:
        ordering = ["-deleted_at", "-id"]

    def __str__(self) -> str:
        return f"User {self.user_id}, {self.deleted_at:%Y-%m-%d}"


class AuditEntry(models.Model):
    """One change of one row, as the database noted it (`portfolio_site.lib.audit`)."""

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField()
    actor_id = models.BigIntegerField(null=True, help_text="Who; empty for the machinery.")
    subject_id = models.BigIntegerField(null=True, help_text="Whose row it is.")
    role = models.CharField(max_length=63)
    operation = models.CharField(max_length=6)
    table_name = models.CharField(max_length=63)
    row_id = models.CharField(max_length=64)
    old = models.JSONField(null=True)
    new = models.JSONField(null=True)
    request_id = models.CharField(max_length=64)

    class Meta:
        managed = False
        db_table = "portfolio_site_auditentry"
        ordering = ["-id"]
        verbose_name = "audit entry"
        verbose_name_plural = "audit trail"

    def __str__(self) -> str:
        return f"{self.operation} {self.table_name} {self.row_id}"

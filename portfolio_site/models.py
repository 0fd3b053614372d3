"""What every app stands on: the person, what they agreed to, and the work done for them."""

import uuid
from typing import Any

from django.contrib.auth.base_user import BaseUserManager
from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models.functions import Coalesce, Lower
from django.utils import timezone


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """A user who signs in with `email`, stored in lower case so that no address exists twice."""
        if not email:
            raise ValueError("An e-mail address is needed")
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, **{"is_staff": True, "is_superuser": True, **fields})

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email__iexact=username)


class User(AbstractUser):
    """A person; the e-mail address is the name they sign in with."""

    username = None  # type: ignore[assignment]
    email = models.EmailField("e-mail address", max_length=254, unique=True)
    base_currency = models.CharField(max_length=3, default="USD")
    time_zone = models.CharField(max_length=64, default="America/New_York")
    onboarded_at = models.DateTimeField(null=True, blank=True)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: list[str] = []
    objects = UserManager()  # type: ignore[misc,assignment]

    class Meta:
        # Stored in lower case, so that the unique index holds one account per address.
        constraints = [models.CheckConstraint(condition=models.Q(email=Lower("email")), name="user_email_lower_case")]

    def __str__(self) -> str:
        return self.email

    def clean(self) -> None:
        self.email = self.email.strip().lower()


class Consent(models.Model):
    """A version of the terms that a user agreed to, and when."""

    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="consents")
    document = models.CharField(max_length=40)
    version = models.CharField(max_length=20)
    given_at = models.DateTimeField(default=timezone.now)

    class Meta:
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
            models.CheckConstraint(condition=models.Q(progress__gte=0, progress__lte=1), name="job_progress_range")
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

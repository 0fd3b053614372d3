from django.db import models
from django.utils import timezone

from investments.models import Security


class MappingReview(models.Model):
    """A security that no step could map for sure: what was found, for an operator to settle. Global."""

    class State(models.TextChoices):
        OPEN = "open", "Waits for an operator"
        SETTLED = "settled", "Mapped"
        IGNORED = "ignored", "Priced by the brokerage for good"

    security = models.OneToOneField(Security, on_delete=models.CASCADE, related_name="mapping_review")
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    candidates = models.JSONField(
        default=list, blank=True, help_text="Symbol, exchange, currency, name and confidence 0..1, the best first."
    )
    searched_at = models.DateTimeField(default=timezone.now)
    tries = models.PositiveSmallIntegerField(default=1)

    class Meta:
        ordering = ["state", "-searched_at", "id"]

    def __str__(self) -> str:
        return str(self.security)

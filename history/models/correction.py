from django.db import models
from django.utils import timezone

from investments.models import Security
from investments.models.fields import QuantityField

from .symbol import MarketSymbol


class Correction(models.Model):
    """What an operator put right, with what was there before and why. Rows are added and never changed."""

    made_at = models.DateTimeField(default=timezone.now)
    operator = models.CharField(max_length=254, help_text="The address of who did it.")
    reason = models.TextField()
    kind = models.CharField(max_length=20)
    symbol = models.ForeignKey(MarketSymbol, on_delete=models.PROTECT, null=True, related_name="corrections")
    security = models.ForeignKey(
        Security, on_delete=models.PROTECT, null=True, related_name="+", help_text="Of what has no symbol: an option."
    )
    day = models.DateField()
    before = models.CharField(max_length=200, blank=True)
    after = models.CharField(max_length=200, blank=True)
    accounts = models.PositiveIntegerField(help_text="Accounts concerned by all that was entered with it.")

    class Meta:
        ordering = ["-made_at", "-id"]
        constraints = [
            models.CheckConstraint(condition=~models.Q(reason=""), name="correction_has_a_reason"),
            models.CheckConstraint(
                condition=models.Q(symbol__isnull=False) ^ models.Q(security__isnull=False),
                name="correction_is_of_one_thing",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.concerned} {self.day}"

    @property
    def concerned(self) -> MarketSymbol | Security | None:
        """What was put right."""
        return self.symbol or self.security


class PriceDoubt(models.Model):
    """A day from which our prices and a provider's own adjusted closes tell different returns."""

    class Cause(models.TextChoices):
        MISSING_SPLIT = "missing_split", "A split that we do not know"
        MISSING_DIVIDEND = "missing_dividend", "A dividend that we do not know"
        WRONG_ACTION = "wrong_action", "An action of ours that the provider does not confirm"
        BAD_PRICE = "bad_price", "A wrong close"

    symbol = models.ForeignKey(MarketSymbol, on_delete=models.CASCADE, related_name="doubts")
    day = models.DateField()
    cause = models.CharField(max_length=20, choices=Cause)
    provider = models.CharField(max_length=20)
    close = QuantityField(help_text="Our close of that day, as traded.")
    factor = models.FloatField(help_text="By what the two differ before that day; of a wrong close: on that day.")
    found_at = models.DateTimeField(default=timezone.now)
    settled_at = models.DateTimeField(null=True, blank=True, help_text="When a later comparison found it gone.")

    class Meta:
        ordering = ["-found_at", "symbol_id", "-day"]
        constraints = [models.UniqueConstraint(fields=["symbol", "day", "cause"], name="price_doubt_once")]

    def __str__(self) -> str:
        return f"{self.symbol} {self.day}: {self.get_cause_display()}"

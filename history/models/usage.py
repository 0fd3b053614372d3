from decimal import Decimal

from django.db import models


class ProviderUsage(models.Model):
    """What was asked of a provider on a day, and what that costs. Global."""

    provider = models.CharField(max_length=20)
    day = models.DateField()
    calls = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    rejected = models.PositiveIntegerField(
        default=0, db_default=0, help_text="Prices and quotes that could not be true and were not kept."
    )
    cost = models.DecimalField(max_digits=14, decimal_places=6, default=Decimal(0), help_text="US dollars.")

    class Meta:
        verbose_name_plural = "provider usage"
        ordering = ["-day", "provider"]
        constraints = [models.UniqueConstraint(fields=["provider", "day"], name="provider_usage_once_a_day")]

    def __str__(self) -> str:
        return f"{self.provider} {self.day}: {self.calls} calls"


class StoreUsage(models.Model):
    """How many prices the store was asked for on a day, in symbol-days, and how many of them it had to fetch."""

    day = models.DateField(primary_key=True)
    wanted = models.BigIntegerField(default=0)
    fetched = models.BigIntegerField(default=0)

    class Meta:
        verbose_name_plural = "price store usage"
        ordering = ["-day"]

    def __str__(self) -> str:
        return f"{self.day}: {self.fetched} of {self.wanted} fetched"

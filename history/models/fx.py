from django.db import models

from investments.models.fields import QuantityField


class FxRate(models.Model):
    """How much of `quote` one unit of `base` bought at the end of a day."""

    base = models.CharField(max_length=3)
    quote = models.CharField(max_length=3)
    day = models.DateField()
    rate = QuantityField()
    source = models.CharField(max_length=20)

    class Meta:
        ordering = ["base", "quote", "-day"]
        constraints = [
            models.UniqueConstraint(fields=["base", "quote", "day"], name="fx_rate_once"),
            models.CheckConstraint(condition=models.Q(rate__gt=0, rate__lt=10**18), name="fx_rate_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.base}/{self.quote} {self.day} {self.rate}"


class CurrencyRange(models.Model):
    """Which days of a currency's rate to the US dollar are settled, so that no day is asked for twice.

    Settled are the days from `asked_from` to `asked_to`, the last that was answered: the day before `asked_from` where
    none was. What comes after is asked for again, some time after `asked_at`.
    """

    currency = models.CharField(max_length=3, primary_key=True)
    asked_from = models.DateField()
    asked_to = models.DateField()
    asked_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["currency"]

    def __str__(self) -> str:
        return f"{self.currency} {self.asked_from} to {self.asked_to}"

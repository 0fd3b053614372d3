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

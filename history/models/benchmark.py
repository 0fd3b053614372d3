from django.db import models
from django.db.models import Q


class BenchmarkSector(models.Model):
    """What share a sector has of a benchmark since a day, and the symbol whose total return stands for it. Global.

    All sectors of one benchmark and day are one set; they add up to 1. An operator enters them, as the index's
    provider publishes them: no provider of prices tells them.
    """

    benchmark = models.CharField(max_length=40, help_text="The symbol, such as SPY.")
    since = models.DateField(help_text="In force from that day on, until the next set; the first set before it too.")
    sector = models.CharField(max_length=120, help_text="As the securities name it.")
    weight = models.DecimalField(max_digits=9, decimal_places=8, help_text="A fraction: 0.31 for 31 %.")
    proxy = models.CharField(max_length=40, help_text="The symbol of a fund of the sector, such as XLK.")

    class Meta:
        ordering = ["benchmark", "-since", "-weight", "id"]
        constraints = [
            models.UniqueConstraint(fields=["benchmark", "since", "sector"], name="benchmark_sector_once"),
            models.CheckConstraint(condition=Q(weight__gt=0, weight__lte=1), name="benchmark_sector_weight"),
        ]

    def __str__(self) -> str:
        return f"{self.benchmark} {self.sector} {self.weight:.1%}"

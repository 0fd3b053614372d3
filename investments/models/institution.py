from django.db import models


class Institution(models.Model):
    """A brokerage, bank or exchange. Global: it belongs to nobody."""

    external_id = models.CharField(max_length=64, unique=True, help_text="Plaid's institution_id, or our own.")
    name = models.CharField(max_length=200)
    url = models.URLField(blank=True)
    primary_color = models.CharField(max_length=7, blank=True)

    class Meta:
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return self.name

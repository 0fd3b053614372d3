"""What an owner says about taxes that no ledger can know."""

from django.conf import settings
from django.db import models

from .lots import OwnedQuerySet
from .security import Security


class IdenticalGroup(models.Model):
    """Securities that the owner holds to be substantially identical (26 USC 1091): one in the eyes of wash sales."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=60)

    objects = OwnedQuerySet.as_manager()

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(fields=["owner", "name"], name="identical_group_once"),
            models.UniqueConstraint(fields=["id", "owner"], name="identical_group_of_owner"),
        ]

    def __str__(self) -> str:
        return self.name


class IdenticalSecurity(models.Model):
    """A security in a group; in one at most, or two groups would be one."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )
    group = models.ForeignKey(IdenticalGroup, on_delete=models.CASCADE, related_name="members", db_constraint=False)
    security = models.ForeignKey(Security, on_delete=models.PROTECT, related_name="+")

    objects = OwnedQuerySet.as_manager()

    class Meta:
        ordering = ["group_id", "security__ticker_symbol", "id"]
        verbose_name_plural = "identical securities"
        constraints = [models.UniqueConstraint(fields=["owner", "security"], name="identical_security_once")]

    def __str__(self) -> str:
        return str(self.security)


class TaxRules(models.Model):
    """What the law leaves open, as the owner's adviser sees it. No row: as the fields' defaults say."""

    owner = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="tax_rules")
    same_lot = models.BooleanField(
        default=False, help_text="What is left of a lot of which a part is sold at a loss replaces that part."
    )

    objects = OwnedQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "tax rules"

    def __str__(self) -> str:
        return f"Tax rules of {self.owner_id}"

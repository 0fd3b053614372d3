from django.db import models
from django.utils import timezone

from .fields import QuantityField
from .security import Security


class CorporateAction(models.Model):
    """Something a company does to every holder of a security, in force from the start of its ex-date. Global."""

    class Kind(models.TextChoices):
        SPLIT = "split"
        CASH_DIVIDEND = "cash_dividend"
        SPECIAL_DIVIDEND = "special_dividend"
        STOCK_DIVIDEND = "stock_dividend"
        SPIN_OFF = "spin_off"
        MERGER = "merger"
        SYMBOL_CHANGE = "symbol_change"
        DELISTING = "delisting"

    security = models.ForeignKey(Security, on_delete=models.CASCADE, related_name="corporate_actions")
    kind = models.CharField(max_length=20, choices=Kind)
    ex_date = models.DateField()
    ratio = QuantityField(
        null=True, blank=True, help_text="Units after for each unit before: 2 for 2-for-1, 0.125 for 1-for-8."
    )
    cash_per_unit = QuantityField(
        null=True,
        blank=True,
        help_text="A dividend, the cash of a merger, the last price at a delisting (0 worthless); of a split, what a "
        "whole unit is paid at where fractions are paid out.",
    )
    unit_value = QuantityField(
        null=True, blank=True, help_text="Of a merger: the market value of what comes of the successor for each unit."
    )
    pay_date = models.DateField(null=True, blank=True)
    successor = models.ForeignKey(
        Security,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="What is received: the security spun off, or that of the acquirer.",
    )
    basis_fraction = models.DecimalField(
        max_digits=14,
        decimal_places=12,
        null=True,
        blank=True,
        help_text="Of a spin-off: the share of the cost basis that goes to the successor.",
    )
    voided_at = models.DateTimeField(null=True, blank=True, help_text="Since then it counts as never having happened.")
    source = models.CharField(max_length=20, help_text="The provider, or the operator who entered it.")
    recorded_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-ex_date", "id"]
        constraints = [
            models.UniqueConstraint(fields=["security", "kind", "ex_date"], name="corporate_action_once"),
            models.CheckConstraint(
                condition=~models.Q(kind="split") | models.Q(ratio__gt=0, ratio__lt=10**18),
                name="corporate_action_split_has_ratio",
            ),
            models.CheckConstraint(
                condition=~models.Q(kind="stock_dividend") | models.Q(ratio__gt=1, ratio__lt=10**18),
                name="corporate_action_stock_dividend_has_ratio",
            ),
            models.CheckConstraint(
                condition=models.Q(basis_fraction=None) | models.Q(basis_fraction__gte=0, basis_fraction__lte=1),
                name="corporate_action_basis_fraction",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.security} {self.kind} {self.ex_date}"

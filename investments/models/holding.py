from decimal import Decimal

from django.conf import settings
from django.db import models
from django.utils import timezone

from portfolio_site.lib.money import stored

from .account import Account
from .fields import MoneyField, QuantityField, no_nan
from .security import Security


class HoldingQuerySet(models.QuerySet["Holding"]):
    def for_user(self, user: settings.AUTH_USER_MODEL) -> "HoldingQuerySet":  # type: ignore[name-defined]
        return self.filter(owner=user)

    def held(self) -> "HoldingQuerySet":
        """What is in the accounts now; holdings that are gone stay as rows with `removed_at`."""
        return self.filter(removed_at__isnull=True, account__closed_at__isnull=True)


class Holding(models.Model):
    """So many units of a security in an account, as the brokerage last said."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="holdings")
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="holdings", db_constraint=False)
    security = models.ForeignKey(Security, on_delete=models.PROTECT, related_name="holdings")
    quantity = QuantityField(help_text="Signed units; options in contracts.")
    institution_price = QuantityField()
    institution_price_as_of = models.DateField(null=True, blank=True)
    institution_value = MoneyField()
    cost_basis = MoneyField(
        null=True, blank=True, help_text="Of the whole position; null when unknown, never 0 for it."
    )
    vested_quantity = QuantityField(null=True, blank=True)
    vested_value = MoneyField(null=True, blank=True)
    market_price = QuantityField(null=True, blank=True)
    market_value = models.DecimalField(max_digits=20, decimal_places=4, null=True, blank=True)
    market_basis = models.DecimalField(
        max_digits=20, decimal_places=4, null=True, blank=True, help_text="Cost basis in the account's currency."
    )
    priced_on = models.DateField(null=True, blank=True)
    unrealized = models.GeneratedField(
        expression=models.F("market_value") - models.F("market_basis"),
        output_field=models.DecimalField(max_digits=20, decimal_places=4),
        db_persist=True,
        null=True,
        help_text="Value less cost basis, kept by the database whoever writes either.",
    )
    day_change = models.DecimalField(max_digits=20, decimal_places=4, null=True, blank=True)
    data_source = models.CharField(max_length=10, choices=Security.Source, default=Security.Source.PLAID)
    source_metadata = models.JSONField(default=dict, blank=True, help_text="What was repaired on the way in, and why.")
    updated_at = models.DateTimeField(default=timezone.now)
    removed_at = models.DateTimeField(null=True, blank=True)

    objects = HoldingQuerySet.as_manager()

    class Meta:
        ordering = ["account_id", "security__ticker_symbol", "id"]
        constraints = [
            models.UniqueConstraint(fields=["account", "security"], name="holding_once_per_account"),
            *no_nan("holding", "quantity", "institution_price", "institution_value", "cost_basis", "market_value"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity.normalize():f} {self.security}"

    @property
    def current_price(self) -> Decimal:
        """The price behind `value`: valuation's, or the brokerage's own until it has run."""
        return self.institution_price if self.market_price is None else self.market_price

    @property
    def value(self) -> Decimal | None:
        """In the account's currency: as last valued, else the brokerage's figure, None if that is foreign."""
        if self.market_value is not None:
            return self.market_value
        return stored(self.institution_value) if self.security.currency == self.account.currency else None

    @property
    def basis(self) -> Decimal | None:
        """Cost basis in the account's currency, at the rate of `value`; None where either is unknown."""
        if self.cost_basis is None:
            return None
        if self.market_basis is not None:
            return self.market_basis
        return self.cost_basis if self.security.currency == self.account.currency else None

    @property
    def unrealized_gain(self) -> Decimal | None:
        """Value less cost basis as the database keeps it, or None where either is unknown."""
        if self.value is None or self.basis is None:
            return None
        return self.value - self.basis if self.unrealized is None else self.unrealized

"""What the ledger comes to: tax lots, what was closed of them, and wash sales. Derived, and only `lots` writes it."""

from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import models

from .account import Account
from .fields import MoneyField, QuantityField
from .security import Security
from .transaction import Transaction


class OwnedQuerySet(models.QuerySet[Any]):
    def for_user(self, user: settings.AUTH_USER_MODEL) -> "OwnedQuerySet":  # type: ignore[name-defined]
        return self.filter(owner=user)


def _origin(**options: Any) -> "models.ForeignKey[Transaction | None, Transaction | None]":
    """A transaction that a derived row comes from. Nothing looks it up from there, and it goes with its account."""
    return models.ForeignKey(
        Transaction, on_delete=models.DO_NOTHING, null=True, blank=True, related_name="+", db_constraint=False,
        db_index=False, **options,
    )  # fmt: skip


class _OfAccount(models.Model):
    """A row of one owner's account and security, and the transactions it comes from (null: before the first one).

    Written by the million: the composite key to the account and its owner is the one the database checks, and an
    index is kept where something is looked up by it.
    """

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_constraint=False, db_index=False
    )
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+", db_constraint=False)
    security = models.ForeignKey(
        Security, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    currency = models.CharField(max_length=20, default="USD")
    opened_by = _origin()

    objects = OwnedQuerySet.as_manager()

    class Meta:
        abstract = True


class TaxLot(_OfAccount):
    """Units still held. A wash sale that meets a part of a lot makes two of it."""

    opened = models.DateField(null=True, blank=True, help_text="Starts the holding period; null when nobody knows.")
    entered = models.DateField(help_text="When the lot came to this account.")
    quantity = QuantityField(help_text="Below zero: short.")
    cost = MoneyField(null=True, blank=True, help_text="Paid, or received for a short; null when not known.")
    added = MoneyField(default=0, help_text="Of the cost: what wash sales put off.")

    class Meta:
        ordering = ["account_id", "security__ticker_symbol", "security_id", "entered", "id"]
        indexes = [models.Index(fields=["owner", "security"], name="taxlot_owner_security")]

    def __str__(self) -> str:
        return f"{self.quantity.normalize():f} {self.security} of {self.opened or 'an unknown day'}"

    @property
    def unit_cost(self) -> Decimal | None:
        """Cost of one unit; None when the lot's is not known."""
        return None if self.cost is None else self.cost / abs(self.quantity)


class RealizedLot(_OfAccount):
    """Units that are gone, and what was made of them."""

    closed_by = _origin(help_text="Null: what a company did closed it.")
    acquired = models.DateField(null=True, blank=True)
    closed = models.DateField()
    quantity = QuantityField(help_text="Units of the day; 0 for capital returned beyond the basis.")
    proceeds = MoneyField(null=True, blank=True)
    basis = MoneyField(null=True, blank=True, help_text="Null when not known.")
    disallowed = MoneyField(default=0, help_text="The loss that a wash sale puts off.")
    is_short = models.BooleanField(default=False)
    is_long_term = models.BooleanField(default=False)

    class Meta:
        ordering = ["-closed", "account_id", "security_id", "acquired", "id"]
        indexes = [models.Index(fields=["owner", "-closed"], name="realizedlot_owner_closed")]

    def __str__(self) -> str:
        return f"{self.quantity.normalize():f} {self.security} closed {self.closed}"

    @property
    def gain(self) -> Decimal | None:
        """What counts: proceeds less basis, a disallowed loss left out; None when either is not known."""
        if self.proceeds is None or self.basis is None:
            return None
        return self.proceeds - self.basis + self.disallowed


class WashSale(_OfAccount):
    """A loss met by a replacement: `account` and `security` are those of the sale, `opened_by` the lot sold."""

    sold_by = _origin()
    sold_on = models.DateField()
    replacement_account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+", db_constraint=False)
    replacement_security = models.ForeignKey(
        Security, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    bought_by = _origin()
    bought_on = models.DateField()
    quantity = QuantityField(help_text="Units matched, as of today.")
    amount = MoneyField(help_text="Above zero: the loss disallowed.")
    is_permanent = models.BooleanField(help_text="The replacement is tax-advantaged: the basis is lost for good.")

    class Meta:
        ordering = ["-sold_on", "account_id", "security_id", "bought_on", "id"]
        indexes = [models.Index(fields=["owner", "-sold_on"], name="washsale_owner_sold")]

    def __str__(self) -> str:
        return f"{self.amount} of {self.security} put off on {self.sold_on}"


class LotPick(models.Model):
    """Units that a sale takes from one lot, as the owner says. Both rows are meant in whatever version is current."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+", db_constraint=False)
    sale = models.ForeignKey(Transaction, on_delete=models.CASCADE, related_name="+", db_constraint=False)
    opened_by = models.ForeignKey(Transaction, on_delete=models.CASCADE, related_name="+", db_constraint=False)
    quantity = QuantityField()

    objects = OwnedQuerySet.as_manager()

    class Meta:
        ordering = ["sale_id", "id"]
        constraints = [
            models.UniqueConstraint(fields=["sale", "opened_by"], name="lot_pick_once"),
            models.CheckConstraint(condition=models.Q(quantity__gt=0, quantity__lt=10**18), name="lot_pick_has_units"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity.normalize():f} of {self.opened_by_id} for {self.sale_id}"


class OwnerLots(models.Model):
    """How far an owner's lots follow the ledger: behind while the sum of the accounts' versions is another."""

    owner = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="lots_state"
    )
    processed_version = models.BigIntegerField(default=-1)
    tried_version = models.BigIntegerField(default=-1)
    computed_at = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=500, blank=True)

    class Meta:
        verbose_name_plural = "owner lots"

    def __str__(self) -> str:
        return f"Lots of {self.owner_id} at {self.processed_version}"

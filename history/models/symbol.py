from django.db import models
from django.utils import timezone

from investments.models import Security
from investments.models.fields import QuantityField


class MarketSymbol(models.Model):
    """The key of all prices: a small dense integer, because prices are handled as arrays."""

    class Kind(models.TextChoices):
        EQUITY = "equity"
        ETF = "etf"
        FUND = "fund"
        CRYPTO = "crypto"
        OPTION = "option"
        BOND = "bond"
        INDEX = "index"
        OTHER = "other"

    id = models.AutoField(primary_key=True)
    symbol = models.CharField(max_length=40)
    exchange = models.CharField(max_length=20, blank=True)
    currency = models.CharField(max_length=3, default="USD")
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.EQUITY)
    active = models.BooleanField(default=True)
    delisted_on = models.DateField(null=True, blank=True)
    priced_from = models.DateField(null=True, blank=True, help_text="The first day that providers were asked for.")
    priced_to = models.DateField(null=True, blank=True, help_text="The last day that providers were asked for.")
    claimed_until = models.DateTimeField(null=True, blank=True, help_text="Until then one worker fetches, others wait.")

    class Meta:
        ordering = ["symbol", "exchange", "id"]
        constraints = [models.UniqueConstraint(fields=["symbol", "exchange"], name="market_symbol_once")]

    def __str__(self) -> str:
        return self.symbol


class SymbolAction(models.Model):
    """A split or dividend as a provider tells it, by symbol; the ledger keeps it per security."""

    class Kind(models.TextChoices):
        SPLIT = "split"
        CASH_DIVIDEND = "cash_dividend"

    symbol = models.ForeignKey(MarketSymbol, on_delete=models.CASCADE, related_name="actions")
    kind = models.CharField(max_length=20, choices=Kind)
    ex_date = models.DateField()
    ratio = QuantityField(null=True, blank=True, help_text="New shares per old one.")
    cash_per_unit = QuantityField(null=True, blank=True)
    source = models.CharField(max_length=20)

    class Meta:
        ordering = ["symbol_id", "-ex_date", "kind"]
        constraints = [
            models.UniqueConstraint(fields=["symbol", "kind", "ex_date"], name="symbol_action_once"),
            models.CheckConstraint(
                condition=models.Q(kind="split", ratio__gt=0, ratio__lt=10**18)
                | models.Q(kind="cash_dividend", cash_per_unit__gte=0, cash_per_unit__lt=10**18),
                name="symbol_action_has_its_figure",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.symbol} {self.kind} {self.ex_date}"


class SecurityMapping(models.Model):
    """Which symbol prices a security, how that was found, and how sure it is. A null symbol: the brokerage's price."""

    class Method(models.TextChoices):
        TICKER = "ticker"
        CUSIP = "cusip"
        ISIN = "isin"
        NAME = "name"
        OPERATOR = "operator"
        BROKERAGE = "brokerage", "Priced by the brokerage"

    security = models.OneToOneField(Security, on_delete=models.CASCADE, related_name="mapping")
    symbol = models.ForeignKey(MarketSymbol, on_delete=models.PROTECT, null=True, blank=True, related_name="mappings")
    method = models.CharField(max_length=10, choices=Method)
    confidence = models.DecimalField(max_digits=4, decimal_places=3, default=1)
    mapped_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["security_id"]

    def __str__(self) -> str:
        return f"{self.security} -> {self.symbol or 'brokerage'}"

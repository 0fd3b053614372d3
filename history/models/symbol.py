from django.db import models
from django.utils import timezone

from investments.models import Security


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

    class Meta:
        ordering = ["symbol", "exchange", "id"]
        constraints = [models.UniqueConstraint(fields=["symbol", "exchange"], name="market_symbol_once")]

    def __str__(self) -> str:
        return self.symbol


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

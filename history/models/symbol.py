from django.db import models
from django.utils import timezone

from history.core import venues
from investments.models import Security
from investments.models.fields import QuantityField

RETIRED = "former "  # as an exchange, with the id: no source names such a one


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
    listed_from = models.DateField(
        null=True,
        blank=True,
        help_text="Before that day the name was another's, and so is what is told of it.",
    )
    priced_from = models.DateField(null=True, blank=True, help_text="The first day that providers were asked for.")
    priced_to = models.DateField(null=True, blank=True, help_text="The last day that providers were asked for.")
    claimed_until = models.DateTimeField(null=True, blank=True, help_text="Until then one worker fetches, others wait.")

    class Meta:
        ordering = ["symbol", "exchange", "id"]
        constraints = [models.UniqueConstraint(fields=["symbol", "exchange"], name="market_symbol_once")]

    def __str__(self) -> str:
        return self.symbol

    @property
    def venue(self) -> str:
        """The exchange; empty for the United States, and for what has left its name to another."""
        return "" if self.exchange.startswith(RETIRED) else self.exchange

    @property
    def asked_as(self) -> str:
        """What providers are asked for: no two listings of one symbol alike."""
        return venues.asked_as(self.symbol, self.venue)


class FormerName(models.Model):
    """What a symbol was called until a day. Who takes the name up after that begins then."""

    symbol = models.ForeignKey(MarketSymbol, on_delete=models.CASCADE, related_name="former_names")
    name = models.CharField(max_length=40)
    exchange = models.CharField(max_length=20, blank=True)
    until = models.DateField(help_text="The first day on which it had the new name.")

    class Meta:
        ordering = ["name", "exchange", "-until", "id"]
        constraints = [models.UniqueConstraint(fields=["symbol", "name", "exchange", "until"], name="former_name_once")]

    def __str__(self) -> str:
        return f"{self.name} until {self.until}"


class SymbolAction(models.Model):
    """A split or dividend as a provider tells it, by symbol; the ledger keeps it per security.

    A spin-off is what a provider told as a split of an odd ratio: it adjusts that provider's prices, and multiplies
    nobody's units; it waits for an operator to say what it was.
    """

    class Kind(models.TextChoices):
        SPLIT = "split"
        SPIN_OFF = "spin_off"
        CASH_DIVIDEND = "cash_dividend"
        STOCK_DIVIDEND = "stock_dividend"
        SPECIAL_DIVIDEND = "special_dividend"

    symbol = models.ForeignKey(MarketSymbol, on_delete=models.CASCADE, related_name="actions")
    kind = models.CharField(max_length=20, choices=Kind)
    ex_date = models.DateField()
    ratio = QuantityField(null=True, blank=True, help_text="New shares per old one.")
    cash_per_unit = QuantityField(null=True, blank=True)
    source = models.CharField(max_length=20)
    voided = models.BooleanField(default=False, help_text="An operator says that it never happened.")

    class Meta:
        ordering = ["symbol_id", "-ex_date", "kind"]
        constraints = [
            models.UniqueConstraint(fields=["symbol", "kind", "ex_date"], name="symbol_action_once"),
            models.CheckConstraint(
                condition=models.Q(kind__in=["split", "spin_off", "stock_dividend"], ratio__gt=0, ratio__lt=10**18)
                | models.Q(
                    kind__in=["cash_dividend", "special_dividend"], cash_per_unit__gte=0, cash_per_unit__lt=10**18
                ),
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

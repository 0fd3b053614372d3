from decimal import Decimal

from django.db import models

from .fields import QuantityField, no_nan

OPTION_CONTRACT_SIZE = Decimal(100)
PER_100_OF_PAR = Decimal("0.01")


class Security(models.Model):
    """Something that can be held, as one source names it. Global; several securities may map to one market symbol."""

    class Source(models.TextChoices):
        PLAID = "plaid"
        ALPACA = "alpaca"
        CSV = "csv"
        MANUAL = "manual"

    source = models.CharField(max_length=10, choices=Source, default=Source.PLAID)
    external_id = models.CharField(max_length=100, help_text="The source's own id; case matters.")
    name = models.CharField(max_length=300, blank=True)
    ticker_symbol = models.CharField(max_length=40, blank=True)
    cusip = models.CharField(max_length=9, blank=True)
    isin = models.CharField(max_length=12, blank=True)
    sedol = models.CharField(max_length=7, blank=True)
    type = models.CharField(max_length=40, default="other")
    subtype = models.CharField(max_length=60, blank=True)
    is_cash_equivalent = models.BooleanField(default=False)
    close_price = QuantityField(null=True, blank=True)
    close_price_as_of = models.DateField(null=True, blank=True)
    iso_currency_code = models.CharField(max_length=3, blank=True)
    unofficial_currency_code = models.CharField(max_length=20, blank=True)
    market_identifier_code = models.CharField(max_length=10, blank=True)
    sector = models.CharField(max_length=100, blank=True)
    industry = models.CharField(max_length=100, blank=True)
    cfi_code = models.CharField(max_length=6, blank=True)
    institution_security_id = models.CharField(max_length=100, blank=True)
    institution_external_id = models.CharField(max_length=64, blank=True)
    proxy_external_id = models.CharField(max_length=100, blank=True)
    option_contract_type = models.CharField(max_length=4, blank=True, help_text="call or put")
    option_strike_price = QuantityField(null=True, blank=True)
    option_expiration_date = models.DateField(null=True, blank=True)
    option_underlying_ticker = models.CharField(max_length=40, blank=True)
    contract_size = QuantityField(
        null=True,
        blank=True,
        help_text="Units of the underlying that one contract is for, where not 100: a mini or an adjusted option.",
    )
    fixed_income = models.JSONField(null=True, blank=True, help_text="Coupon, maturity, issue date, face value.")
    same_as = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="later_ids",
        help_text="The security that this is another id of; holdings and transactions are kept there.",
    )

    class Meta:
        ordering = ["ticker_symbol", "name", "id"]
        verbose_name_plural = "securities"
        indexes = [
            models.Index(fields=["ticker_symbol"], name="security_ticker"),
            models.Index(fields=["cusip"], name="security_cusip", condition=~models.Q(cusip="")),
            models.Index(fields=["isin"], name="security_isin", condition=~models.Q(isin="")),
        ]
        constraints = [
            models.UniqueConstraint(fields=["source", "external_id"], name="security_once_per_source"),
            *no_nan("security", "close_price", "option_strike_price", "contract_size"),
            models.CheckConstraint(condition=models.Q(contract_size__gt=0), name="security_contract_size_above_zero"),
        ]

    def __str__(self) -> str:
        return self.ticker_symbol or self.name or self.external_id

    @property
    def is_cash(self) -> bool:
        """Cash itself (`CUR:USD`), as opposed to a fund that counts as cash. Crypto is typed otherwise by Plaid."""
        return self.type == "cash" and self.ticker_symbol.upper().startswith("CUR:")

    @property
    def is_option(self) -> bool:
        return self.type == "derivative" and bool(self.option_contract_type)

    @property
    def multiplier(self) -> Decimal:
        """Units of value per unit of quantity: an option's contract size, 1/100 for a bond quoted per 100 of par."""
        if self.is_option:
            return self.contract_size or OPTION_CONTRACT_SIZE
        if self.type == "fixed income" and (self.fixed_income or {}).get("quoted_per_100"):
            return PER_100_OF_PAR
        return Decimal(1)

    @property
    def currency(self) -> str:
        return self.iso_currency_code or self.unofficial_currency_code or "USD"


# Institutions and the broker report the same to everybody; what people import or enter is each one's own, and their
# external ids begin with the owner's: `7:VTI`.
PUBLIC_SOURCES = (Security.Source.PLAID, Security.Source.ALPACA)
PRIVATE_SOURCES = (Security.Source.CSV, Security.Source.MANUAL)

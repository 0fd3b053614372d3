from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models.functions import Coalesce, NullIf, Round
from django.utils import timezone

from portfolio_site.lib.sealed import SealedTextField

from .fields import MoneyField, no_nan
from .institution import Institution
from .security import Security

TAX_ADVANTAGED_SUBTYPES = frozenset(
    {
        "401a", "401k", "403B", "403b", "457b", "529", "education savings account", "health reimbursement arrangement",
        "hsa", "ira", "keogh", "non-taxable brokerage account", "pension", "profit sharing plan", "retirement", "roth",
        "roth 401k", "roth 403B", "roth 457b", "roth pension", "roth profit sharing plan", "roth thrift savings plan",
        "sarsep", "sep ira", "simple ira", "thrift savings plan", "traditional 401k",
    }
)  # fmt: skip


class AccountQuerySet(models.QuerySet["Account"]):
    def for_user(self, user: settings.AUTH_USER_MODEL) -> "AccountQuerySet":  # type: ignore[name-defined]
        return self.filter(owner=user)

    def open(self) -> "AccountQuerySet":
        return self.filter(closed_at__isnull=True)

    def with_value(self) -> "AccountQuerySet":
        """Adds `value`, in the account's currency: its holdings as last valued, and the cash that none of them carries.

        A holding not yet valued counts with the brokerage's figure, unless that is in another currency.
        """
        money = models.DecimalField(max_digits=20, decimal_places=4)
        theirs = Coalesce(
            NullIf("holdings__security__iso_currency_code", models.Value("")),
            NullIf("holdings__security__unofficial_currency_code", models.Value("")),
            models.Value("USD"),
        )
        unvalued = models.Case(models.When(currency=theirs, then=Round("holdings__institution_value", 4)))
        worth = Coalesce("holdings__market_value", unvalued, output_field=money)
        held = models.Sum(worth, filter=models.Q(holdings__removed_at__isnull=True), default=Decimal(0))
        cash = Round("uninvested_cash", 4, output_field=money)
        return self.annotate(value=models.ExpressionWrapper(cash + held, output_field=money))


class Account(models.Model):
    """An investment account of one owner at one institution."""

    class LotMethod(models.TextChoices):
        FIFO = "fifo", "First in, first out"
        LIFO = "lifo", "Last in, first out"
        HIFO = "hifo", "Highest cost first"
        AVERAGE = "average", "Average cost"
        SPECIFIC = "specific", "Specific lots"

    class IncomePreference(models.TextChoices):
        CASH = "cash", "Paid out in cash"
        REINVEST = "reinvest", "Reinvested"

    class SyncState(models.TextChoices):
        """How its source stands, told by whoever syncs it."""

        OK = "ok", "Up to date"
        SYNCING = "syncing", "Syncing"
        NEEDS_REPAIR = "needs_repair", "Needs you to sign in again"
        INSTITUTION_TROUBLE = "institution_trouble", "The institution has trouble"
        ERROR = "error", "Sync failed"
        DISCONNECTED = "disconnected", "Disconnected"
        MANUAL = "manual", "Kept by hand"

    class CashSource(models.TextChoices):
        NONE = "none"
        HOLDING = "holding"
        BALANCE = "balance"

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="accounts")
    institution = models.ForeignKey(Institution, on_delete=models.PROTECT, related_name="accounts")
    source = models.CharField(max_length=10, choices=Security.Source, default=Security.Source.PLAID)
    external_id = models.CharField(max_length=100)
    name = models.CharField(max_length=200)
    official_name = models.CharField(max_length=300, blank=True)
    mask = SealedTextField(max_length=10, blank=True)
    type = models.CharField(max_length=40, default="investment")
    subtype = models.CharField(max_length=60, blank=True)
    currency = models.CharField(max_length=20, default="USD")
    balance_current = MoneyField(null=True, blank=True)
    balance_available = MoneyField(null=True, blank=True)
    balance_limit = MoneyField(null=True, blank=True)
    margin_loan_amount = MoneyField(null=True, blank=True)
    uninvested_cash = MoneyField(default=0, help_text="Cash known only from balances; zero when a holding carries it.")
    cash_source = models.CharField(max_length=10, choices=CashSource, default=CashSource.NONE)
    lot_method = models.CharField(max_length=10, choices=LotMethod, default=LotMethod.FIFO)
    income_preference = models.CharField(
        max_length=10,
        choices=IncomePreference,
        default=IncomePreference.CASH,
        db_default=IncomePreference.CASH,
        help_text="What dividends are meant for.",
    )
    sync_state = models.CharField(max_length=20, choices=SyncState, default=SyncState.SYNCING)
    synced_at = models.DateTimeField(null=True, blank=True)
    ledger_version = models.BigIntegerField(default=0, help_text="Raised by every change; history follows it.")
    opened_at = models.DateTimeField(default=timezone.now)
    closed_at = models.DateTimeField(null=True, blank=True)

    objects = AccountQuerySet.as_manager()

    class Meta:
        ordering = ["institution__name", "name", "id"]
        constraints = [
            models.UniqueConstraint(fields=["id", "owner"], name="account_of_owner"),
            models.UniqueConstraint(fields=["owner", "source", "external_id"], name="account_once_per_owner"),
            *no_nan("account", "balance_current", "balance_available", "uninvested_cash"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_tax_advantaged(self) -> bool:
        return self.subtype in TAX_ADVANTAGED_SUBTYPES

    @property
    def needs_attention(self) -> bool:
        return self.sync_state in {
            self.SyncState.NEEDS_REPAIR,
            self.SyncState.ERROR,
            self.SyncState.DISCONNECTED,
        }

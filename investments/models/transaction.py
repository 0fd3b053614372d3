from collections.abc import Iterable

import pgtrigger
from django.conf import settings
from django.db import connection, models
from django.db.models import Exists, OuterRef
from django.utils import timezone

from .account import Account
from .fields import MoneyField, QuantityField, no_nan
from .security import Security

# One look into the index on both for each id. Asked for as a list, PostgreSQL may take an account that has just grown
# for a small one, and read all of it for every page of ids.
NAMED = """
SELECT t.id FROM unnest(%s::bigint[], %s::text[]) AS named (account_id, external_id) CROSS JOIN LATERAL (
    SELECT id FROM investments_transaction
    WHERE account_id = named.account_id AND external_id = named.external_id OFFSET 0
) t
"""


class TransactionQuerySet(models.QuerySet["Transaction"]):
    def for_user(self, user: settings.AUTH_USER_MODEL) -> "TransactionQuerySet":  # type: ignore[name-defined]
        return self.filter(owner=user)

    def last_versions(self) -> "TransactionQuerySet":
        """The newest version of every row, voids included."""
        return self.filter(~Exists(Transaction.objects.filter(supersedes=OuterRef("pk"))))

    def current(self) -> "TransactionQuerySet":
        """The ledger as it stands: neither superseded by a later version nor voided."""
        return self.last_versions().filter(is_void=False)

    def named(self, names: Iterable[tuple[int, str]]) -> "TransactionQuerySet":
        """The rows of these accounts and ids of their source, in any version. Asks at once."""
        pairs = list(names)
        with connection.cursor() as cursor:
            cursor.execute(NAMED, [[account for account, _ in pairs], [external_id for _, external_id in pairs]])
            return self.filter(pk__in=[row[0] for row in cursor.fetchall()])

    def newest_first(self) -> "TransactionQuerySet":
        return self.order_by("-date", "-pk")


class Transaction(models.Model):
    """Something that happened in an account. Never updated, never deleted: a correction is a new version.

    A void is a version too (`is_void`), so that it can be undone by superseding it in turn. The database holds this
    with a trigger and by giving the web role no right to UPDATE or DELETE.
    """

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="transactions")
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="transactions", db_constraint=False)
    security = models.ForeignKey(Security, on_delete=models.PROTECT, null=True, blank=True, related_name="transactions")
    external_id = models.CharField(max_length=100, help_text="The source's id; the same for all versions.")
    idempotency_key = models.CharField(max_length=120)
    type = models.CharField(max_length=20)
    subtype = models.CharField(max_length=60, blank=True)
    date = models.DateField(help_text="Effective at the end of this day.")
    settles_on = models.DateField(null=True, blank=True)
    executed_at = models.DateTimeField(null=True, blank=True)
    name = models.CharField(max_length=500, blank=True)
    quantity = QuantityField(default=0, help_text="Signed change of units, after repair.")
    price = QuantityField(default=0)
    amount = MoneyField(help_text="Above zero: cash left the account. Fees are included.")
    fees = MoneyField(default=0)
    currency = models.CharField(max_length=20, default="USD")
    source = models.CharField(max_length=10, choices=Security.Source, default=Security.Source.PLAID)
    repairs = models.JSONField(default=list, blank=True, help_text="What was put right on the way in.")
    cancels_external_id = models.CharField(max_length=100, blank=True)
    version = models.PositiveSmallIntegerField(default=1)
    supersedes = models.OneToOneField(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="superseded_by"
    )
    is_void = models.BooleanField(default=False)
    is_correction = models.BooleanField(
        default=False,
        db_default=False,
        help_text="The owner's own version of what the source told; it outlives further syncs.",
    )
    recorded_at = models.DateTimeField(default=timezone.now)

    objects = TransactionQuerySet.as_manager()

    class Meta:
        ordering = ["-date", "-id"]
        indexes = [
            models.Index(fields=["owner", "-date", "-id"], name="transaction_owner_newest"),
            models.Index(
                fields=["account", "date"],
                include=["security", "quantity", "amount", "fees"],
                name="transaction_account_day",
            ),
            models.Index(fields=["account", "external_id"], name="transaction_external"),
            models.Index(
                fields=["account", "cancels_external_id"],
                condition=~models.Q(cancels_external_id=""),
                name="transaction_cancels",
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["account", "idempotency_key"], name="transaction_recorded_once"),
            # What a version supersedes has to be of the same owner: a key of the database needs this to refer to.
            models.UniqueConstraint(fields=["id", "owner"], name="transaction_of_owner"),
            *no_nan("transaction", "quantity", "price", "amount", "fees"),
        ]
        triggers = [
            pgtrigger.Protect(name="ledger_is_append_only", operation=pgtrigger.Update | pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.date} {self.subtype or self.type} {self.name}".strip()

    def versions(self) -> TransactionQuerySet:
        """Every version of this row, voids too, the first one first."""
        same = Transaction.objects.filter(account=self.account_id, source=self.source, external_id=self.external_id)
        return same.order_by("version")

from django.conf import settings
from django.db import models

from investments.models import Account


class AccountDay(models.Model):
    """An account on a calendar day, in the account's currency. The only stored history: every total is a sum of these.

    Partitioned by year, key (account, day), with a covering index for the chart; the table is made by SQL. There is no
    foreign key to the account on purpose: the nightly run writes millions of rows, and checking each costs more than it
    tells. `investments.ledger`, `history.reconstruction.rebuild` and `history.closings` are the only writers.
    """

    class SnapshotType(models.IntegerChoices):
        RECONSTRUCTED = 1, "reconstructed"
        END_OF_DAY = 2, "eod"
        LIVE = 3, "live"

    pk = models.CompositePrimaryKey("account", "day")
    account = models.ForeignKey(Account, on_delete=models.DO_NOTHING, related_name="+", db_index=False)
    day = models.DateField()
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.DO_NOTHING, related_name="+", db_index=False)
    value = models.DecimalField(max_digits=20, decimal_places=4)
    cash = models.DecimalField(max_digits=20, decimal_places=4)
    cost_basis = models.DecimalField(max_digits=20, decimal_places=4, null=True)
    net_flow = models.DecimalField(max_digits=20, decimal_places=4)
    income = models.DecimalField(max_digits=20, decimal_places=4)
    fees = models.DecimalField(max_digits=20, decimal_places=4)
    securities_count = models.SmallIntegerField()
    quality = models.FloatField(help_text="0 to 1: the share of value priced by a real close.")
    snapshot_type = models.SmallIntegerField(choices=SnapshotType)

    class Meta:
        managed = False
        db_table = "history_accountday"
        ordering = ["account", "day"]

    def __str__(self) -> str:
        return f"{self.account_id} {self.day} {self.value}"

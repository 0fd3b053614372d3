from django.conf import settings
from django.contrib.postgres.indexes import BrinIndex
from django.db import models

from investments.models import Account


class IntradayValue(models.Model):
    """An account at a minute of a session, in the account's currency; after a year the last minute of each hour.

    `low` and `high` are those of the time that the row stands for. Only accounts that somebody looks at have minutes.
    In one piece: a chart reads neighbours in the key whatever the size, and what is old lies together, so that a BRIN
    index of a few pages finds it.
    """

    pk = models.CompositePrimaryKey("account", "minute")
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+", db_index=False)
    minute = models.DateTimeField()
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False)
    value = models.DecimalField(max_digits=20, decimal_places=4)
    low = models.DecimalField(max_digits=20, decimal_places=4)
    high = models.DecimalField(max_digits=20, decimal_places=4)

    class Meta:
        ordering = ["account", "minute"]
        indexes = [BrinIndex(fields=["minute"], name="intraday_minute")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(low__lte=models.F("value"), high__gte=models.F("value")), name="intraday_between"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.account_id} {self.minute} {self.value}"

from django.db import models

from investments.models.fields import QuantityField

from .symbol import MarketSymbol


class Price(models.Model):
    """What a symbol closed at on a day, as traded (raw). Partitioned by year; the table is made by SQL."""

    pk = models.CompositePrimaryKey("symbol", "day")
    symbol = models.ForeignKey(MarketSymbol, on_delete=models.DO_NOTHING, related_name="+", db_index=False)
    day = models.DateField()
    open = QuantityField(null=True)
    high = QuantityField(null=True)
    low = QuantityField(null=True)
    close = QuantityField()
    adj_close = QuantityField(null=True)
    volume = models.DecimalField(max_digits=24, decimal_places=4, null=True)
    source = models.CharField(max_length=20)

    class Meta:
        managed = False
        db_table = "history_price"
        ordering = ["symbol", "day"]

    def __str__(self) -> str:
        return f"{self.symbol_id} {self.day} {self.close}"

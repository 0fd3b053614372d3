"""The two numeric types of the ledger. PostgreSQL's numeric can store NaN, so every column has a CHECK against it."""

from typing import Any

from django.db import models


class MoneyField(models.DecimalField):
    """An amount of money: up to 14 digits before the point, 6 after."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max_digits", 20)
        kwargs.setdefault("decimal_places", 6)
        super().__init__(*args, **kwargs)


class QuantityField(models.DecimalField):
    """A quantity or a price: 12 places, because a satoshi or a sub-cent quote must keep all its digits."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max_digits", 30)
        kwargs.setdefault("decimal_places", 12)
        super().__init__(*args, **kwargs)


def no_nan(table: str, *names: str) -> list[models.CheckConstraint]:
    """CHECK constraints that keep NaN out of the named numeric columns (in PostgreSQL NaN is above every number)."""
    return [
        models.CheckConstraint(
            condition=models.Q(**{f"{name}__isnull": True}) | models.Q(**{f"{name}__lt": 10**18}),
            name=f"{table}_{name}_is_a_number",
        )
        for name in names
    ]

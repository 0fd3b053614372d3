"""Decimals on the wire: strings, every digit kept, no padding."""

from decimal import Decimal
from typing import Any

from rest_framework import serializers

from portfolio_site.lib.money import exact


class MoneyText(serializers.DecimalField):
    """An amount as a string with all its digits, at least two after the point."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_digits=None, decimal_places=None, **kwargs)

    def to_representation(self, value: Decimal) -> str:
        return exact(value)


class QuantityText(serializers.DecimalField):
    """A quantity or price as a string without trailing zeros."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_digits=None, decimal_places=None, **kwargs)

    def to_representation(self, value: Decimal) -> str:
        return plain_text(value)


def plain_text(value: Decimal) -> str:
    """Every digit and no padding: 10.50 as `10.5`, 1E+3 as `1000`."""
    return format(value.normalize(), "f")

"""What a request's body says, taken at its word: a number is not taken for its digits, nor for true or false."""

from typing import Any

from rest_framework import serializers


class Text(serializers.CharField):
    """DRF's takes numbers, too."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return str(super().to_internal_value(data))


class Flag(serializers.BooleanField):
    """DRF's takes 0, "yes" and "off", too."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data

"""Text in a request's body that has to be text: a number is not taken for its digits."""

from typing import Any

from rest_framework import serializers


class Text(serializers.CharField):
    """DRF's takes numbers, too."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return str(super().to_internal_value(data))

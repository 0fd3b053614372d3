"""A security as it stands inside other answers."""

from typing import Any

from rest_framework import serializers

from investments.api.numbers import QuantityText
from investments.models import Security

SECURITY: dict[str, Any] = {
    "id": 41,
    "ticker_symbol": "AAPL",
    "name": "Apple Inc.",
    "type": "equity",
    "subtype": "common stock",
    "currency": "USD",
    "is_cash_equivalent": False,
    "market_identifier_code": "XNAS",
    "sector": "Electronic Technology",
    "industry": "Telecommunications Equipment",
    "option": None,
}


class OptionTermsSerializer(serializers.Serializer[Security]):
    contract_type = serializers.CharField(source="option_contract_type", help_text="call or put")
    strike_price = QuantityText(source="option_strike_price", allow_null=True)
    expiration_date = serializers.DateField(source="option_expiration_date", allow_null=True)
    underlying_ticker = serializers.CharField(source="option_underlying_ticker")

    def to_representation(self, instance: Security) -> Any:
        return super().to_representation(instance) if instance.is_option else None


class SecuritySerializer(serializers.ModelSerializer[Security]):
    currency = serializers.CharField()
    option = OptionTermsSerializer(
        source="*", allow_null=True, help_text="The contract's terms; null for anything but an option."
    )

    class Meta:
        model = Security
        fields = list(SECURITY)
        read_only_fields = fields


def security_told(security: Security) -> dict[str, Any]:
    """As SecuritySerializer writes it, for lists that are long."""
    return {
        "id": security.pk,
        "ticker_symbol": security.ticker_symbol,
        "name": security.name,
        "type": security.type,
        "subtype": security.subtype,
        "currency": security.currency,
        "is_cash_equivalent": security.is_cash_equivalent,
        "market_identifier_code": security.market_identifier_code,
        "sector": security.sector,
        "industry": security.industry,
        "option": OptionTermsSerializer(security).data if security.is_option else None,
    }

"""What all figures of a portfolio share: the caller, their accounts, their currency."""

from decimal import Decimal
from typing import Any, TypeVar

from rest_framework import serializers
from rest_framework.views import APIView

from history.filters import ScopeQuery
from history.valuation import AccountWorth, account_worths
from portfolio_site.lib.money import displayed

Query = TypeVar("Query", bound=ScopeQuery)


class RoundedMoney(serializers.DecimalField):
    """An amount of the base currency as a string, rounded once, here, to its minor unit."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_digits=None, decimal_places=None, **kwargs)

    def to_representation(self, value: Decimal) -> str:
        return str(rounded_text(value, currency=self.context["currency"]))


def rounded_text(value: Decimal | None, *, currency: str) -> str | None:
    """As RoundedMoney writes it; None stays None."""
    return None if value is None else format(displayed(value, currency), "f")


class PortfolioView(APIView):
    """A figure over the caller's accounts; `?filter_account=` and `?source_filter=` choose among them."""

    @property
    def currency(self) -> str:
        return str(self.request.user.base_currency)

    def query(self, query_class: type[Query]) -> Query:
        """The validated query parameters. Raises ValidationError, answered as 400 with the fields concerned."""
        return query_class.of(self.request)

    def account_ids(self) -> list[int]:
        return self.query(ScopeQuery).account_ids(user_id=self.request.user.pk)

    def worths(self) -> list[AccountWorth]:
        return account_worths(account_ids=self.account_ids(), base_currency=self.currency)

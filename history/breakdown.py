"""How a total divides over accounts."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from history.valuation import AccountWorth
from investments.models import Account


@dataclass(frozen=True, slots=True)
class AccountShare:
    """An account's part of the total. `value` in the base currency, unrounded, None without a rate; `fraction` 0..1."""

    account_id: int
    account_name: str
    account_type: str
    institution_name: str
    value: Decimal | None
    fraction: float | None


def account_shares(*, worths: Sequence[AccountWorth], total_value: Decimal) -> list[AccountShare]:
    """One share per account, greatest first. One query."""
    named = (
        Account.objects.filter(pk__in=[worth.account_id for worth in worths]).select_related("institution").in_bulk()
    )
    shares = [_share(named[worth.account_id], worth, total_value) for worth in worths]
    return sorted(shares, key=lambda share: (-(share.value or Decimal(0)), share.account_name, share.account_id))


def _share(account: Account, worth: AccountWorth, total_value: Decimal) -> AccountShare:
    value = None if worth.rate is None else worth.value * worth.rate
    return AccountShare(
        account_id=account.pk,
        account_name=account.name,
        account_type=account.subtype or account.type,
        institution_name=account.institution.name,
        value=value,
        fraction=float(value / total_value) if value is not None and total_value > 0 else None,
    )

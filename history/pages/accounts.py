"""The accounts panel: what each account is worth and how its day went, under its institution."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from history.valuation import AccountWorth
from investments.models import Institution
from investments.pages.scope import AccountChoice, Scope

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class AccountLine:
    """Money in the base currency, None without an exchange rate; `day_fraction` of what the change covers."""

    account: AccountChoice
    value: Decimal | None
    weight: float | None
    day_change: Decimal | None
    day_fraction: float | None
    is_current: bool


@dataclass(frozen=True, slots=True)
class InstitutionLines:
    institution: Institution
    value: Decimal
    day_change: Decimal | None
    accounts: tuple[AccountLine, ...]


def account_lines(*, scope: Scope, worths: Sequence[AccountWorth], total_value: Decimal) -> list[InstitutionLines]:
    """The scope's open accounts, greatest institution and account first."""
    by_account = {worth.account_id: worth for worth in worths}
    groups = [
        _group(
            group.institution,
            [
                _line(account, by_account[account.pk], total_value, scope.key)
                for account in group.accounts
                if account.pk in by_account
            ],
        )
        for group in scope.groups
    ]
    return sorted((group for group in groups if group.accounts), key=lambda group: -group.value)


def _group(institution: Institution, lines: list[AccountLine]) -> InstitutionLines:
    changes = [line.day_change for line in lines if line.day_change is not None]
    return InstitutionLines(
        institution=institution,
        value=sum((line.value for line in lines if line.value is not None), ZERO),
        day_change=sum(changes, ZERO) if changes else None,
        accounts=tuple(sorted(lines, key=lambda line: -(line.value or ZERO))),
    )


def _line(account: AccountChoice, worth: AccountWorth, total_value: Decimal, current: str) -> AccountLine:
    value = None if worth.rate is None else worth.value * worth.rate
    change = None if worth.rate is None or worth.day_change is None else worth.day_change * worth.rate
    return AccountLine(
        account=account,
        value=value,
        weight=float(value / total_value) if value is not None and total_value > 0 else None,
        day_change=change,
        day_fraction=_day_fraction(worth),
        is_current=account.key == current,
    )


def _day_fraction(worth: AccountWorth) -> float | None:
    if worth.day_change is None:
        return None
    before = worth.changed_value - worth.day_change
    return float(worth.day_change / before) if before > 0 else None

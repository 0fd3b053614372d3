"""Holdings as people keep them in mind: by institution, then by account, with what each is worth."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby

from investments.models import Account, Holding, Institution
from portfolio_site.lib.money import stored

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Subtotal:
    """What some holdings and the cash beside them are worth, in one currency.

    `cost_basis` and `gain` cover the holdings whose basis is known; `unknown_basis` counts the others.
    """

    currency: str
    value: Decimal
    cash: Decimal
    cost_basis: Decimal
    gain: Decimal
    day_change: Decimal
    holdings: int
    unknown_basis: int


@dataclass(frozen=True, slots=True)
class AccountGroup:
    account: Account
    holdings: tuple[Holding, ...]
    subtotal: Subtotal


@dataclass(frozen=True, slots=True)
class InstitutionGroup:
    institution: Institution
    accounts: tuple[AccountGroup, ...]
    subtotals: tuple[Subtotal, ...]


def by_institution(
    *, holdings: Iterable[Holding], accounts: Iterable[Account], whole_accounts: bool = True, show_cash: bool = False
) -> list[InstitutionGroup]:
    """One group per institution, by name, with its accounts. Sums are exact: round them for display only.

    `holdings` with their security, cash rows included; `accounts` with their institution. Where the holdings are only
    some of the accounts' (`whole_accounts` false), cash that no holding carries is not counted, nor are accounts that
    hold none of them. Cash counts always; its rows are in the groups' holdings with `show_cash` only.
    """
    held: dict[int, list[Holding]] = {}
    for holding in holdings:
        held.setdefault(holding.account_id, []).append(holding)
    groups = [
        _account(account, held.get(account.pk, []), whole=whole_accounts, show_cash=show_cash)
        for account in sorted(accounts, key=_place)
        if whole_accounts or account.pk in held
    ]
    return [
        _institution(list(members)) for _, members in groupby(groups, key=lambda group: group.account.institution_id)
    ]


def totals(groups: Sequence[InstitutionGroup]) -> tuple[Subtotal, ...]:
    """The sum over all groups, one per currency."""
    return _added([subtotal for group in groups for subtotal in group.subtotals])


def _place(account: Account) -> tuple[str, int, str, int]:
    return account.institution.name, account.institution_id, account.name, account.pk


def _institution(accounts: list[AccountGroup]) -> InstitutionGroup:
    subtotals = _added([group.subtotal for group in accounts])
    return InstitutionGroup(accounts[0].account.institution, tuple(accounts), subtotals)


def _account(account: Account, holdings: list[Holding], *, whole: bool, show_cash: bool) -> AccountGroup:
    positions = [holding for holding in holdings if not holding.security.is_cash]
    cash = sum((holding.value or ZERO for holding in holdings if holding.security.is_cash), ZERO)
    subtotal = _subtotal(account, positions, cash + stored(account.uninvested_cash) if whole else cash)
    return AccountGroup(account, tuple(holdings if show_cash else positions), subtotal)


def _subtotal(account: Account, positions: list[Holding], cash: Decimal) -> Subtotal:
    known = [holding for holding in positions if holding.basis is not None]
    return Subtotal(
        currency=account.currency,
        value=cash + sum((holding.value or ZERO for holding in positions), ZERO),
        cash=cash,
        cost_basis=sum((holding.basis or ZERO for holding in known), ZERO),
        gain=sum((holding.unrealized_gain or ZERO for holding in known), ZERO),
        day_change=sum((holding.day_change or ZERO for holding in positions), ZERO),
        holdings=len(positions),
        unknown_basis=len(positions) - len(known),
    )


def _added(subtotals: Sequence[Subtotal]) -> tuple[Subtotal, ...]:
    currencies = sorted({subtotal.currency for subtotal in subtotals})
    return tuple(_sum([part for part in subtotals if part.currency == currency]) for currency in currencies)


def _sum(parts: Sequence[Subtotal]) -> Subtotal:
    return Subtotal(
        currency=parts[0].currency,
        value=sum((part.value for part in parts), ZERO),
        cash=sum((part.cash for part in parts), ZERO),
        cost_basis=sum((part.cost_basis for part in parts), ZERO),
        gain=sum((part.gain for part in parts), ZERO),
        day_change=sum((part.day_change for part in parts), ZERO),
        holdings=sum(part.holdings for part in parts),
        unknown_basis=sum(part.unknown_basis for part in parts),
    )

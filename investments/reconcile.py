"""Where transactions and the brokerage's holdings part, why, and the opening balance that would bring them together."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from investments import manual
from investments.core.lot import WIDE
from investments.core.lot_events import Row
from investments.core.lot_history import AccountLots, shorted_in
from investments.core.shortfall import Shortfall, shortfall
from investments.filters import securities_of
from investments.ledger import Refused, StaleVersion
from investments.lot_records import Ledger, lots_of, read_ledger
from investments.models import Account, Security, Transaction

ZERO: Final = Decimal(0)
UNSETTLED_DAYS: Final = timedelta(days=5)
RATIOS: Final = ("2", "3", "4", "5", "10", "20", "0.5", "0.25", "0.2", "0.125", "0.1", "0.05")
SPLIT_RATIOS: Final = frozenset(Decimal(ratio) for ratio in RATIOS)
MISSING: Final = "missing_transactions"
SPLIT: Final = "unbooked_split"
UNSETTLED: Final = "unsettled_trade"
GONE: Final = "missing_sale"
NEVER_BOUGHT: Final = "never_bought"
CAUSES: Final = (MISSING, SPLIT, UNSETTLED, GONE, NEVER_BOUGHT)
OPENING_BALANCE: Final = ("transfer", "opening balance")


@dataclass(frozen=True, slots=True)
class Difference:
    """`derived`: what the transactions alone come to; `held`: what the brokerage says.

    `opening` units, before `before`, would explain the rest; None where more transactions than holdings are known.
    `cost`: what the brokerage's own basis leaves for them, if anything.
    """

    account: Account
    security: Security
    held: Decimal
    derived: Decimal
    cause: str
    opening: Decimal | None
    before: date | None
    cost: Decimal | None

    @property
    def difference(self) -> Decimal:
        """Units that the brokerage has more than the transactions say."""
        return self.held - self.derived


def differences(*, owner_id: int, today: date, account_ids: Iterable[int] | None = None) -> list[Difference]:
    """By account and security. Of accounts kept by hand, sales of what was never bought."""
    ledger = read_ledger(owner_id=owner_id)
    history = lots_of(ledger)
    wanted = set(ledger.books if account_ids is None else account_ids)
    pairs = {
        (account_id, security_id): history[account_id]
        for account_id in sorted(wanted & history.keys())
        for security_id in sorted({*history[account_id].openings, *history[account_id].unexplained})
    }
    sold = _shortfalls(ledger, {account_id: history[account_id] for account_id in sorted(wanted & history.keys())})
    both = [*pairs, *sold]
    accounts = Account.objects.filter(owner_id=owner_id).select_related("institution").in_bulk({a for a, _ in both})
    securities = Security.objects.in_bulk({security for _, security in both})
    recent = _recent(ledger.rows, today)
    found = [
        _difference(accounts[account], securities[security], lots, ledger, recent)
        for (account, security), lots in pairs.items()
    ]
    return found + [
        _never_bought(accounts[account], securities[security], history[account], short)
        for (account, security), short in sold.items()
    ]


def accept_opening(
    *, account: Account, security: Security, quantity: Decimal, on: date, cost: Decimal | None
) -> Transaction:
    """Record an opening balance, its cost in the security's currency as that of its lots is.

    The same one again changes nothing. Raises Refused, which names the field.
    """
    told = manual.Told(
        account=account,
        type=OPENING_BALANCE[0],
        subtype=OPENING_BALANCE[1],
        date=on,
        security=security,
        quantity=quantity,
        amount=cost or ZERO,
        currency=security.currency,
        name=f"Opening balance of {security}",
    )
    try:
        return manual.add_transaction(told=told, external_id=f"opening-{account.pk}-{security.pk}-{on}")
    except StaleVersion as stale:
        raise Refused("Another opening balance of that day is recorded: correct that one", field="date") from stale


def _difference(
    account: Account, security: Security, lots: AccountLots, ledger: Ledger, recent: Mapping[tuple[int, int], Decimal]
) -> Difference:
    held = _held(ledger, account.pk, security.pk)
    opening = lots.openings.get(security.pk)
    total = sum((lot.quantity for lot in lots.lots.get(security.pk, ())), ZERO)
    from_opening = sum((lot.quantity for lot in lots.lots.get(security.pk, ()) if not lot.opened_by), ZERO)
    derived = total - from_opening - _closed_opening(lots, security.pk)
    moved = recent.get((account.pk, security.pk), ZERO)
    return Difference(
        account=account,
        security=security,
        held=held,
        derived=derived,
        cause=_cause(held, derived, moved, has_opening=opening is not None),
        opening=None if opening is None else opening.quantity,
        before=None if opening is None else opening.opened,
        cost=None if opening is None else opening.cost,
    )


def _shortfalls(ledger: Ledger, history: Mapping[int, AccountLots]) -> dict[tuple[int, int], Shortfall]:
    """By account and security, of accounts whose holdings nobody tells; what is sold short is meant."""
    meant = shorted_in(ledger.rows)
    found = {}
    for account, of in history.items():
        for security in sorted({*of.lots, *of.closings}) if ledger.books[account].held is None else ():
            short = shortfall(of.lots.get(security, ()), of.closings.get(security, ()))
            if short and (account, security) not in meant:
                found[account, security] = short
    return found


def _never_bought(account: Account, security: Security, lots: AccountLots, short: Shortfall) -> Difference:
    """The account is its own witness: it holds what its transactions come to."""
    total = sum((lot.quantity for lot in lots.lots.get(security.pk, ())), ZERO)
    before = short.since - timedelta(days=1)
    return Difference(account, security, total, total, NEVER_BOUGHT, short.units, before, None)


def _closed_opening(lots: AccountLots, security: int) -> Decimal:
    """Units of the opening that were sold since: without it, the transactions would stand that much lower."""
    return sum((each.quantity for each in lots.closings.get(security, ()) if not each.opened_by), ZERO)


def _held(ledger: Ledger, account: int, security: int) -> Decimal:
    held = ledger.books[account].held or {}
    return held[security].quantity if security in held else ZERO


def _recent(rows: Iterable[Row], today: date) -> dict[tuple[int, int], Decimal]:
    moved: dict[tuple[int, int], Decimal] = {}
    for row in rows:
        if row.day >= today - UNSETTLED_DAYS:
            key = (row.account, row.security)
            moved[key] = moved.get(key, ZERO) + row.quantity
    return moved


def _cause(held: Decimal, derived: Decimal, moved: Decimal, *, has_opening: bool) -> str:
    if moved and held - derived == -moved:
        return UNSETTLED
    if derived and WIDE.divide(held, derived) in SPLIT_RATIOS:
        return SPLIT
    return MISSING if has_opening else GONE


def describe(cause: str) -> str:
    """The cause in words."""
    return {
        MISSING: "Bought before the first transaction that the institution lists.",
        SPLIT: "A split that is not booked would explain it.",
        UNSETTLED: "A trade of the last days that the brokerage has not settled yet.",
        GONE: "The institution has fewer: a sale or a transfer out is missing.",
        NEVER_BOUGHT: "More was sold than was ever bought: what was there before the first transaction is missing.",
    }[cause]


def owned(*, owner: Any, account_id: int, security_id: int) -> tuple[Account, Security] | None:
    """The owner's account and a security in it; None where there is none such."""
    account = Account.objects.for_user(owner).filter(pk=account_id).first()
    security = securities_of(owner).filter(pk=security_id).first()
    return (account, security) if account and security else None

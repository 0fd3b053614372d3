"""From what a source told to a row that the ledger can keep, or a refusal that names the field."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from investments.core import precision
from investments.core.effects import normalise
from investments.entries import TransactionEntry
from investments.ledger.currencies import whole_transaction
from investments.models import Account, Security, Transaction

EARLIEST = date(1950, 1, 1)
# A source east of us may be a day ahead.
AHEAD = timedelta(days=1)
_FIT = {
    "quantity": precision.quantity,
    "price": precision.quantity,
    "amount": precision.money,
    "fees": precision.money,
}


class Refused(ValueError):
    """An entry cannot be stored; `field` is the one that is wrong."""

    def __init__(self, message: str, *, field: str) -> None:
        super().__init__(message)
        self.field = field


def draft(
    entry: TransactionEntry,
    *,
    accounts: Mapping[str, Account],
    securities: Mapping[str, Security],
    source: str,
    today: date,
) -> Transaction:
    """An unsaved first version of the row, signs repaired. Raises Refused."""
    entry = whole_transaction(entry)
    account, security = _account(entry, accounts), _security(entry, securities)
    _check_ids(entry)
    _check_dates(entry, today)
    numbers = _numbers(entry)
    repaired = normalise(
        type=entry.type, subtype=entry.subtype or None, is_cash=bool(security and security.is_cash), **numbers
    )
    currency, currency_repairs = _currency(entry, account)
    return Transaction(
        owner_id=account.owner_id,
        account=account,
        security=security,
        external_id=entry.external_id,
        type=entry.type[:20],
        subtype=entry.subtype[:60],
        date=entry.date,
        settles_on=entry.settles_on,
        executed_at=_aware(entry.executed_at),
        name=entry.name[:500],
        quantity=_fit("quantity", repaired.quantity),
        price=numbers["price"],
        amount=_fit("amount", repaired.amount),
        fees=numbers["fees"],
        currency=currency,
        source=source,
        cancels_external_id=entry.cancels_external_id[:100],
        repairs=[*entry.repairs, *repaired.repairs, *currency_repairs],
    )


def _account(entry: TransactionEntry, accounts: Mapping[str, Account]) -> Account:
    account = accounts.get(entry.account_external_id)
    if account is None:
        raise Refused(f"Unknown account {entry.account_external_id!r}", field="account")
    return account


def _security(entry: TransactionEntry, securities: Mapping[str, Security]) -> Security | None:
    if not entry.security_external_id:
        return None
    security = securities.get(entry.security_external_id)
    if security is None:
        raise Refused(f"Unknown security {entry.security_external_id!r}", field="security")
    return security


def _check_ids(entry: TransactionEntry) -> None:
    if not entry.external_id or len(entry.external_id) > 100:
        raise Refused("An id has 1 to 100 characters", field="external_id")
    if not entry.type:
        raise Refused("A type is needed", field="type")


def _check_dates(entry: TransactionEntry, today: date) -> None:
    if entry.date > today + AHEAD:
        raise Refused(f"{entry.date} is in the future", field="date")
    if entry.date < EARLIEST:
        raise Refused(f"{entry.date} is before {EARLIEST}", field="date")
    if entry.settles_on and entry.settles_on < entry.date:
        raise Refused(f"Settles on {entry.settles_on}, before it was traded on {entry.date}", field="settles_on")


def _numbers(entry: TransactionEntry) -> dict[str, Decimal]:
    return {name: _fit(name, getattr(entry, name)) for name in _FIT}


def _fit(name: str, value: Decimal) -> Decimal:
    try:
        return _FIT[name](value)
    except precision.DoesNotFit as problem:
        raise Refused(str(problem), field=name) from problem


def _currency(entry: TransactionEntry, account: Account) -> tuple[str, list[str]]:
    if entry.currency:
        return entry.currency[:20], []
    return account.currency, [f"currency: missing, taken from the account: {account.currency}"]


def _aware(moment: datetime | None) -> datetime | None:
    """Sources that tell no offset tell UTC."""
    return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment

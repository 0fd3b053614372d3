"""Accounts for tests, written through the ledger in a few words."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from django.db import connection

from history.models import AccountHistory
from investments import ledger
from investments.entries import AccountEntry, HoldingEntry, InstitutionEntry, SecurityEntry, TransactionEntry
from investments.models import Account

CASH = SecurityEntry("cash-usd", name="U.S. dollars", ticker_symbol="CUR:USD", type="cash", iso_currency_code="USD")
# How many sessions wait for a lock in this database; the others of the server are other tests'.
WAITING = """
SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE NOT granted AND datname = current_database()
"""


def stock(ticker: str, **fields: Any) -> SecurityEntry:
    """A US share whose source's id is its ticker."""
    return SecurityEntry(
        **{"external_id": ticker, "name": ticker, "ticker_symbol": ticker, "type": "equity", "iso_currency_code": "USD"}
        | fields
    )


def holding(
    security: SecurityEntry, quantity: Any, price: Any = 1, *, as_of: date | None = None, **fields: Any
) -> HoldingEntry:
    """What the brokerage says of a position; its value is quantity x price unless given."""
    value = fields.pop("value", Decimal(str(quantity)) * Decimal(str(price)))
    return HoldingEntry(
        account_external_id="",
        security_external_id=security.external_id,
        quantity=Decimal(str(quantity)),
        institution_price=Decimal(str(price)),
        institution_value=Decimal(str(value)),
        institution_price_as_of=as_of,
        **fields,
    )


def row(
    kind: str, day: date, amount: Any, security: SecurityEntry | None = None, quantity: Any = 0, **fields: Any
) -> TransactionEntry:
    """A transaction of `type/subtype`; its id follows from what it is."""
    type_, _, subtype = kind.partition("/")
    name = security.external_id if security else ""
    return TransactionEntry(
        **{"external_id": f"{kind} {name} {day} {amount} {quantity}"} | fields,
        account_external_id="",
        type=type_,
        subtype=subtype,
        date=day,
        amount=Decimal(str(amount)),
        security_external_id=name,
        quantity=Decimal(str(quantity)),
        price=abs(Decimal(str(amount)) / Decimal(str(quantity))) if quantity else Decimal(0),
    )


def book(
    owner: Any,
    name: str = "Brokerage",
    *,
    securities: Sequence[SecurityEntry] = (),
    holdings: Iterable[HoldingEntry] = (),
    transactions: Iterable[TransactionEntry] = (),
    on: date,
    **account: Any,
) -> Account:
    """An account of the owner with these holdings and transactions, as a sync on that day would leave it."""
    institution = ledger.upsert_institution(entry=InstitutionEntry("ins", "Broker"))
    known = ledger.upsert_securities(source="plaid", entries=[CASH, *securities]).by_external_id
    accounts = ledger.upsert_accounts(
        owner_id=owner.pk, institution=institution, source="plaid", entries=[AccountEntry(name, name, **account)]
    ).by_external_id
    named: dict[str, Any] = {"accounts": accounts, "securities": known, "source": "plaid"}
    found = ledger.replace_holdings(entries=[_of(name, one) for one in holdings], now=noon(on), **named)
    written = ledger.record_transactions(entries=[_of(name, one) for one in transactions], today=on, **named)
    assert not [finding for finding in (*found.findings, *written.findings) if finding.kind == "refused"]
    return Account.objects.get(pk=accounts[name].pk)


def _of(account: str, entry: Any) -> Any:
    values = {name: getattr(entry, name) for name in entry.__slots__}
    return type(entry)(**values | {"account_external_id": account})


def noon(day: date) -> datetime:
    """Noon in New York or an hour off it: the day is the same there and in UTC."""
    return datetime.combine(day, time(17), UTC)


def evening(day: date) -> datetime:
    """After the session's closes are final, in New York's winter or summer."""
    return datetime.combine(day, time(21, 45), UTC)


def days_of(account: Account | int) -> dict[date, tuple[Any, ...]]:
    """The stored history of an account: {day: (value, cash, cost basis, net flow, income, fees, count, quality)}."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT day, value, cash, cost_basis, net_flow, income, fees, securities_count, quality "
            "FROM history_accountday WHERE account_id = %s ORDER BY day",
            [getattr(account, "pk", account)],
        )
        return {day: tuple(figures) for day, *figures in cursor.fetchall()}


def values_of(account: Account | int) -> dict[date, Decimal]:
    return {day: figures[0] for day, figures in days_of(account).items()}


def checksum(account_ids: Iterable[int]) -> str:
    """Of every stored figure of the accounts' histories."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT md5(string_agg(d::text, '|' ORDER BY account_id, day)) FROM history_accountday d "
            "WHERE account_id = ANY(%s)",
            [list(account_ids)],
        )
        return str(cursor.fetchone()[0])


def state_of(account: Account) -> AccountHistory:
    return AccountHistory.objects.get(pk=account.pk)

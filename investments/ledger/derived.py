"""Holdings and cash of accounts that no source reports them of: kept by hand, or known from files.

They are what the transactions leave. Units and cost are those of the account's tax lots, with all that companies did to
them; cash is a sum by kind of transaction. Cash of another currency is a holding.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import date
from decimal import Decimal
from itertools import groupby
from operator import attrgetter
from typing import Final

from django.db.models import Case, Q, Sum, When
from django.utils import timezone

from investments.core.effects import deltas, effect_of
from investments.core.lot import WIDE, Lot
from investments.core.lot_events import is_near, is_plain_cash
from investments.core.lot_history import AccountLots
from investments.entries import HoldingEntry, SecurityEntry
from investments.filters import IS_CASH
from investments.ledger.holdings import replace_holdings
from investments.ledger.securities import upsert_securities
from investments.lot_records import lots_of, read_ledger
from investments.models import Account, CorporateAction, Security, Transaction
from investments.models.transaction import TransactionQuerySet
from investments.rates import rates_of
from portfolio_site.lib.sessions import today

ZERO: Final = Decimal(0)
SELF_KEPT: Final = frozenset({Security.Source.CSV, Security.Source.MANUAL})
Priced = tuple[date, Decimal]
_GROWTH: Final = frozenset({"split", "stock_dividend"})


def derive_holdings(*, account_ids: Collection[int]) -> None:
    """Bring holdings and cash of those of the accounts that are self-kept to what their transactions leave.

    Runs within `together`, before the accounts' versions are raised.
    """
    accounts = Account.objects.filter(pk__in=account_ids, source__in=SELF_KEPT, closed_at=None)
    for owner_id, own in groupby(accounts.order_by("owner_id", "pk"), key=attrgetter("owner_id")):
        books = lots_of(read_ledger(owner_id=owner_id))
        for account in own:
            _derive(account, books[account.pk])


def _derive(account: Account, book: AccountLots) -> None:
    rows = Transaction.objects.current().filter(account=account)
    cash = _cash(rows)
    for currency, amount in _paid(book, rows).items():
        cash[currency] += amount
    own = cash.pop(account.currency, ZERO)
    held = _held(book, _last_prices(rows))
    entries = [*held, *(_cash_entry(currency, amount) for currency, amount in sorted(cash.items()) if amount)]
    replace_holdings(
        accounts={"": account},
        securities=_named(entries),
        source=account.source,
        entries=entries,
        now=timezone.now(),
    )
    Account.objects.filter(pk=account.pk).update(
        uninvested_cash=own,
        cash_source=Account.CashSource.BALANCE,
        sync_state=Account.SyncState.MANUAL,
        synced_at=timezone.now(),
    )


def _cash(rows: TransactionQuerySet) -> dict[str, Decimal]:
    """{currency: cash}. A kind of transaction moves cash in proportion to its amount, so that sums will do."""
    no_units = Q(quantity=0) | IS_CASH
    groups = (
        rows.order_by()
        .values("currency", "type", "subtype", has_units=Case(When(no_units, then=False), default=True))
        .annotate(total=Sum("amount"))
    )
    cash: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for group in groups:
        kind = {"type": group["type"], "subtype": group["subtype"]}
        units = Decimal(1) if group["has_units"] else ZERO
        cash[group["currency"]] += deltas(**kind, quantity=units, amount=group["total"]).cash
    return cash


def _paid(book: AccountLots, rows: TransactionQuerySet) -> dict[str, Decimal]:
    """{currency: cash} of what companies paid (buyouts, fractions), but for what the owner has entered as cash."""
    if not book.paid:
        return {}
    entered = rows.filter(quantity=0, amount__lt=0, security__in={one.security for one in book.paid})
    cash_rows = [
        (security, day)
        for security, day, type, subtype in entered.values_list("security", "date", "type", "subtype")
        if is_plain_cash(effect_of(type, subtype or None))
    ]
    securities = Security.objects.in_bulk({one.security for one in book.paid})
    found: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for one in book.paid:
        if not any(security == one.security and is_near(day, one.day) for security, day in cash_rows):
            found[securities[one.security].currency] += one.amount
    return found


def _last_prices(rows: TransactionQuerySet) -> dict[int, Priced]:
    """{security: when it was last traded, and at what price}, in units of today."""
    priced = rows.exclude(security=None).exclude(IS_CASH).filter(price__gt=0)
    last = priced.order_by("security_id", "-date", "-pk").distinct("security_id").select_related("security")
    prices = _in_their_currency(last)
    growth = CorporateAction.objects.filter(
        security__in=prices, kind__in=_GROWTH, ratio__gt=0, voided_at=None, ex_date__lte=today()
    )
    for security, ex_date, ratio in growth.values_list("security", "ex_date", "ratio"):
        day, price = prices[security]
        if day < ex_date:
            prices[security] = day, WIDE.divide(price, ratio)
    return prices


def _in_their_currency(rows: Iterable[Transaction]) -> dict[int, Priced]:
    """The prices in the currency of their security, as holdings have them; none where nobody knows the rate."""
    traded = {row.security: row for row in rows if row.security}
    rates = rates_of((row.currency, security.currency, row.date) for security, row in traded.items())
    prices: dict[int, Priced] = {}
    for security, row in traded.items():
        rate = rates[(row.currency, security.currency, row.date)]
        if rate is not None:
            prices[security.pk] = row.date, WIDE.multiply(row.price, rate)
    return prices


def _held(book: AccountLots, prices: Mapping[int, Priced]) -> list[HoldingEntry]:
    held = {pk: sum((lot.quantity for lot in lots), ZERO) for pk, lots in sorted(book.lots.items())}
    securities = Security.objects.in_bulk([pk for pk, quantity in held.items() if quantity])
    return [_entry(row, book.lots[pk], held[pk], prices.get(pk)) for pk, row in sorted(securities.items())]


def _entry(security: Security, lots: Iterable[Lot], quantity: Decimal, priced: Priced | None) -> HoldingEntry:
    """The last price that was traded at stands until the market's own is known. A short's cost is what came in."""
    day, price = priced or (None, ZERO)
    costs = [lot.cost for lot in lots]
    cost = None if None in costs else sum((cost for cost in costs if cost is not None), ZERO)
    return HoldingEntry(
        account_external_id="",
        security_external_id=str(security.pk),
        quantity=quantity,
        institution_price=price,
        institution_value=quantity * price * security.multiplier,
        institution_price_as_of=day,
        cost_basis=-cost if cost is not None and quantity < 0 else cost,
    )


def _cash_entry(currency: str, amount: Decimal) -> HoldingEntry:
    return HoldingEntry(
        account_external_id="",
        security_external_id=f"CUR:{currency}",
        quantity=amount,
        institution_price=Decimal(1),
        institution_value=amount,
    )


def _named(entries: Iterable[HoldingEntry]) -> dict[str, Security]:
    names = {entry.security_external_id for entry in entries}
    currencies = [
        SecurityEntry(name, name=name[4:], ticker_symbol=name, type="cash", iso_currency_code=name[4:7])
        for name in sorted(names)
        if name.startswith("CUR:")
    ]
    found = dict(upsert_securities(source=Security.Source.CSV, entries=currencies).by_external_id) if currencies else {}
    known = Security.objects.filter(pk__in=[int(name) for name in names if name.isdecimal()])
    return found | {str(row.pk): row for row in known}

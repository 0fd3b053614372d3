"""One security as somebody holds it: quote, a year of closes with their trades, positions, lots, activity, income."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from history.core.adjust import Event, split_adjusted
from history.income import SecurityIncome, income_report
from history.market.quotes import LastQuote, last_quote
from history.models import MarketSymbol, Price, SymbolAction
from history.positions import Position, positions
from history.valuation import AccountWorth, market_today
from investments import tax
from investments.filters import securities_of
from investments.models import Holding, Security, Transaction
from investments.models.transaction import TransactionQuerySet

YEAR = timedelta(days=365)
RECENT_ROWS, ACTION_ROWS = 8, 8
TRADES = ("buy", "sell")
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class PriceLine:
    """A year of closes divided by later splits, oldest first; `units`: bought less sold at each of them, as booked."""

    days: Sequence[date]
    closes: Sequence[Decimal]
    units: Sequence[Decimal]

    @property
    def change_fraction(self) -> float | None:
        return float(self.closes[-1] / self.closes[0] - 1) if len(self.closes) > 1 and self.closes[0] else None

    @property
    def bounds(self) -> tuple[Decimal, Decimal]:
        """Lowest and highest close."""
        return min(self.closes), max(self.closes)


@dataclass(frozen=True, slots=True)
class SecurityDetails:
    """`securities` are all that one symbol prices, or that share a ticker. Money of `position` and `income` in the
    base currency, of everything else in the security's. `position` None: no longer held."""

    security: Security
    securities: Sequence[Security]
    symbol: MarketSymbol | None
    quote: LastQuote | None
    prices: PriceLine | None
    position: Position | None
    lots: Sequence[tax.OpenLot]
    activity: Sequence[Transaction]
    activity_count: int
    income: SecurityIncome | None
    actions: Sequence[SymbolAction]


def find_security(*, owner: Any, account_ids: Sequence[int], security_id: int) -> Security | None:
    """The security, where one of these accounts of the owner holds it or has a transaction in it."""
    security = Security.objects.select_related("mapping__symbol").filter(pk=security_id).first()
    if security is None or security.is_cash:
        return None
    mine = {"account__in": account_ids, "security": security}
    known = (
        Holding.objects.for_user(owner).filter(**mine).exists() or _ledger(owner, account_ids, [security.pk]).exists()
    )
    return security if known else None


def security_details(
    *, owner: Any, security: Security, account_ids: Sequence[int], worths: Sequence[AccountWorth], total_value: Decimal,
    currency: str,
) -> SecurityDetails:  # fmt: skip
    """Everything of one security over these accounts; `worths` are theirs, `total_value` what a weight is of."""
    today, symbol = market_today(), _symbol_of(security)
    same = _same(owner, security, symbol)
    ids = [one.pk for one in same]
    rows = _ledger(owner, account_ids, ids)
    actions = _actions(symbol, today)
    report = income_report(account_ids=account_ids, currency=currency, worths=worths)
    lots = tax.open_lots(owner=owner, account_ids=account_ids).filter(security__in=ids)
    return SecurityDetails(
        security=security,
        securities=same,
        symbol=symbol,
        quote=last_quote(symbol) if symbol else None,
        prices=_price_line(symbol, rows, actions, today) if symbol else None,
        position=_position(ids, worths, total_value),
        lots=tax.priced(list(lots), today=today),
        activity=list(rows.newest_first().select_related("account__institution", "security")[:RECENT_ROWS]),
        activity_count=rows.count(),
        income=next((one for one in report.securities if one.security.pk in ids), None),
        actions=[action for action in actions if action.ex_date > today - 2 * YEAR][:ACTION_ROWS],
    )


def _ledger(owner: Any, account_ids: Sequence[int], security_ids: Sequence[int]) -> TransactionQuerySet:
    mine = Transaction.objects.for_user(owner).current()
    return mine.filter(account__in=account_ids, security__in=security_ids)


def _symbol_of(security: Security) -> MarketSymbol | None:
    mapping = getattr(security, "mapping", None)
    return mapping.symbol if mapping else None


def _same(owner: Any, security: Security, symbol: MarketSymbol | None) -> list[Security]:
    """As `positions` tells what is one: by symbol, else by ticker and type; of those that the owner has."""
    if symbol is not None:
        return list(securities_of(owner).filter(mapping__symbol=symbol).order_by("pk"))
    if not security.ticker_symbol:
        return [security]
    alike = securities_of(owner).filter(ticker_symbol__iexact=security.ticker_symbol, type=security.type)
    return list(alike.filter(mapping__symbol=None).order_by("pk"))


def _actions(symbol: MarketSymbol | None, today: date) -> list[SymbolAction]:
    """Newest first; what is announced counts."""
    if symbol is None:
        return []
    told = SymbolAction.objects.filter(symbol=symbol, voided=False, ex_date__gt=today - 2 * YEAR)
    return list(told.order_by("-ex_date", "kind"))


def _price_line(
    symbol: MarketSymbol, rows: TransactionQuerySet, actions: Sequence[SymbolAction], today: date
) -> PriceLine | None:  # fmt: skip
    """None with fewer than two closes."""
    priced = Price.objects.filter(symbol=symbol, day__gt=today - YEAR, day__lte=today).order_by("day")
    found = list(priced.values_list("day", "close"))
    if len(found) < 2:
        return None
    days = [day for day, _ in found]
    splits = [Event(one.ex_date, ratio=one.ratio) for one in actions if one.kind == "split" and one.ratio]
    closes = split_adjusted(days, [close for _, close in found], [one for one in splits if one.ex_date <= today])
    units = [ZERO] * len(days)
    for day, quantity in rows.filter(type__in=TRADES, date__gte=days[0]).values_list("date", "quantity"):
        # A trade of a day without a close stands at the one before.
        units[bisect_right(days, day) - 1] += quantity
    return PriceLine(days, closes, units)


def _position(ids: Sequence[int], worths: Sequence[AccountWorth], total_value: Decimal) -> Position | None:
    held = positions(worths=worths, total_value=total_value)
    return next((position for position in held if position.security_id in ids), None)

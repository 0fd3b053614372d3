"""The drawer of `/holdings/?security=12`: one security in full, over the accounts in scope."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any

from django.db import transaction
from django.http import Http404, HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.formats import date_format
from django.utils.http import urlencode

from history.core.freshness import Freshness
from history.market.quotes import LastQuote, claim_due
from history.models import SymbolAction
from history.security_details import PriceLine, SecurityDetails, find_security, security_details
from history.tasks import enqueue_quotes
from history.valuation import AccountWorth, Worth
from investments.kinds import SECURITY_KINDS, security_label, security_name, transaction_kind
from investments.models import Security, Transaction
from investments.pages.panels import Panel, read_panel
from investments.pages.scope import Scope

LAST_ID = 2**63 - 1
BONDS = (("coupon_rate", "Coupon"), ("yield_rate", "Yield"))
ACTION_WORDS = {
    SymbolAction.Kind.SPLIT: "Split",
    SymbolAction.Kind.SPIN_OFF: "Spin-off",
    SymbolAction.Kind.CASH_DIVIDEND: "Dividend",
    SymbolAction.Kind.STOCK_DIVIDEND: "Stock dividend",
    SymbolAction.Kind.SPECIAL_DIVIDEND: "Special dividend",
}


@dataclass(frozen=True, slots=True)
class Fact:
    term: str
    value: str


@dataclass(frozen=True, slots=True)
class Activity:
    """A line of the ledger; `amount` as it changed cash."""

    pk: int
    date: date
    kind: str
    account_name: str
    quantity: Decimal
    price: Decimal
    amount: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class Action:
    """`ratio` new units per old one, or `amount` a unit."""

    day: date
    kind: str
    ratio: Decimal | None
    amount: Decimal | None
    is_ahead: bool


@dataclass(frozen=True, slots=True)
class MonthClose:
    """What the table behind the chart holds: the last close of a month, and what was traded in it."""

    day: date
    close: Decimal
    bought: Decimal
    sold: Decimal


@dataclass(frozen=True, slots=True)
class Drawer:
    """What `_drawer.html` draws."""

    details: SecurityDetails
    label: str
    name: str
    freshness: Freshness | None
    facts: tuple[Fact, ...]
    activity: tuple[Activity, ...]
    actions: tuple[Action, ...]
    months: tuple[MonthClose, ...]
    series: dict[str, Any] | None

    @property
    def hidden_activity(self) -> int:
        return self.details.activity_count - len(self.activity)

    @property
    def activity_url(self) -> str:
        ticker = self.details.security.ticker_symbol
        query = {"ticker": ticker} if ticker else {"q": self.details.security.name}
        return f"{reverse('transactions')}?{urlencode(query)}"


def asked_security(request: HttpRequest, scope: Scope) -> Security | None:
    """The security that the address names, None where it names none. Raises Http404 for one that is not the user's."""
    text = request.GET.get("security", "")
    if not text:
        return None
    is_id = text.isascii() and text.isdigit() and int(text[:20]) <= LAST_ID
    found = is_id and find_security(owner=request.user, account_ids=scope.account_ids, security_id=int(text))
    if not found:
        raise Http404("No such security in these accounts.")
    return found


def drawer(
    request: HttpRequest, security: Security, scope: Scope, worths: Sequence[AccountWorth], total: Worth
) -> Panel[Drawer]:
    load = partial(_drawer, request, security, scope, worths, total)
    variant = f"{security.pk} {total.currency}"
    return read_panel("drawer", load, user_id=request.user.pk, scope=scope, variant=variant)


def _drawer(
    request: HttpRequest, security: Security, scope: Scope, worths: Sequence[AccountWorth], total: Worth
) -> Drawer:
    details = security_details(
        owner=request.user,
        security=security,
        account_ids=scope.account_ids,
        worths=worths,
        total_value=total.value,
        currency=total.currency,
    )
    if details.symbol:
        _ask_when_due(details)
    return Drawer(
        details=details,
        label=security_label(security),
        name=security_name(security),
        freshness=details.quote.freshness(timezone.now()) if details.quote else None,
        facts=tuple(_facts(details)),
        activity=tuple(_activity(row) for row in details.activity),
        actions=tuple(_action(action) for action in details.actions),
        months=tuple(_months(details.prices)) if details.prices else (),
        series=_series(details.prices, security.currency) if details.prices else None,
    )


def _ask_when_due(details: SecurityDetails) -> None:
    """Nobody waits for a provider: a worker asks, and the next look has the answer."""
    now = timezone.now()
    quote: LastQuote | None = details.quote
    if details.symbol and (quote is None or quote.is_due(now)):
        due = claim_due([details.symbol], now=now)
        transaction.on_commit(lambda: enqueue_quotes(due) if due else None)


def _facts(details: SecurityDetails) -> Iterator[Fact]:
    """Metadata, terms of options and bonds too; what nobody told is left out."""
    security, symbol = details.security, details.symbol
    told = {
        "Kind": SECURITY_KINDS.get(security.type, "Other").removesuffix("s"),
        "Sector": security.sector,
        "Industry": security.industry,
        "Exchange": security.market_identifier_code,
        "Currency": security.currency,
        "CUSIP": security.cusip,
        "ISIN": security.isin,
        **_option_terms(security),
        **_bond_terms(security.fixed_income or {}),
        "Priced as": str(symbol) if symbol else "the brokerage says",
    }
    return (Fact(term, value) for term, value in told.items() if value)


def _option_terms(security: Security) -> dict[str, str]:
    if not security.is_option:
        return {}
    expires, strike = security.option_expiration_date, security.option_strike_price
    return {
        "Contract": security.option_contract_type.capitalize(),
        "Underlying": security.option_underlying_ticker,
        "Strike": "" if strike is None else f"{strike.normalize():f}",
        "Expires": _day(expires),
        "Contract size": f"{security.multiplier:f}",
    }


def _bond_terms(terms: dict[str, Any]) -> dict[str, str]:
    rates = {label: (terms.get(name) or {}).get("percentage") for name, label in BONDS}
    face = terms.get("face_value")
    return {
        **{label: "" if rate is None else f"{rate:.2f}%" for label, rate in rates.items()},
        "Face value": "" if face is None else f"{face:,.2f}",
        "Issued": _day(parse_date(terms.get("issue_date") or "")),
        "Matures": _day(parse_date(terms.get("maturity_date") or "")),
    }


def _day(day: date | None) -> str:
    return date_format(day, "j M Y") if day else ""


def _activity(row: Transaction) -> Activity:
    return Activity(
        pk=row.pk,
        date=row.date,
        kind=transaction_kind(row.type, row.subtype),
        account_name=row.account.name,
        quantity=row.quantity,
        price=row.price,
        amount=-row.amount,
        currency=row.currency,
    )


def _action(action: SymbolAction) -> Action:
    is_ahead = action.ex_date > timezone.localdate()
    return Action(action.ex_date, ACTION_WORDS[action.kind], action.ratio, action.cash_per_unit, is_ahead)


def _months(prices: PriceLine) -> Iterator[MonthClose]:
    """Newest first."""
    found: dict[tuple[int, int], MonthClose] = {}
    for day, close, units in zip(prices.days, prices.closes, prices.units, strict=True):
        before = found.get((day.year, day.month))
        bought, sold = (before.bought, before.sold) if before else (Decimal(0), Decimal(0))
        found[day.year, day.month] = MonthClose(day, close, bought + max(units, 0), sold - min(units, 0))
    return reversed(found.values())


def _series(prices: PriceLine, currency: str) -> dict[str, Any]:
    """What chart.js draws: a price, and the trades on it."""
    first, length = prices.closes[0], len(prices.days)
    return {
        "kind": "price",
        "currency": currency,
        "dates": [day.isoformat() for day in prices.days],
        "values": [float(close) for close in prices.closes],
        "percent": [float(close / first - 1) if first else 0.0 for close in prices.closes],
        "flows": [0] * length,
        "quality": [1] * length,
        "estimated": [False] * length,
        "trades": [float(units) for units in prices.units],
    }

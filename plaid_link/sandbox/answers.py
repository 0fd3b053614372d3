"""From an institution's books to Plaid's objects: items, accounts, holdings, securities, transactions."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache
from typing import Any, Final

from portfolio_site.lib import sessions

from . import identifiers
from .clock import Clock
from .errors import PlaidError
from .institutions import INSTITUTIONS
from .state import Item
from .users import BUILT_IN, books_of, custom_books, instruments
from .users.records import AccountBooks, Entry, Position, UserBooks

MONTHS_24: Final = timedelta(days=730)
AVAILABLE: Final = ("assets", "balance", "identity", "transactions")


def books(item: Item, clock: Clock) -> UserBooks:
    """What the institution shows now: priced at the last closed session."""
    if item.config is not None:
        return _custom(Configured(item.item_id, item.config), clock.today())
    if item.username not in BUILT_IN:
        raise PlaidError("INVALID_CREDENTIALS")
    yesterday = clock.now().date() - timedelta(days=1)  # in UTC, where coins end their day
    return books_of(item.username, item.linked_day, sessions.last_closed_session(clock.now()), yesterday)


@dataclass(frozen=True, slots=True)
class Configured:
    """A custom user's JSON under the name of its item, by which its books are remembered."""

    item_id: str
    config: Mapping[str, Any] = field(compare=False)


@lru_cache(maxsize=64)
def _custom(given: Configured, today: date) -> UserBooks:
    return custom_books(given.config, today)


def account_id(item: Item, account: AccountBooks) -> str:
    return identifiers.named(item.item_id, account.key)


def security_id(symbol: str, known: Mapping[str, Any]) -> str:
    """The same for everybody, unless a custom user names it."""
    return str(known.get("security_id") or identifiers.named("security", symbol))


# --- Items and accounts ---


def item_error(item: Item) -> dict[str, Any] | None:
    if item.revoked:
        return PlaidError("USER_PERMISSION_REVOKED").body()
    return PlaidError("ITEM_LOGIN_REQUIRED").body() if item.login_required else None


def item_object(item: Item) -> dict[str, Any]:
    """Plaid's Item."""
    return {
        "item_id": item.item_id,
        "institution_id": item.institution_id,
        "institution_name": INSTITUTIONS[item.institution_id].name,
        "webhook": item.webhook or "",
        "error": item_error(item),
        "available_products": [product for product in AVAILABLE if product not in item.products],
        "billed_products": item.products,
        "products": item.products,
        "consented_products": item.products,
        "consent_expiration_time": item.consent_expires_at,
        "update_type": "background",
    }


def account_object(item: Item, account: AccountBooks, *, with_margin: bool) -> dict[str, Any]:
    """Plaid's account; `with_margin` for the investment endpoints."""
    balances = {
        "available": account.available,
        "current": account.current,
        "limit": account.limit,
        "iso_currency_code": account.currency,
        "unofficial_currency_code": None,
    }
    if with_margin:
        balances["margin_loan_amount"] = account.margin_loan
    return {
        "account_id": account_id(item, account),
        "balances": balances,
        "mask": account.mask,
        "name": account.name,
        "official_name": account.official_name,
        "type": account.type,
        "subtype": account.subtype,
        "holder_category": "personal",
    }


def chosen(item: Item, shown: UserBooks, account_ids: list[str] | None) -> tuple[AccountBooks, ...]:
    """The accounts asked for, or all. Raises PlaidError for an id that is not the item's."""
    if account_ids is None:
        return shown.accounts
    by_id = {account_id(item, account): account for account in shown.accounts}
    if not set(account_ids) <= set(by_id):
        raise PlaidError("INVALID_ACCOUNT_ID")
    return tuple(by_id[wanted] for wanted in dict.fromkeys(account_ids))


# --- Holdings and securities ---


def known_security(shown: UserBooks, symbol: str) -> Mapping[str, Any]:
    return shown.securities.get(symbol) or instruments.described(symbol)


def holding_object(item: Item, account: AccountBooks, position: Position, shown: UserBooks) -> dict[str, Any]:
    """Plaid's Holding."""
    vested = account.subtype == "401k"
    return {
        "account_id": account_id(item, account),
        "security_id": security_id(position.symbol, known_security(shown, position.symbol)),
        "institution_price": position.price,
        "institution_price_as_of": position.price_as_of.isoformat() if position.price_as_of else None,
        "institution_price_datetime": None,
        "institution_value": position.value,
        "cost_basis": position.cost_basis,
        "quantity": position.quantity,
        "iso_currency_code": position.currency,
        "unofficial_currency_code": None,
        "vested_quantity": position.quantity if vested else None,
        "vested_value": position.value if vested else None,
        **position.extra,
    }


def security_objects(shown: UserBooks, symbols: Iterable[str], day: date) -> list[dict[str, Any]]:
    """Plaid's Securities for the symbols, each once, with the last close up to `day`."""
    return [_security_object(shown, symbol, day) for symbol in dict.fromkeys(symbols)]


def _security_object(shown: UserBooks, symbol: str, day: date) -> dict[str, Any]:
    known = known_security(shown, symbol)
    body = {"security_id": security_id(symbol, known), **known}
    if symbol not in shown.securities:
        as_of, close = instruments.price_on(symbol, day)
        body |= {"close_price": close, "close_price_as_of": as_of.isoformat()}
    return body


# --- Transactions ---


def transaction_object(item: Item, account: AccountBooks, entry: Entry, shown: UserBooks) -> dict[str, Any]:
    """Plaid's InvestmentTransaction."""
    symbol = entry.symbol
    return {
        "investment_transaction_id": transaction_id(item, account, entry.ordinal),
        "account_id": account_id(item, account),
        "security_id": None if symbol is None else security_id(symbol, known_security(shown, symbol)),
        "date": entry.day.isoformat(),
        "transaction_datetime": None,
        "name": entry.name,
        "quantity": entry.quantity,
        "amount": entry.amount,
        "price": entry.price,
        "fees": entry.fees,
        "type": entry.type,
        "subtype": entry.subtype,
        "iso_currency_code": entry.currency,
        "unofficial_currency_code": None,
        "cancel_transaction_id": None if entry.cancels is None else transaction_id(item, account, entry.cancels),
        **entry.extra,
    }


def transaction_id(item: Item, account: AccountBooks, ordinal: int) -> str:
    return identifiers.named(item.item_id, account.key, "transaction", ordinal)


def entries_between(
    accounts: Iterable[AccountBooks], start: date, end: date, today: date
) -> list[tuple[AccountBooks, Entry]]:
    """The rows from `start` to `end` within the last 24 months, newest first."""
    first = max(start, today - MONTHS_24)
    found = [(account, entry) for account in accounts for entry in account.entries if first <= entry.day <= end]
    return sorted(found, key=lambda pair: (pair[1].day, pair[0].key, pair[1].ordinal), reverse=True)

"""Custom users: accounts, holdings and transactions given as JSON, in the format of Plaid's sandbox.

Beyond Plaid's fields a holding, a transaction and a security may carry any field of Plaid's answer: it is then
answered as given, which is how tests bring in nulls and unknown types.
"""

import json
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final

from portfolio_site.lib import simulated_market as market

from ..errors import PlaidError
from . import instruments
from .life import cents
from .records import CASH, ZERO, AccountBooks, Entry, Position, UserBooks

GIVEN_HOLDING: Final = frozenset(
    {"institution_price", "institution_price_as_of", "quantity", "cost_basis", "currency", "security"}
)
GIVEN_ENTRY: Final = frozenset({"date", "name", "quantity", "price", "fees", "type", "currency", "security"})
SUBTYPES: Final = {"buy": "buy", "sell": "sell", "cash": "deposit", "fee": "account fee", "transfer": "transfer"}


def custom_books(config: Mapping[str, Any], today: date) -> UserBooks:
    """The books that a custom user's JSON describes. Raises PlaidError for what is not such JSON."""
    try:
        securities: dict[str, dict[str, Any]] = {}
        rows = config.get("override_accounts") or []
        return UserBooks(
            accounts=tuple(_account(row, number, today, securities) for number, row in enumerate(rows)),
            securities=securities,
        )
    except (AttributeError, TypeError, ValueError, ArithmeticError, KeyError) as error:
        raise PlaidError("INVALID_FIELD", f"override_password is not a custom user: {error!r}") from error


def parsed(password: str) -> dict[str, Any]:
    """The JSON in `override_password`, numbers that are not whole kept as text. Raises PlaidError."""
    try:
        config = json.loads(password, parse_float=str)
    except ValueError as error:
        raise PlaidError("INVALID_FIELD", "override_password must be JSON for user_custom") from error
    if not isinstance(config, dict):
        raise PlaidError("INVALID_FIELD", "override_password must be a JSON object for user_custom")
    return config


def _account(row: Mapping[str, Any], number: int, today: date, securities: dict[str, dict[str, Any]]) -> AccountBooks:
    meta = row.get("meta") or {}
    currency = row.get("currency") or "USD"
    positions = tuple(_position(holding, today, currency, securities) for holding in row.get("holdings") or [])
    entries = tuple(
        _entry(given, ordinal, currency, securities)
        for ordinal, given in enumerate(row.get("investment_transactions") or [])
    )
    total = sum((position.value for position in positions), ZERO)
    return AccountBooks(
        key=f"custom-{number}",
        name=meta.get("name") or f"Plaid {row.get('subtype') or 'Account'}",
        official_name=meta.get("official_name"),
        type=row.get("type") or "investment",
        subtype=row.get("subtype") or "brokerage",
        mask=_mask(row, meta, number),
        current=_decimal(row.get("starting_balance"), total),
        available=_decimal(row.get("force_available_balance"), None),
        limit=_decimal(meta.get("limit"), None),
        currency=currency,
        positions=positions,
        entries=entries,
    )


def _mask(row: Mapping[str, Any], meta: Mapping[str, Any], number: int) -> str:
    account_number = (row.get("numbers") or {}).get("account")
    return str(meta.get("mask") or (account_number or f"{number:04d}")[-4:])


def _decimal(given: Any, default: Decimal | None) -> Any:
    return default if given is None else Decimal(str(given))


def _position(given: Mapping[str, Any], today: date, currency: str, securities: dict[str, dict[str, Any]]) -> Position:
    quantity, price = Decimal(str(given.get("quantity", 0))), Decimal(str(given.get("institution_price", 0)))
    as_of = given.get("institution_price_as_of")
    symbol = _security(given.get("security") or {}, price, as_of, securities)
    return Position(
        symbol=symbol,
        quantity=quantity,
        price=price,
        price_as_of=date.fromisoformat(as_of) if as_of else today,
        value=cents(quantity * price * _multiplier(given)),
        cost_basis=_decimal(given.get("cost_basis"), None),
        currency=given.get("currency") or currency,
        extra={key: _value(value) for key, value in given.items() if key not in GIVEN_HOLDING},
    )


def _multiplier(given: Mapping[str, Any]) -> Decimal:
    return instruments.multiplier((given.get("security") or {}).get("ticker_symbol") or "")


def _entry(given: Mapping[str, Any], ordinal: int, currency: str, securities: dict[str, dict[str, Any]]) -> Entry:
    kind = given.get("type", "buy")
    quantity, price, fees = (Decimal(str(given.get(name) or 0)) for name in ("quantity", "price", "fees"))
    symbol = _security(given["security"], None, None, securities) if given.get("security") else None
    sign = -1 if kind == "sell" else 1
    gross = cents((abs(quantity) if kind == "sell" else quantity) * price * _multiplier(given))
    return Entry(
        ordinal=ordinal,
        day=date.fromisoformat(given["date"]),
        type=kind,
        subtype=SUBTYPES.get(kind, kind),
        name=given.get("name", ""),
        symbol=symbol,
        quantity=quantity,
        price=price,
        amount=sign * gross + fees,
        fees=fees,
        currency=given.get("currency") or currency,
        extra={key: _value(value) for key, value in given.items() if key not in GIVEN_ENTRY},
    )


def _value(given: Any) -> Any:
    """Numbers that were kept as text are numbers again."""
    if isinstance(given, str):
        try:
            return Decimal(given) if any(character.isdigit() for character in given) else given
        except ArithmeticError:
            return given
    return given


def _security(
    given: Mapping[str, Any], price: Decimal | None, as_of: str | None, securities: dict[str, dict[str, Any]]
) -> str:
    """The key under which a given security is filed, enriched from its ticker as Plaid does."""
    identity = [given.get(name) for name in ("security_id", "ticker_symbol", "cusip", "isin", "sedol", "name")]
    key = "custom:" + json.dumps(identity)
    known = securities.setdefault(key, _enriched(given))
    if price is not None and "close_price" not in given:
        known |= {"close_price": price, "close_price_as_of": as_of}
    return key


def _enriched(given: Mapping[str, Any]) -> dict[str, Any]:
    ticker = given.get("ticker_symbol") or ""
    known = instruments.described(market.canonical(ticker) if ticker else "")
    if not _is_known(ticker):
        known |= {"name": ticker or None, "cusip": None, "isin": None, "sector": None, "industry": None}
    currency = given.get("currency") or "USD"
    overrides = {name: _field(name, value) for name, value in given.items() if name != "currency"}
    return {**known, "ticker_symbol": ticker or None, "iso_currency_code": currency, **overrides}


def _field(name: str, value: Any) -> Any:
    return _value(value) if name == "close_price" else value


def _is_known(ticker: str) -> bool:
    return ticker == CASH or market.canonical(ticker) in market.UNIVERSE or bool(market.option_terms(ticker))

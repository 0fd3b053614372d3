"""Prices in pence beside values in pounds: what some institutions tell of one row in two units.

A code says what a row is in (GBX), or wrongly says nothing of it (GBP with a price of the exchange, which is pence).
Units, price and value tell: where the value is a hundredth of units times price, the price alone is in pence.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal

from investments.core.currencies import HUNDREDTH, ONE, QUOTED_IN_MINOR, major
from investments.entries import AccountEntry, HoldingEntry, SecurityEntry, TransactionEntry
from investments.ledger.currencies import noted, remark, times, whole_holding, whole_security, whole_transaction

NEAR = Decimal("0.05")
BALANCES = ("balance_current", "balance_available", "balance_limit", "margin_loan_amount")

Securities = Mapping[str, SecurityEntry]


def account(entry: AccountEntry) -> AccountEntry:
    """The account with its balances in the currency."""
    code, unit = major(entry.currency)
    return entry if unit == ONE else replace(entry, **times(entry, BALANCES, unit), currency=code)


def holding(entry: HoldingEntry, securities: Securities) -> HoldingEntry:
    """The holding with price and value in the currency; it is that of its security where it tells none."""
    told = replace(entry, currency=_currency(entry, securities))
    if not _holds_price_alone(told, securities):
        return whole_holding(told)
    metadata = noted(told.source_metadata, remark("price", "a hundredth", major(told.currency)[0]))
    price = told.institution_price * HUNDREDTH
    return replace(told, institution_price=price, currency=major(told.currency)[0], source_metadata=metadata)


def transaction(entry: TransactionEntry, securities: Securities) -> TransactionEntry:
    """The transaction with price, amount and fees in the currency."""
    paid = abs(entry.amount) - entry.fees
    if not _price_alone(entry.currency, paid, entry.quantity, entry.price, _of(entry, securities)):
        return whole_transaction(entry)
    code = major(entry.currency)[0]
    repairs = (*entry.repairs, remark("price", "a hundredth", code))
    return replace(entry, price=entry.price * HUNDREDTH, currency=code, repairs=repairs)


def security(entry: SecurityEntry, as_told: Iterable[HoldingEntry]) -> SecurityEntry:
    """The security with its close in the currency. `as_told`: its holdings whose price alone was in pence."""
    whole = whole_security(entry)
    if whole is not entry or entry.close_price is None:
        return whole
    prices = [row.institution_price for row in as_told]
    in_pence = any(price / 10 < entry.close_price < price * 10 for price in prices)
    return replace(entry, close_price=entry.close_price * HUNDREDTH) if in_pence else entry


def priced_alone(holdings: Iterable[HoldingEntry], securities: Securities) -> dict[str, list[HoldingEntry]]:
    """By security: the holdings, as told, whose price alone is in pence."""
    found: dict[str, list[HoldingEntry]] = {}
    for row in holdings:
        if _holds_price_alone(row, securities):
            found.setdefault(row.security_external_id, []).append(row)
    return found


def _holds_price_alone(row: HoldingEntry, securities: Securities) -> bool:
    code, security = _currency(row, securities), _of(row, securities)
    return _price_alone(code, row.institution_value, row.quantity, row.institution_price, security)


def _price_alone(code: str, value: Decimal, quantity: Decimal, price: Decimal, security: SecurityEntry | None) -> bool:
    """Whether the value is in pounds and the price in pence. Bonds per 100 of par look alike; options never do."""
    if major(code)[0] not in QUOTED_IN_MINOR or security is None or not _is_share(security):
        return False
    product = abs(quantity * price) * HUNDREDTH
    return bool(product) and abs(abs(value) / product - 1) < NEAR


def _is_share(security: SecurityEntry) -> bool:
    return security.type not in ("fixed income", "cash") and not security.is_option


def _of(row: HoldingEntry | TransactionEntry, securities: Securities) -> SecurityEntry | None:
    return securities.get(row.security_external_id)


def _currency(row: HoldingEntry, securities: Securities) -> str:
    security = _of(row, securities)
    told = "" if security is None else security.iso_currency_code or security.unofficial_currency_code
    return row.currency or told

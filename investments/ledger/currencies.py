"""What comes in a hundredth of a currency is kept in the currency: pence as pounds, whichever way they come in.

Prices, values, bases and amounts are multiplied together with the change of the code, so that doing it twice does
nothing. Securities, holdings and transactions each have a code of their own.
"""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from investments.core.currencies import ONE, major
from investments.entries import HoldingEntry, SecurityEntry, TransactionEntry

HOLDING_MONEY: Final = ("institution_price", "institution_value", "cost_basis", "vested_value")
TRANSACTION_MONEY: Final = ("price", "amount", "fees")


def whole_security(entry: SecurityEntry) -> SecurityEntry:
    """The security with its close in the currency."""
    code, unit = major(entry.iso_currency_code or entry.unofficial_currency_code)
    if unit == ONE:
        return entry
    return replace(entry, **times(entry, ("close_price",), unit), iso_currency_code=code, unofficial_currency_code="")


def whole_holding(entry: HoldingEntry) -> HoldingEntry:
    """The holding with its price, value and basis in the currency."""
    code, unit = major(entry.currency)
    if unit == ONE:
        return entry
    metadata = noted(entry.source_metadata, remark("price and value", entry.currency, code))
    return replace(entry, **times(entry, HOLDING_MONEY, unit), currency=code, source_metadata=metadata)


def whole_transaction(entry: TransactionEntry) -> TransactionEntry:
    """The transaction with its price, amount and fees in the currency."""
    code, unit = major(entry.currency)
    if unit == ONE:
        return entry
    repairs = (*entry.repairs, remark("amount", entry.currency, code))
    return replace(entry, **times(entry, TRANSACTION_MONEY, unit), currency=code, repairs=repairs)


def times(entry: object, names: Sequence[str], unit: Decimal) -> dict[str, Decimal | None]:
    """The named figures multiplied; what is not told stays so."""
    told = {name: getattr(entry, name) for name in names}
    return {name: None if value is None else value * unit for name, value in told.items()}


def noted(metadata: dict[str, Any], repair: str) -> dict[str, Any]:
    """The metadata with one more repair."""
    return {**metadata, "repairs": [*metadata.get("repairs", []), repair]}


def remark(what: str, told: str, kept: str) -> str:
    """The repair in words."""
    return f"{what}: told in {told}, kept in {kept}"

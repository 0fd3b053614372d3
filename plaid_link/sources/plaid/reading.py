"""From Plaid's JSON to the ledger's vocabulary. A row that cannot be read is refused and the rest goes on."""

from collections.abc import Callable, Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeVar

from investments.core.effects import effect_of
from investments.entries import AccountEntry, Finding, HoldingEntry, InstitutionEntry, SecurityEntry, TransactionEntry

# `brokerage` is what Plaid called `investment` before 2018.
INVESTMENT_TYPES = frozenset({"investment", "brokerage"})
TRADES = frozenset({"buy", "sell"})
# Beyond these nothing is meant, and arithmetic on it would raise.
LARGEST, SMALLEST = Decimal("1E28"), Decimal("1E-28")

Row = dict[str, Any]
Answer = dict[str, Any]
Entry = TypeVar("Entry")


class Unreadable(ValueError):
    """A row without something that it cannot be understood without; `field` names it."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def read(
    rows: Iterable[Any], reader: Callable[[Row], Entry], *, kind: str, id_field: str
) -> tuple[list[Entry], list[Finding]]:
    """The entries of the rows that can be read, and a finding for each that cannot."""
    entries, findings, _ = sorted_out(rows, reader, kind=kind, id_field=id_field)
    return entries, findings


def sorted_out(
    rows: Iterable[Any], reader: Callable[[Row], Entry], *, kind: str, id_field: str
) -> tuple[list[Entry], list[Finding], list[Any]]:
    """The same, and the rows that cannot be read."""
    entries: list[Entry] = []
    findings: list[Finding] = []
    refused: list[Any] = []
    for number, row in enumerate(rows):
        name = f"{kind} {row.get(id_field) or number}" if isinstance(row, dict) else f"{kind} {number}"
        try:
            entries.append(reader(_object(row, kind)))
        except Unreadable as problem:
            findings.append(Finding("refused", str(problem), row=name, field=problem.field))
            refused.append(row)
    return entries, findings, refused


def institution(row: Row) -> InstitutionEntry:
    return InstitutionEntry(
        external_id=text(row, "institution_id", required=True),
        name=text(row, "name") or text(row, "institution_id"),
        url=text(row, "url"),
        primary_color=text(row, "primary_color"),
    )


def account(row: Row) -> AccountEntry:
    balances = _object(row.get("balances") or {}, "balances")
    return AccountEntry(
        external_id=text(row, "account_id", required=True),
        name=text(row, "name") or "Account",
        official_name=text(row, "official_name"),
        mask=text(row, "mask"),
        type=text(row, "type"),
        subtype=text(row, "subtype"),
        currency=currency(balances) or "USD",
        balance_current=known_number(balances, "current"),
        balance_available=known_number(balances, "available"),
        balance_limit=known_number(balances, "limit"),
        margin_loan_amount=known_number(balances, "margin_loan_amount"),
    )


def security(row: Row) -> SecurityEntry:
    option = _object(row.get("option_contract") or {}, "option_contract")
    return SecurityEntry(
        external_id=text(row, "security_id", required=True),
        name=text(row, "name"),
        ticker_symbol=text(row, "ticker_symbol"),
        cusip=text(row, "cusip"),
        isin=text(row, "isin"),
        sedol=text(row, "sedol"),
        type=text(row, "type") or "other",
        subtype=text(row, "subtype"),
        is_cash_equivalent=row.get("is_cash_equivalent") is True,
        close_price=known_number(row, "close_price"),
        close_price_as_of=day(row, "close_price_as_of"),
        iso_currency_code=text(row, "iso_currency_code"),
        unofficial_currency_code=text(row, "unofficial_currency_code"),
        market_identifier_code=text(row, "market_identifier_code"),
        sector=text(row, "sector"),
        industry=text(row, "industry"),
        cfi_code=text(row, "cfi_code"),
        institution_security_id=text(row, "institution_security_id"),
        institution_external_id=text(row, "institution_id"),
        proxy_external_id=text(row, "proxy_security_id"),
        option_contract_type=text(option, "contract_type"),
        option_strike_price=known_number(option, "strike_price"),
        option_expiration_date=day(option, "expiration_date"),
        option_underlying_ticker=text(option, "underlying_security_ticker"),
        fixed_income=_json(row.get("fixed_income")),
    )


def holding(row: Row) -> HoldingEntry:
    """A price or a value that is missing follows from the other; without both the row says nothing."""
    quantity = needed(row, "quantity")
    price, value = number(row, "institution_price"), number(row, "institution_value")
    metadata: dict[str, Any] = {}
    if price is None and value is None:
        raise Unreadable("institution_price", "Neither a price nor a value")
    if value is None:
        value, metadata["institution_value"] = quantity * (price or 0), "from quantity and price"
    if price is None:
        price, metadata["institution_price"] = (value / quantity if quantity else Decimal(0)), "from value and quantity"
    return HoldingEntry(
        account_external_id=text(row, "account_id", required=True),
        security_external_id=text(row, "security_id", required=True),
        quantity=quantity,
        institution_price=price,
        institution_value=value,
        institution_price_as_of=day(row, "institution_price_as_of"),
        cost_basis=number(row, "cost_basis"),
        vested_quantity=number(row, "vested_quantity"),
        vested_value=number(row, "vested_value"),
        currency=currency(row),
        source_metadata=metadata,
    )


def transaction(row: Row) -> TransactionEntry:
    kind, subtype = text(row, "type"), text(row, "subtype")
    repairs = _odd_kind(kind, subtype)
    quantity, price = number(row, "quantity") or Decimal(0), number(row, "price") or Decimal(0)
    amount = number(row, "amount")
    if amount is None:
        amount = quantity * price
        repairs.append(f"amount: missing, {amount} from quantity and price")
    if kind in TRADES and amount and not quantity:
        repairs.append("quantity: 0 although cash moved; the cash counts")
    when = day(row, "date")
    if when is None:
        raise Unreadable("date", "A date is needed")
    return TransactionEntry(
        external_id=text(row, "investment_transaction_id", required=True),
        account_external_id=text(row, "account_id", required=True),
        security_external_id=text(row, "security_id"),
        type=kind or "other",
        subtype=subtype,
        date=when,
        executed_at=_moment(row, "transaction_datetime"),
        name=text(row, "name"),
        quantity=quantity,
        price=price,
        amount=amount,
        fees=number(row, "fees") or Decimal(0),
        currency=currency(row),
        cancels_external_id=text(row, "cancel_transaction_id"),
        repairs=tuple(repairs),
    )


def _odd_kind(kind: str, subtype: str) -> list[str]:
    """Remarks on a type that is missing or that we do not know."""
    if not kind:
        return ["type: missing, kept as other"]
    if effect_of(kind, subtype or None).known:
        return []
    return [f"type: {' / '.join(filter(None, (kind, subtype)))} is unknown, quantity and amount count as given"]


def currency(row: Row) -> str:
    """Exactly one of the two is set; empty where neither is."""
    return text(row, "iso_currency_code") or text(row, "unofficial_currency_code")


def text(row: Row, name: str, *, required: bool = False) -> str:
    """Text without NUL, which PostgreSQL cannot store; empty for null."""
    value = row.get(name)
    if value is None or value == "":
        if required:
            raise Unreadable(name, "Missing")
        return ""
    if not isinstance(value, str):
        raise Unreadable(name, "Not text")
    return value.replace("\x00", "")


def number(row: Row, name: str) -> Decimal | None:
    """Exactly the digits that were sent; None for null."""
    value = row.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise Unreadable(name, "Not a number")
    exact = Decimal(value)
    if exact and not SMALLEST < abs(exact) < LARGEST:
        raise Unreadable(name, f"{exact:.3E} is absurd")
    return exact


def known_number(row: Row, name: str) -> Decimal | None:
    """A number that is nice to have: None rather than losing the row for it."""
    try:
        return number(row, name)
    except Unreadable:
        return None


def needed(row: Row, name: str) -> Decimal:
    value = number(row, name)
    if value is None:
        raise Unreadable(name, "Missing")
    return value


def day(row: Row, name: str) -> date | None:
    given = text(row, name)
    try:
        return date.fromisoformat(given) if given else None
    except ValueError:
        raise Unreadable(name, f"{given[:30]!r} is not a date") from None


def moment(given: str) -> datetime | None:
    """An ISO timestamp; None where it is empty or cannot be read, for a moment is never needed."""
    try:
        return datetime.fromisoformat(given) if given else None
    except ValueError:
        return None


def _moment(row: Row, name: str) -> datetime | None:
    return moment(text(row, name))


def _object(value: Any, kind: str) -> Row:
    if not isinstance(value, dict):
        raise Unreadable(kind, "Not an object")
    return value


def _json(value: Any) -> dict[str, Any] | None:
    """A JSON object for a JSON column: numbers as text, so that no digit is lost."""
    if not isinstance(value, dict):
        return None
    return {name: _plain(part) for name, part in value.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    return str(value) if isinstance(value, Decimal | int) and not isinstance(value, bool) else value

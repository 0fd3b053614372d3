"""Lines of an import as they are kept in chunks, and back as entries of the ledger."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from investments.entries import TransactionEntry
from plaid_link.sources.csv import Draft, LeftOut, Line, Refusal

NEW, KNOWN, REFUSED, LEFT_OUT = "new", "known", "refused", "left_out"


def left_out(row: int, reason: str) -> dict[str, Any]:
    """A row that moves nothing."""
    return {"row": row, "state": LEFT_OUT, "message": reason}


def as_json(line: Line) -> dict[str, Any]:
    """`state` is new, refused or left_out; the rest by what the line is. Empty parts are left out of drafts."""
    if isinstance(line, LeftOut):
        return left_out(line.row, line.reason)
    if isinstance(line, Refusal):
        return {
            "row": line.row,
            "state": REFUSED,
            "column": line.column,
            "message": line.message,
            "code": line.code,
            "value": line.value,
        }
    return _draft(line)


def _draft(line: Draft) -> dict[str, Any]:
    parts = {
        "row": line.row,
        "state": NEW,
        "id": line.external_id,
        "day": line.day.isoformat(),
        "type": line.type,
        "subtype": line.subtype,
        "key": line.instrument.key if line.instrument else "",
        "quantity": _text(line.quantity),
        "price": _text(line.price),
        "amount": format(line.amount, "f"),
        "fees": _text(line.fees),
        "name": line.name,
        "currency": line.currency,
        "settles_on": line.settles_on.isoformat() if line.settles_on else "",
        "remarks": list(line.remarks),
    }
    return {name: value for name, value in parts.items() if value not in ("", [])}


def _text(number: Decimal) -> str:
    return format(number, "f") if number else ""


def entry_of(line: Mapping[str, Any], *, currency: str) -> TransactionEntry:
    """A new line as the ledger takes it; its security is named by the key that the file has for it."""
    return TransactionEntry(
        line["id"],
        account_external_id="",
        type=line["type"],
        subtype=line["subtype"],
        date=date.fromisoformat(line["day"]),
        security_external_id=line.get("key", ""),
        settles_on=date.fromisoformat(line["settles_on"]) if line.get("settles_on") else None,
        name=line.get("name", ""),
        quantity=Decimal(line.get("quantity", 0)),
        price=Decimal(line.get("price", 0)),
        amount=Decimal(line["amount"]),
        fees=Decimal(line.get("fees", 0)),
        currency=line.get("currency") or currency,
        repairs=tuple(line.get("remarks", ())),
    )

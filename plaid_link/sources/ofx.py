"""OFX and QFX statements of investment accounts, read by ofxparse, into the lines that CSV files become too."""

import io
from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from ofxparse import OfxParser
from ofxparse.ofxparse import OfxParserException

from investments.core.currencies import told_code
from plaid_link.sources.csv.drafting import EARLIEST, SOON, Told
from plaid_link.sources.csv.instruments import instrument
from plaid_link.sources.csv.kinds import KINDS
from plaid_link.sources.csv.layouts.base import LeaveOut, line_of
from plaid_link.sources.csv.reading import Options, Question, Reading
from plaid_link.sources.csv.rows import Instrument, Line, Refusal, Refused
from plaid_link.sources.csv.text import Unreadable

LAYOUT: Final = "ofx"
_TRADES: Final = {"buy": "buy", "sell": "sell", "reinvest": "reinvest"}
_KINDS: Final = {"retofcap": "return_of_capital", "margininterest": "margin_interest", "invexpense": "fee",
                 "split": "split", "transfer": "transfer", "jrnlsec": "transfer", "closureopt": "expire"}  # fmt: skip
# What is traded, by the end of the trade's name: of other securities nothing is known but ticker and number.
_TYPES: Final = {"debt": "fixed income", "mf": "mutual fund"}
_INCOME: Final = {"DIV": "dividend", "INTEREST": "interest", "CGLONG": "long_gain", "CGSHORT": "short_gain",
                  "MISC": "dividend"}  # fmt: skip

Known = tuple[dict[str, Any], dict[str, str]]  # the file's securities, and types, by their id


def is_ofx(data: bytes) -> bool:
    """Whether a file is in this format: its header or its first element says so."""
    start = data[:4096].lstrip(b"\xef\xbb\xbf \r\n\t").upper()
    return start.startswith(b"OFXHEADER") or b"<OFX>" in start


def read(data: bytes, *, options: Options, today: date, most_rows: int) -> Reading:
    """The investment transactions of one account. Raises Unreadable."""
    if b"\0" in data:
        raise Unreadable("The file holds NUL characters: it is damaged, or is no text.")
    accounts, securities = _parsed(data)
    numbers = tuple(str(account.account_id) for account in accounts)
    if len(accounts) > 1 and options.account not in numbers:
        question = Question("account", "The file is of several accounts. Which one is this import for?", numbers)
        return Reading(LAYOUT, questions=(question,))
    chosen = next((one for one in accounts if str(one.account_id) == options.account), accounts[0])
    if len(chosen.statement.transactions) > most_rows:
        raise Unreadable(f"The file has more than {most_rows:,} rows. Export it in shorter periods.")
    if not chosen.statement.transactions and not chosen.statement.discarded_entries:
        raise Unreadable("The statement has no transactions.")
    return Reading(LAYOUT, lines=_lines(chosen.statement, securities, today))


def _parsed(data: bytes) -> tuple[list[Any], dict[str, Any]]:
    try:
        told = OfxParser.parse(io.BytesIO(data), fail_fast=False)
    except (OfxParserException, ValueError, IndexError, AttributeError, LookupError, TypeError, InvalidOperation):
        raise Unreadable("The file begins like an OFX statement, but cannot be read as one.") from None
    accounts = [account for account in told.accounts if hasattr(account.statement, "positions")]
    if not accounts:
        raise Unreadable("This OFX file is of a bank or card account. Only investment accounts are imported.")
    return accounts, {one.uniqueid: one for one in getattr(told, "security_list", None) or []}


def _types(statement: Any) -> dict[str, str]:
    """{id of the security: type in the ledger}, where its trades tell: `buydebt`, `sellmf`."""
    ends = [(told, kind) for told in statement.transactions for end, kind in _TYPES.items() if _ends(told, end)]
    return {told.security: kind for told, kind in ends}


def _ends(told: Any, end: str) -> bool:
    return str(getattr(told, "type", "")).endswith(end) and bool(getattr(told, "security", ""))


def _lines(statement: Any, securities: dict[str, Any], today: date) -> Iterator[Line]:
    types = _types(statement)
    currency = told_code(str(getattr(statement, "currency", "") or ""))
    row = 0
    for row, told in enumerate(statement.transactions, start=1):
        yield _line(row, told, currency, (securities, types), today)
    for further, entry in enumerate(statement.discarded_entries, start=row + 1):
        yield Refusal(further, "", f"Cannot be read: {str(entry.get('error', ''))[:100]}")


def _line(row: int, told: Any, currency: str, known: Known, today: date) -> Line:
    def read() -> Told:
        is_bank = hasattr(told, "amount")
        return _cash(told, currency, today) if is_bank else _event(told, currency, known, today)

    return line_of(row, read)


def _cash(told: Any, currency: str, today: date) -> Told:
    """A movement of cash in and out of the account."""
    return Told(
        kind=KINDS["deposit"],
        day=_day(told.date, today),
        cash=_number(told.amount, "TRNAMT"),
        name=f"{told.payee} {told.memo}".strip(),
        currency=currency,
        external_id=_id(told),
    )


def _event(told: Any, currency: str, known: Known, today: date) -> Told:
    kind = _kind(told)
    settles = getattr(told.settleDate, "date", lambda: None)()
    return Told(
        kind=KINDS[kind],
        day=_day(told.tradeDate, today),
        cash=_number(told.total, "TOTAL") or None,
        quantity=_number(told.units, "UNITS"),
        price=_number(told.unit_price, "UNITPRICE") or None,
        fees=abs(_number(told.commission, "COMMISSION")) + abs(_number(told.fees, "FEES")),
        instrument=_instrument(told.security, *known),
        name=told.memo or told.type,
        currency=currency,
        settles_on=settles if kind in _TRADES.values() else None,
        external_id=_id(told),
    )


def _kind(told: Any) -> str:
    if told.type == "income":
        return _INCOME.get(str(told.income_type).upper(), "dividend")
    if told.type == "jrnlfund":
        raise LeaveOut("Moves cash between parts of the account")
    trade = next((kind for start, kind in _TRADES.items() if told.type.startswith(start)), "")
    kind = trade or _KINDS.get(told.type, "")
    if not kind:
        raise Refused(f"Unknown kind of row: {told.type!r}", column="type")
    return kind


def _instrument(unique_id: str, securities: dict[str, Any], types: dict[str, str]) -> Instrument | None:
    if not unique_id:
        return None
    known = securities.get(unique_id)
    number = unique_id.strip().upper()
    cusip, isin = (number if len(number) == 9 else ""), (number if len(number) == 12 else "")
    if known is None:
        return instrument("", "", types.get(unique_id, ""), cusip, isin)
    return instrument(str(known.ticker or ""), str(known.name or ""), types.get(unique_id, ""), cusip, isin)


def _day(moment: Any, today: date) -> date:
    if moment is None:
        raise Refused("A date is missing", column="DTTRADE")
    day: date = moment.date()
    if day > today + SOON:
        raise Refused(f"{day} is in the future", column="DTTRADE")
    if day < EARLIEST:
        raise Refused(f"{day} is before {EARLIEST}", column="DTTRADE")
    return day


def _number(value: Any, column: str) -> Decimal:
    with suppress(InvalidOperation, TypeError):
        number = Decimal(str(value))
        if number.is_finite():
            return number
    raise Refused(f"{str(value)[:40]!r} is not a number", column=column)


def _id(told: Any) -> str:
    """The broker's own id of the row; the same in every export."""
    number = str(getattr(told, "id", "") or "").strip()
    if not number:
        raise Refused("The row has no FITID", column="FITID")
    return f"ofx-{number}"[:100]

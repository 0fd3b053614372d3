"""Files that are broken, disguised or not to be believed: a clear word about what and where, or read as meant."""

import io
import zipfile
from decimal import Decimal

import pytest

from plaid_link.sources.csv import Draft, Options, Refusal, Unreadable
from plaid_link.tests.imports.sample import COLUMNS, GENERIC, HEADER, drafts, generic, lines, reading

BUY = "2025-01-05,Buy,KO,10,60.5,-605"
TABLE = f"{HEADER}\n{BUY}\n2025-01-06,Sell,KO,3,61.5,184.5\n"
D = Decimal


def _zip() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.csv", TABLE)
    return packed.getvalue()


@pytest.mark.parametrize(
    ("data", "row", "message"),
    [
        (b"", 0, "empty"),
        (b" \r\n\r\n", 0, "empty"),
        (_zip(), 0, "ZIP archive"),
        (b"\x1f\x8b\x08abc", 0, "compressed"),
        (b"%PDF-1.7", 0, "PDF"),
        (TABLE.replace("KO", "K\0O", 1).encode(), 2, "NUL"),
        (TABLE.replace("Buy", '"Buy', 1).encode(), 2, "never closed"),
        (TABLE.replace("Buy", '"B"uy', 1).encode(), 2, "quotation mark in the middle"),
        (TABLE.replace("Buy", "B" * 1_000_000, 1).encode(), 2, "far too long"),
        (TABLE.replace("Buy", "B" * 110_000, 1).encode(), 2, "110,000 characters"),
        (b"\x81\x8d\xff,\n1,2\n", 1, "cannot be read as UTF-8"),
        (b"just a line of words\nand another\n", 0, "No table"),
        (HEADER.encode() + b"\n", 0, "No table"),
        (b"Run Date,Action,Symbol,Quantity,Amount ($)\n\n", 0, "no rows under it"),
        (TABLE.replace("Shares", "Total").encode(), 1, "'total' is there twice"),
        ((HEADER + "\n" + f"{BUY}\n" * 10_001).encode(), 10_001, "more than 10,000 rows"),
        (TABLE.replace("2025-01-05", "13/01/2025").replace("2025-01-06", "01/13/2025").encode(), 0, "month first"),
        (TABLE.replace("60.5", '"1.060,5"').encode(), 0, "1.234,50"),
    ],
)
def test_a_file_that_cannot_be_read_says_why_and_where(data: bytes, row: int, message: str) -> None:
    with pytest.raises(Unreadable, match=message) as refused:
        lines(data, GENERIC)
    assert refused.value.row == row


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_encodings_and_line_ends(encoding: str, ending: str) -> None:
    data = TABLE.replace("KO", "CAFÉ").replace("\n", ending).encode(encoding)
    found = drafts(data, GENERIC)
    assert [row.quantity for row in found] == [10, -3]
    assert [row.instrument.key for row in found if row.instrument] == ["CAFÉ", "CAFÉ"]


def test_line_ends_may_be_mixed_and_delimiters_differ() -> None:
    mixed = f"{HEADER}\r\n{BUY}\n2025-01-06,Sell,KO,3,61.5,184.5\r".encode()
    assert len(drafts(mixed, GENERIC)) == 2
    for delimiter in ";\t|":
        assert len(drafts(TABLE.replace(",", delimiter).encode(), GENERIC)) == 2


def test_what_cannot_be_seen_is_not_part_of_a_symbol() -> None:
    (told,) = generic("2025-01-05,Buy,\u200bK\u202eO\u2066\ufeff,10,60.5,-605")
    assert isinstance(told, Draft)
    assert told.instrument
    assert told.instrument.key == "KO"


@pytest.mark.parametrize(
    ("row", "kinds"),
    [("01/02/2025,Buy,KO,10,60.5,-605", ["date_order"]), ('2025-01-05,Buy,KO,"1,234",,"-6,050"', ["decimal"])],
)
def test_what_can_be_read_in_two_ways_is_asked(row: str, kinds: list[str]) -> None:
    data = f"{HEADER}\n{row}\n".encode()
    assert [question.kind for question in reading(data, GENERIC).questions] == kinds
    answered = Options(columns=COLUMNS, date_order="dmy", decimal=".")
    (told,) = drafts(data, answered)
    assert (told.day.month, told.day.day) in {(2, 1), (1, 5)}


@pytest.mark.parametrize(
    ("row", "column", "message"),
    [
        ("2025-01-05,Buy,,10,60.5,-605", "Ticker", "security is missing"),
        ("2025-01-05,Buy,KO,,60.5,-605", "Shares", "missing"),
        ("2025-01-05,Buy,KO,0,60.5,-605", "Shares", "quantity is 0"),
        ("2025-01-05,Buy,KO,ten,60.5,-605", "Shares", "not a number"),
        ("2025-01-05,Buy,KO,1e15,60.5,-605", "Shares", "absurdly large"),
        ("2025-01-05,Buy,KO,10,-1,-605", "Cost", "below zero"),
        ("2025-01-05,Buy,KO,10,,", "Total", "neither price nor amount"),
        ("2025-01-05,Dividend,KO,,,", "Total", "missing"),
        ("2025-01-05,Dividend,KO,,,0", "Total", "amount is 0"),
        ("2027-01-05,Buy,KO,10,60.5,-605", "Date", "in the future"),
        ("1900-01-05,Buy,KO,10,60.5,-605", "Date", "before 1950"),
        ("2025-02-30,Buy,KO,10,60.5,-605", "Date", "not a date"),
        (",Buy,KO,10,60.5,-605", "Date", "missing"),
        ("2025-01-05,Frob,KO,10,60.5,-605", "Action", "Unknown kind"),
        ("2025-01-05,,KO,,60.5,-605", "Shares", "Nothing says"),
    ],
)
def test_a_row_that_cannot_be_names_row_and_column(row: str, column: str, message: str) -> None:
    good, refused = generic(BUY, row)
    assert isinstance(good, Draft)
    assert isinstance(refused, Refusal)
    assert (refused.row, refused.column) == (3, column)
    assert message in refused.message


def test_a_currency_that_does_not_exist_is_refused() -> None:
    data = f"{HEADER},Ccy\n{BUY},XYZ\n{BUY},EUR\n".encode()
    refused, told = lines(data, Options(columns={**COLUMNS, "currency": "Ccy"}))
    assert isinstance(refused, Refusal)
    assert (refused.column, refused.message) == ("Ccy", "Unknown currency 'XYZ'")
    assert isinstance(told, Draft)
    assert told.currency == "EUR"


def test_formulas_are_text_and_no_numbers() -> None:
    (refused,) = generic("2025-01-05,Buy,KO,=1+1,60.5,-605")
    assert isinstance(refused, Refusal)
    assert "=1+1" in refused.message

"""Sample files as the brokers write them, made up, and how tests read them."""

from dataclasses import replace
from datetime import date
from pathlib import Path

from plaid_link.sources.csv import Draft, Line, Options, Reading, read

FILES = Path(__file__).parent / "files"
TODAY = date(2026, 11, 20)
MOST = 10_000
HEADER = "Date,Action,Ticker,Shares,Cost,Total"
COLUMNS = {
    "date": "Date",
    "action": "Action",
    "symbol": "Ticker",
    "quantity": "Shares",
    "price": "Cost",
    "amount": "Total",
}
GENERIC = Options(columns=COLUMNS)


def sample(name: str) -> bytes:
    return (FILES / name).read_bytes()


def reading(data: bytes, options: Options | None = None) -> Reading:
    return read(data, options=options or Options(), today=TODAY, most_rows=MOST)


def lines(data: bytes, options: Options | None = None) -> list[Line]:
    return list(reading(data, options).lines)


def drafts(data: bytes, options: Options | None = None) -> list[Draft]:
    found = lines(data, options)
    return [line for line in found if isinstance(line, Draft)]


def generic(*rows: str, **options: object) -> list[Line]:
    """Rows under the generic header, read with its columns named."""
    told = replace(GENERIC, **options)  # type: ignore[arg-type]
    return lines("\n".join([HEADER, *rows]).encode(), told)

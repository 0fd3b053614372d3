"""Bytes into text: which encoding, and what is no text at all."""

import codecs
from dataclasses import dataclass
from typing import Final

_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_OTHER_FILES: Final = (
    (b"PK\x03\x04", "a ZIP archive or an Excel workbook. Unpack it, or save the sheet as CSV"),
    (b"\x1f\x8b", "compressed. Unpack it first"),
    (b"%PDF", "a PDF. Brokers offer the same activity as CSV"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook. Save the sheet as CSV"),
)
# Zero-width marks, and marks that turn the direction of text: nobody sees them, and AAPL with one is not AAPL.
INVISIBLE: Final = dict.fromkeys(
    [0x00AD, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2065), *range(0x2066, 0x206A), 0xFEFF]
)
_SAMPLE: Final = 4096


class Unreadable(ValueError):
    """A file cannot be read as a whole. The text is for its owner; `row` 0 is the whole file."""

    def __init__(self, message: str, *, row: int = 0, column: str = "") -> None:
        super().__init__(message)
        self.row = row
        self.column = column


@dataclass(frozen=True, slots=True)
class Decoded:
    text: str
    encoding: str


def decode(data: bytes) -> Decoded:
    """The text of a file. Raises Unreadable for what is empty, binary or in no encoding that brokers use."""
    if not data.strip():
        raise Unreadable("The file is empty.")
    for start, kind in _OTHER_FILES:
        if data.startswith(start):
            raise Unreadable(f"This is not a CSV file: it is {kind}.")
    decoded = _decoded(data, _encoding(data))
    if "\0" in decoded.text:
        line = decoded.text[: decoded.text.index("\0")].count("\n") + 1
        raise Unreadable(f"Row {line} holds a NUL character: the file is damaged, or is no text.", row=line)
    if not decoded.text.strip():
        raise Unreadable("The file is empty.")
    return decoded


def visible(cell: str) -> str:
    """The cell without invisible characters and without spaces around it."""
    return (cell if cell.isascii() else cell.translate(INVISIBLE)).strip()


def _encoding(data: bytes) -> str:
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return encoding
    sample = data[:_SAMPLE]
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    half = max(len(sample) // 2, 1)
    if odd > half * 0.4 and even < half * 0.1:
        return "utf-16-le"
    return "utf-16-be" if even > half * 0.4 and odd < half * 0.1 else ""


def _decoded(data: bytes, encoding: str) -> Decoded:
    for name in [encoding] if encoding else ["utf-8", "cp1252"]:
        try:
            return Decoded(data.decode(name), name)
        except UnicodeDecodeError as problem:
            last = problem
    line = data[: last.start].count(b"\n") + 1
    raise Unreadable(f"Row {line} cannot be read as UTF-8, UTF-16 or Windows-1252.", row=line)

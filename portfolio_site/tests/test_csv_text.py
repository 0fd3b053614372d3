import csv
import io

import pytest

from portfolio_site.lib.csv_text import csv_chunks, safe_cell


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+cmd", "-cmd", "@SUM(A1)", "\tx", "\rx", "-1,5", "+1-1", "-", "=", "-1e", "--1", "-0x1", "-1.", "- 1"],
)
def test_what_a_spreadsheet_would_run_is_text(text: str) -> None:
    assert safe_cell(text) == "'" + text


@pytest.mark.parametrize("text", ["", "-1", "+1", "-1.50", "1e5", "-2.5E-7", "AAPL", "a=b", "'x", "0", "2026-01-01"])
def test_numbers_and_words_stay(text: str) -> None:
    assert safe_cell(text) == text


def test_any_text_is_read_back_as_it_was() -> None:
    rows = [[f"{number}", 'say "it"', "one,\r\ntwo", "naïve ₿"] for number in range(1201)]
    sheet = b"".join(csv_chunks(["a", "b", "c", "d"], rows)).decode()
    assert list(csv.reader(io.StringIO(sheet, newline=""))) == [["a", "b", "c", "d"], *rows]

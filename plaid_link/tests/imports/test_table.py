"""Text into rows of cells, without a second copy of the text."""

import csv
import io
import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from plaid_link.sources.csv.table import Table

CELLS = st.lists(st.lists(st.text('ab ,"\r\n\u2028', max_size=6), min_size=2, max_size=3), min_size=1, max_size=5)


@given(rows=CELLS, ends=st.sampled_from(["\n", "\r\n", "\r"]))
def test_rows_end_where_the_library_ends_them(rows: list[list[str]], ends: str) -> None:
    """Quoted cells hold line ends of every kind; the library writes, and reads from a file of its own."""
    file = io.StringIO(newline="")
    csv.writer(file, lineterminator=ends, quoting=csv.QUOTE_ALL).writerows(rows)
    text = file.getvalue()
    plain = [tuple(map(str.strip, cells)) for cells in csv.reader(io.StringIO(text, newline=""))]
    assert [row.cells for row in Table(text, ",")] == plain


def test_going_through_a_large_file_takes_no_second_copy_of_it() -> None:
    text = "2024-01-02,Buy,AAPL,3,120.50\n" * 50_000
    tracemalloc.start()
    count = sum(1 for _ in Table(text, ","))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 50_000
    assert most < len(text) / 4

"""Dates and numbers in every notation, and those that can be read in two ways."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plaid_link.sources.csv.styles import Style, date_orders, decimal_marks, has_undecided_dates, has_undecided_numbers

D = Decimal


@given(st.decimals(min_value=-(10**9), max_value=10**9, places=4))
def test_a_number_written_either_way_is_read_as_it_was(number: Decimal) -> None:
    english = f"{number:,.4f}"
    german = english.translate(str.maketrans(",.", ".,"))
    brackets = f"({abs(number):,.2f})"
    assert Style(decimal=".").number(english) == number
    assert Style(decimal=",").number(german) == number
    assert Style(decimal=".").number(brackets) == -abs(round(number, 2))
    assert decimal_marks([english]) <= {"."}
    assert decimal_marks([german]) <= {","}


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("($1,234.50)", "-1234.50"),
        ("-$5.00", "-5.00"),
        ("$-5.00", "-5.00"),
        ("12.5-", "-12.5"),
        ("\N{MINUS SIGN}3", "-3"),
        ("1\N{NARROW NO-BREAK SPACE}234.5", "1234.5"),
        ("1'234.5", "1234.5"),
        ("+7", "7"),
        ("1.2E-5", "0.000012"),
        (".5", "0.5"),
    ],
)
def test_signs_brackets_and_spaces(text: str, number: str) -> None:
    assert Style().number(text) == D(number)


@pytest.mark.parametrize("text", ["", "--", "n/a", " - ", "\N{EM DASH}"])
def test_what_means_nothing_is_nothing(text: str) -> None:
    assert Style().number(text) is None


@pytest.mark.parametrize("text", ["12,34.5", "1.234,50", "abc", "1,2,3", "NaN", "Infinity", "5%", "1 2", "=1+1", "()"])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a number"):
        Style().number(text)


@pytest.mark.parametrize(
    "text",
    ["2025-02-03", "2025/2/3", "20250203", "02/03/2025", "2-3-25", "Feb 3, 2025", "3 February 2025", "03-Feb-2025",
     "2025-02-03, 09:31:00", "2025-02-03T09:31:00Z", "03.02.2025"],
)  # fmt: skip
def test_one_day_in_every_notation(text: str) -> None:
    assert Style(date_order="mdy").day(text) == date(2025, 2, 3)


def test_day_first_is_read_day_first() -> None:
    assert Style(date_order="dmy").day("02/03/2025") == date(2025, 3, 2)


@pytest.mark.parametrize("text", ["2025-02-30", "29/02/2025", "13/13/2025", "tomorrow", "02/03", "1/1/1"])
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"date|day|month|range"):
        Style().day(text)


def test_a_leap_day_is_a_date() -> None:
    assert Style().day("02/29/2024") == date(2024, 2, 29)


@pytest.mark.parametrize(
    ("texts", "proved", "is_open"),
    [
        (["01/02/2025"], set(), True),
        (["01/02/2025", "13/02/2025"], {"dmy"}, True),
        (["01/02/2025", "02/13/2025"], {"mdy"}, True),
        (["13/02/2025", "02/13/2025"], {"mdy", "dmy"}, False),
        (["2025-01-02", "03.04.2025", "05/05/2025"], set(), False),
    ],
)
def test_what_dates_prove(texts: list[str], proved: set[str], is_open: bool) -> None:
    assert date_orders(texts) == proved
    assert has_undecided_dates(texts) == is_open


@pytest.mark.parametrize(
    ("texts", "proved", "is_open"),
    [
        (["1,234"], set(), True),
        (["1,234", "1.5"], {"."}, True),
        (["1.234,5"], {","}, False),
        (["1,5", "2.5"], {".", ","}, False),
        (["12", "0.125"], {"."}, False),
    ],
)
def test_what_numbers_prove(texts: list[str], proved: set[str], is_open: bool) -> None:
    assert decimal_marks(texts) == proved
    assert has_undecided_numbers(texts) == is_open

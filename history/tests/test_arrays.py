"""Binary COPY, held against what PostgreSQL itself makes of the same figures."""

from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase as HypothesisCase

from history.arrays import LARGEST, NullRead, read_columns, write_columns

pytestmark = pytest.mark.django_db


def stored(values: Any) -> list[Decimal | None]:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE amounts (place int, amount numeric(20, 4)) ON COMMIT DROP")
        amounts = np.array(values, float)
        write_columns("amounts", {"place": ("int4", np.arange(amounts.size)), "amount": ("money", amounts)})
        cursor.execute("SELECT amount FROM amounts ORDER BY place")
        found = [row[0] for row in cursor.fetchall()]
        cursor.execute("DROP TABLE amounts")
    return found


def test_money_is_written_as_numeric_with_four_places() -> None:
    amounts = [0.0, 0.0001, -0.0001, 0.00004, 1.0, -12345.6789, 99999999999.9999, 1e13]
    expected = [str(Decimal(repr(amount)).quantize(Decimal("0.0001"))) for amount in amounts]
    assert [str(amount).replace("-0.0000", "0.0000") for amount in stored(amounts)] == expected


def test_nan_is_null_and_leaves_its_neighbours_alone() -> None:
    assert stored([1.5, float("nan"), 2.5]) == [Decimal("1.5"), None, Decimal("2.5")]


@pytest.mark.parametrize("amount", [LARGEST, -LARGEST, float("inf")])
def test_money_that_does_not_fit_is_refused(amount: float) -> None:
    with pytest.raises(OverflowError):
        stored([1.0, amount])


class TestRoundTrip(HypothesisCase):
    @settings(max_examples=60, deadline=None)
    @given(st.lists(st.integers(-(10**15), 10**15), min_size=1, max_size=30))
    def test_every_amount_comes_back(self, ten_thousandths: list[int]) -> None:
        expected = [Decimal(amount).scaleb(-4) for amount in ten_thousandths]
        assert stored([float(amount) for amount in expected]) == expected


def test_columns_are_read_with_their_types() -> None:
    sql = """SELECT * FROM (VALUES (1::int8, 2::int4, true, 1.5::float8, '1999-12-31'::date),
        (-1, -2, false, 'NaN', '2024-02-29')) v"""
    types = {"big": "int8", "small": "int4", "flag": "bool", "figure": "float8", "day": "date"}
    found = read_columns(sql, {}, types)
    assert found["big"].tolist() == [1, -1]
    assert found["small"].tolist() == [2, -2]
    assert found["flag"].tolist() == [True, False]
    assert np.isnan(found["figure"][1])
    assert found["day"].tolist() == [date(1999, 12, 31), date(2024, 2, 29)]
    assert found["figure"].dtype.isnative


def test_parameters_are_bound() -> None:
    found = read_columns(
        "SELECT x::int8 FROM unnest(%(ids)s) x WHERE %(text)s = 'a''b'", {"ids": [3, 4], "text": "a'b"}, {"x": "int8"}
    )
    assert found["x"].tolist() == [3, 4]


def test_no_rows_are_empty_columns() -> None:
    assert read_columns("SELECT 1::int8 WHERE false", {}, {"one": "int8"})["one"].tolist() == []


@pytest.mark.parametrize("count", [1, 2, 3, 18])
def test_a_null_is_refused(count: int) -> None:
    with pytest.raises(NullRead):
        read_columns(f"SELECT NULL::int8, NULL::int8 FROM generate_series(1, {count})", {}, {"a": "int8", "b": "int8"})

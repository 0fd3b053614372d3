"""Numerics read in binary, held against the decimals they were and against PostgreSQL's own cast."""

import struct
from decimal import Decimal

import numpy as np
import pytest
from django.db import connection
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase as HypothesisCase

from history.arrays import WAITING, read_columns
from history.core import numerics
from history.core.numerics import floats_of

# Within their digits stand what could be lengths, weights and signs.
IMPOSTOR = Decimal("1000000100001.000500000007")
TWO_DIGITS = Decimal("2.0005")
ODD = [Decimal(text) for text in ("0", "NaN", "Infinity", "-Infinity", "-0.000000000001", "1e60", "-1e-60")]
ODD += [IMPOSTOR, TWO_DIGITS, Decimal("9007199254740993"), Decimal("12345.678912345678"), Decimal(10**22 + 1)]
decimals = st.one_of(
    st.sampled_from(ODD),
    st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**15), max_value=10**15),
    st.decimals(allow_nan=False, allow_infinity=False, places=12, min_value=-(10**17), max_value=10**17),
)


class TestNumerics(HypothesisCase):
    @settings(max_examples=150, deadline=None)
    @given(st.lists(decimals, max_size=40))
    @example([TWO_DIGITS] * 30)
    @example([IMPOSTOR] * 3)
    def test_every_number_is_the_nearest_float(self, amounts: list[Decimal]) -> None:
        sql = "SELECT amount FROM unnest(%(amounts)s::numeric[]) amount"
        found = read_columns(sql, {"amounts": amounts}, {"amount": "numeric"})["amount"]
        np.testing.assert_array_equal(found, np.array([float(amount) for amount in amounts]))


@pytest.mark.django_db
def test_numbers_are_what_the_server_casts_them_to() -> None:
    sql = """SELECT round((sin(n) * 10 ^ (n %% 14))::numeric, n %% 13) FROM generate_series(1, 5000) n"""
    found = read_columns(sql, {}, {"amount": "numeric"})["amount"]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT amount::float8 FROM ({sql.replace('%%', '%')}) found(amount)")
        expected = [row[0] for row in cursor.fetchall()]
    assert found.tolist() == expected


@pytest.mark.django_db
def test_rows_read_by_account_come_together() -> None:
    """So many that they are decoded in several parts."""
    sql = """SELECT account::int8, n, n > 2, n + 0.5::numeric
        FROM generate_series(1, 3) account, generate_series(1, %(rows)s) n"""
    rows = WAITING // 20
    types = {"account": "int8", "number": "int4", "large": "bool", "amount": "numeric"}
    found = read_columns(sql, {"rows": rows}, types, by="account")
    for account in (1, 2, 3):
        mine = found["account"] == account
        assert np.ptp(np.flatnonzero(mine)) == rows - 1
        np.testing.assert_array_equal(np.sort(found["number"][mine]), np.arange(1, rows + 1))
        np.testing.assert_array_equal(found["amount"][mine], found["number"][mine] + 0.5)
        assert found["large"][mine].sum() == rows - 2


@pytest.mark.django_db
def test_nobodys_rows_by_account_are_empty_columns() -> None:
    sql = "SELECT 1::int8, 2.5::numeric WHERE false"
    found = read_columns(sql, {}, {"account": "int8", "amount": "numeric"}, by="account")
    assert [column.size for column in found.values()] == [0, 0]


def test_what_looks_like_numbers_throughout_is_walked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A weight that no amount of money has: the heads are not recognised, and the numbers come out all the same."""
    stream = struct.pack("!ihhHhh", 10, 1, 20, 0, 0, 7) * 2
    walked: list[int] = []
    walk = numerics._walked
    monkeypatch.setattr(numerics, "_walked", lambda words, count: walked.append(count) or walk(words, count))
    assert floats_of(stream, 2).tolist() == [7e80, 7e80]
    assert walked == [2]

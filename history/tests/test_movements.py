"""The array form of the table of effects against the Decimal form, on every line and on whole lives."""

from dataclasses import fields
from decimal import Decimal
from random import Random

import numpy as np
import pytest

from history.core.book import Movements
from history.core.movements import effect_code, movements_from_rows
from history.tests.books import life_move, movements_of
from history.tests.life import Life, Row
from investments.core.effects import TABLE, normalise


def assert_same(found: Movements, expected: Movements) -> None:
    for field in fields(Movements):
        np.testing.assert_array_equal(getattr(found, field.name), getattr(expected, field.name), field.name)


def in_arrays(life: Life, rows: list[Row]) -> Movements:
    """Rows as the database gives them: repaired, in floats, with a code for the effect."""
    repaired = [
        normalise(
            type=row.type,
            subtype=row.subtype,
            quantity=row.quantity,
            price=row.price,
            amount=row.amount,
            fees=row.fees,
            is_cash=row.is_cash,
        )
        for row in rows
    ]
    return movements_from_rows(
        account=np.array([row.account for row in rows]),
        position=np.array([-1 if row.is_cash or row.security is None else 0 for row in rows]),
        day=np.array([(row.day - life.start).days for row in rows]),
        effect=np.array([effect_code(row.type, row.subtype) for row in rows]),
        quantity=np.array([float(row.quantity) for row in repaired]),
        price=np.array([float(row.price) for row in rows]),
        amount=np.array([float(row.amount) for row in repaired]),
        fees=np.array([float(row.fees) for row in rows]),
    )


def one_by_one(life: Life, rows: list[Row]) -> Movements:
    return movements_of([life_move(life, row, -1 if row.is_cash or row.security is None else 0) for row in rows])


def test_whole_lives_read_the_same_both_ways() -> None:
    for number in range(20):
        life = Life(number, days=200).live()
        assert_same(in_arrays(life, life.rows), one_by_one(life, life.rows))


@pytest.mark.parametrize("pair", [*sorted(TABLE), ("cash", "moon landing"), ("cancel", "buy")])
def test_every_line_reads_the_same_both_ways(pair: tuple[str, str]) -> None:
    life, random = Life(1), Random(1)
    figures = [Decimal(figure) for figure in ("-3", "0", "2.5", "100")]
    rows = [
        Row(0, security, life.end, *pair, quantity, random.choice(figures[1:]), amount, fees, security == "CUR:USD")
        for security in (None, "STOCK0", "CUR:USD")
        for quantity in (figures if security else figures[1:2])
        for amount in figures
        for fees in figures[1:3]
    ]
    assert_same(in_arrays(life, rows), one_by_one(life, rows))

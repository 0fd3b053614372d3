"""Wash sales and Form 8949, held to the examples of the IRS and to what must hold for any trades."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from investments.core.form8949 import Disposition, Part, form_8949, totals
from investments.core.lots import LotQueue
from investments.core.washsales import Parcel, Washed, wash

D = Decimal
Trade = tuple[str, Any, Any]


def parcels(trades: list[Trade], *, account: int = 1, sheltered: bool = False, start: int = 0) -> list[Parcel]:
    """What FIFO makes of (day, units, total) trades: closed parcels and those still held."""
    queue, found = LotQueue(), []
    days = {number: date.fromisoformat(day) for number, (day, _, _) in enumerate(trades, start)}
    for number, (day, units, total) in enumerate(trades, start):
        for c in queue.trade(id=number, day=days[number], quantity=D(units), amount=D(total)):
            found.append(
                Parcel(
                    lot=c.opened_by,
                    account=account,
                    bought=days[c.opened_by],
                    bought_order=c.opened_by,
                    quantity=c.quantity,
                    cost=c.basis,
                    opened=c.opened,
                    closed=date.fromisoformat(day),
                    closed_order=number,
                    closed_by=number,
                    proceeds=c.proceeds,
                    is_sheltered=sheltered,
                    is_short=c.is_short,
                )
            )
    for lot in queue.lots:
        found.append(
            Parcel(
                lot=lot.opened_by,
                account=account,
                bought=lot.opened,
                bought_order=lot.opened_by,
                quantity=abs(lot.quantity),
                cost=lot.cost,
                opened=lot.opened,
                is_sheltered=sheltered,
                is_short=lot.quantity < 0,
            )
        )
    return found


def put_off(washed: Washed) -> Decimal:
    return sum((sale.amount for sale in washed.sales), D(0))


def held(washed: Washed) -> list[tuple[Decimal, Decimal | None, date]]:
    return [(p.quantity, p.cost, p.opened) for p in washed.parcels if p.closed is None]


def row(washed: Washed, year: int) -> Any:
    (only,) = form_8949(
        [
            Disposition("100 sh", p.bought, p.closed, p.proceeds or D(0), p.cost, p.disallowed, p.is_long_term)
            for p in _together(washed)
            if p.closed
        ],
        year=year,
    )
    return only


def _together(washed: Washed) -> list[Parcel]:
    """Pieces of one closing as the one sale that they are."""
    merged: dict[tuple[int, int], Parcel] = {}
    for p in washed.parcels:
        key = (p.lot, p.closed_order)
        if key in merged:
            one = merged[key]
            p = replace(
                one,
                quantity=one.quantity + p.quantity,
                cost=(one.cost or 0) + (p.cost or 0),
                proceeds=(one.proceeds or 0) + (p.proceeds or 0),
                disallowed=one.disallowed + p.disallowed,
            )
        merged[key] = p
    return list(merged.values())


def test_the_loss_on_shares_bought_back_is_added_to_their_basis() -> None:
    """IRS Pub. 550, wash sales, example 1: 1,000, sold for 750, bought back for 800."""
    washed = wash(parcels([("2014-05-01", 100, 1000), ("2014-07-01", -100, 750), ("2014-07-05", 100, 800)]))
    assert held(washed)[0][:2] == (100, 1050)
    form = row(washed, 2014)
    assert (form.proceeds, form.basis, form.code, form.adjustment, form.gain) == (750, 1000, "W", 250, 0)


def test_fewer_shares_bought_than_sold_put_off_their_part() -> None:
    """IRS Pub. 550, more or less stock bought than sold, example 1; bought before the sale."""
    washed = wash(
        parcels(
            [("2013-09-26", 100, 5000), ("2013-12-19", 50, 2750), ("2013-12-27", 25, 1125), ("2014-01-09", -100, 4000)]
        )
    )
    assert put_off(washed) == 750
    assert held(washed) == [(50, 3250, date(2013, 9, 5)), (25, 1375, date(2013, 9, 13))]
    form = row(washed, 2014)
    assert (form.proceeds, form.basis, form.code, form.adjustment, form.gain) == (4000, 5000, "W", 750, -250)


def test_the_basis_is_the_old_one_with_the_difference_in_price() -> None:
    """26 CFR 1.1091-2(a), example 1."""
    washed = wash(parcels([("2020-01-02", 1, 100), ("2020-03-02", -1, 80), ("2020-03-10", 1, 90)]))
    assert held(washed)[0][1] == 110


def test_a_replacement_in_an_ira_loses_the_loss_for_good() -> None:
    """Rev. Rul. 2008-5: 1,000, sold for 600, bought back by the IRA the next day."""
    taxed = parcels([("2007-06-01", 100, 1000), ("2007-12-20", -100, 600)])
    ira = parcels([("2007-12-21", 100, 610)], account=2, sheltered=True, start=10)
    washed = wash([*taxed, *ira])
    assert [(sale.amount, sale.is_permanent, sale.replacement_account) for sale in washed.sales] == [(400, True, 2)]
    assert held(washed)[0][1] == 610


def test_two_round_trips_in_one_day() -> None:
    """Fairmark: the second purchase takes the first loss, and its own gain shrinks by it."""
    day = "2014-05-01"
    washed = wash(parcels([(day, 100, 1000), (day, -100, 900), (day, 100, 800), (day, -100, 900)]))
    assert put_off(washed) == 100
    assert [(p.cost, p.recognised) for p in washed.parcels] == [(1000, 0), (900, 0)]


@pytest.mark.parametrize(("days", "washed"), [(30, True), (31, False)])
@pytest.mark.parametrize("before", [True, False])
def test_the_window_is_thirty_days_either_side(days: int, washed: bool, before: bool) -> None:
    sold = date(2024, 6, 3)
    bought = sold + timedelta(-days if before else days)
    trades: list[Trade] = [("2023-01-03", 10, 100), (bought.isoformat(), 10, 90), (sold.isoformat(), -10, 50)]
    if not before:
        trades[1], trades[2] = trades[2], trades[1]
    assert bool(wash(parcels(trades)).sales) is washed


def test_shares_sold_in_the_same_sale_replace_nothing() -> None:
    trades: list[Trade] = [("2024-01-02", 100, 1000), ("2024-01-10", 100, 1000), ("2024-01-20", -200, 1600)]
    assert wash(parcels(trades)).sales == []


def test_the_rest_of_the_lot_counts_only_where_the_user_says_so() -> None:
    trades: list[Trade] = [("2024-01-02", 100, 1000), ("2024-01-20", -40, 300)]
    assert wash(parcels(trades)).sales == []
    assert put_off(wash(parcels(trades), same_lot=True)) == 100


def test_a_gain_and_a_sheltered_loss_put_nothing_off() -> None:
    assert wash(parcels([("2024-01-02", 1, 10), ("2024-02-02", -1, 20), ("2024-02-03", 1, 20)])).sales == []
    ira = parcels([("2024-01-02", 1, 20), ("2024-02-02", -1, 10), ("2024-02-03", 1, 20)], sheltered=True)
    assert wash(ira).sales == []


def test_losses_without_a_basis_are_left_alone() -> None:
    (sold, rest) = parcels([("2024-01-02", 1, 20), ("2024-02-02", -1, 10), ("2024-02-03", 1, 20)])
    assert wash([replace(sold, cost=None), rest]).sales == []


def test_form_8949_is_of_one_year_in_two_parts_with_their_totals() -> None:
    rows = form_8949(
        [
            Disposition("B", date(2022, 1, 3), date(2024, 5, 1), D("10.005"), D(4), D(0), is_long_term=True),
            Disposition("A", date(2024, 1, 3), date(2024, 5, 1), D(10), D(15), D(5), is_long_term=False),
            Disposition("C", date(2024, 1, 3), date(2024, 4, 1), D(9), None, D(0), is_long_term=False),
            Disposition("D", date(2024, 1, 3), date(2025, 4, 1), D(9), D(1), D(0), is_long_term=True),
            Disposition("E", date(2024, 1, 3), date(2024, 6, 3), D(9), D(1), D(0), is_long_term=False, is_short=True),
        ],
        year=2024,
    )
    assert [(r.description, r.part, r.gain) for r in rows] == [
        ("C", Part.SHORT_TERM, None),
        ("A", Part.SHORT_TERM, 0),
        ("E", Part.SHORT_TERM, 8),
        ("B", Part.LONG_TERM, D("6.01")),
    ]
    assert rows[2].acquired == date(2024, 6, 3)
    foot = totals(rows, Part.SHORT_TERM)
    assert (foot.proceeds, foot.basis, foot.adjustment, foot.gain, foot.without_basis) == (19, 16, 5, 8, 1)


def test_a_loss_put_off_whole_leaves_no_cent_to_rounding() -> None:
    sold = Disposition("84 F", date(2026, 11, 2), date(2026, 11, 13), D("1205.594"), D("1217.538"), D("11.944"), False)
    (line,) = form_8949([sold], year=2026)
    assert (line.proceeds, line.basis, line.adjustment, line.gain) == (D("1205.59"), D("1217.54"), D("11.95"), 0)


steps = st.lists(
    st.tuples(st.integers(0, 40), st.integers(-20, 20).filter(bool), st.integers(1, 30)), min_size=1, max_size=14
)


@example(steps=[(0, 1, 3), (0, -1, 1), (0, 2, 1), (0, 2, 1), (0, -2, 2)])  # a piece of the lot with a gain beside it
@example(steps=[(0, 1, 2), (0, -1, 1), (0, 2, 1), (0, 2, 1), (0, -2, 1)])
@given(steps=steps)
def test_what_is_put_off_lies_in_what_is_still_held(steps: list[tuple[int, int, int]]) -> None:
    """Gain that counts = gain before + losses carried into open lots: the rule moves money in time and loses none."""
    day, trades = date(2024, 1, 2), []
    for gap, units, price in steps:
        day += timedelta(gap)
        trades.append((day.isoformat(), units, abs(units) * price))
    before = parcels(trades)
    washed = wash(before)
    raw = sum((p.gain or D(0) for p in before), D(0))
    counts = sum((p.recognised or D(0) for p in washed.parcels), D(0))
    carried = sum((p.added for p in washed.parcels if p.closed is None), D(0))
    assert counts == raw + carried
    assert sum(p.quantity for p in washed.parcels) == sum(p.quantity for p in before)
    for sale in washed.sales:
        assert sale.amount > 0
        assert abs(sale.bought_on - sale.sold_on) <= timedelta(30)


@given(steps=steps)
def test_no_share_replaces_two_losses(steps: list[tuple[int, int, int]]) -> None:
    day, trades = date(2024, 1, 2), []
    for gap, units, price in steps:
        day += timedelta(gap)
        trades.append((day.isoformat(), units, abs(units) * price))
    bought = {number: abs(units) for number, (_, units, _) in enumerate(trades)}
    replaced: dict[int, Decimal] = {}
    for sale in wash(parcels(trades)).sales:
        replaced[sale.replacement_lot] = replaced.get(sale.replacement_lot, D(0)) + sale.quantity
    assert all(units <= bought[lot] for lot, units in replaced.items())

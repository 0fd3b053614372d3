"""Lots: published figures, worked examples, and what must hold whatever is traded."""

from datetime import date, timedelta
from decimal import Decimal, localcontext
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from investments.core.lot import WIDE, Closing, Lot, LotMethod, Pick, UnknownLot, held_over_a_year
from investments.core.lots import LotQueue
from tests.reference import reference

D = Decimal
DAY = date(2024, 1, 2)


def book(method: str, *trades: tuple[Any, Any]) -> tuple[LotQueue, list[Closing]]:
    """Trades as (quantity, unit price), a day apart."""
    queue, closings = LotQueue(LotMethod(method)), []
    for number, (quantity, price) in enumerate(trades):
        amount = abs(D(quantity) * D(price))
        day = DAY + timedelta(number)
        closings += queue.trade(id=number, day=day, quantity=D(quantity), amount=amount)
    return queue, closings


def held(queue: LotQueue) -> list[tuple[Decimal, Decimal | None]]:
    return [(lot.quantity, lot.unit_cost) for lot in queue.lots]


def realised(closings: list[Closing]) -> Decimal:
    return sum((closing.gain or D(0) for closing in closings), D(0))


@pytest.mark.parametrize(
    ("method", "gain", "left"),
    [
        ("fifo", 375, [(25, 10), (50, 12)]),
        ("lifo", 275, [(75, 10)]),
        ("hifo", 275, [(75, 10)]),
        ("average", 325, [(25, None), (50, None)]),
    ],
)
def test_the_sale_of_75_of_150_by_each_method(method: str, gain: int, left: list[tuple[int, int | None]]) -> None:
    """Figures booked by beancount 3.2.3; 09_source_doc_checks.json, a_fifo."""
    queue, closings = book(method, (100, 10), (50, 12), (-75, 15))
    assert realised(closings) == gain
    assert [quantity for quantity, _ in held(queue)] == [quantity for quantity, _ in left]
    if method == "average":
        assert sum(lot.cost or 0 for lot in queue.lots) == 800  # 75 x 1600 / 150
    else:
        assert held(queue) == left


def test_a_split_halves_the_unit_cost() -> None:
    queue, _ = book("fifo", (10, 100))
    queue.multiply(D(2))
    closings = queue.trade(id=9, day=date(2024, 3, 1), quantity=D(-5), amount=D(300))
    assert realised(closings) == 50
    assert held(queue) == [(15, 50)]


def test_a_short_gains_what_it_falls() -> None:
    queue, closings = book("fifo", (-10, 50), (10, 40))
    assert realised(closings) == 100
    assert closings[0].is_short
    assert not closings[0].is_long_term
    assert queue.lots == []


def test_a_sale_beyond_what_is_held_opens_a_short() -> None:
    queue, closings = book("fifo", (10, 10), (-15, 20), (5, 16))
    assert realised(closings) == 100 + 20
    assert queue.lots == []


def test_named_lots_go_first_and_the_oldest_after_them() -> None:
    queue, _ = book("specific", (10, 1), (10, 2), (10, 3))
    closings = queue.trade(
        id=9, day=DAY + timedelta(9), quantity=D(-12), amount=D(120), picks=[Pick(2, D(4)), Pick(1, D(6))]
    )
    assert [(c.opened_by, c.quantity, c.basis) for c in closings] == [(2, 4, 12), (1, 6, 12), (0, 2, 2)]
    assert [(lot.opened_by, lot.quantity) for lot in queue.lots] == [(0, 8), (1, 4), (2, 6)]


@pytest.mark.parametrize("picks", [[Pick(7, D(1))], [Pick(0, D(11))], [Pick(0, D(6)), Pick(0, D(5))], [Pick(0, D(9))]])
def test_lots_that_are_not_there_are_refused_and_nothing_moves(picks: list[Pick]) -> None:
    queue, _ = book("specific", (10, 1))
    with pytest.raises(UnknownLot):
        queue.trade(id=9, day=DAY, quantity=D(-8), amount=D(80), picks=picks)
    assert held(queue) == [(10, 1)]


def test_a_cost_nobody_knows_stays_unknown_and_spoils_nothing_else() -> None:
    queue = LotQueue()
    queue.trade(id=1, day=DAY, quantity=D(10), amount=None)
    queue.trade(id=2, day=DAY, quantity=D(10), amount=D(50))
    closings = queue.trade(id=3, day=DAY, quantity=D(-15), amount=D(150))
    assert [closing.gain for closing in closings] == [None, 25]


def test_capital_returned_lowers_basis_and_beyond_it_is_a_gain() -> None:
    queue, _ = book("fifo", (10, 1), (10, 9))
    gains = queue.lower_basis(D(40), id=9, day=DAY + timedelta(400))
    assert [lot.cost for lot in queue.lots] == [0, 70]
    assert [(gain.gain, gain.is_long_term) for gain in gains] == [(10, True)]


@pytest.mark.parametrize(
    ("bought", "sold", "long"),
    [
        ("2013-02-05", "2014-02-05", False),  # IRS Pub. 550, holding period
        ("2013-02-05", "2014-02-06", True),
        ("2023-06-15", "2024-06-15", False),
        ("2023-06-15", "2024-06-17", True),
        ("2011-02-28", "2012-02-29", False),
        ("2011-02-28", "2012-03-01", True),
        ("2012-11-30", "2013-11-30", False),
        ("2012-11-30", "2013-12-01", True),
        ("2012-02-28", "2013-02-28", False),
        ("2012-02-28", "2013-03-01", True),
        ("2012-02-29", "2013-03-01", True),
        ("2012-02-29", "2013-02-28", False),
    ],
)
def test_exactly_one_year_is_short_term(bought: str, sold: str, long: bool) -> None:
    assert held_over_a_year(date.fromisoformat(bought), date.fromisoformat(sold)) is long


METHODS = {"FIFO": "fifo", "LIFO": "lifo", "AVERAGE": "average"}


def test_reductions_as_beancount_books_them() -> None:
    checked = 0
    for case in reference("03_beancount_booking")["cases"]:
        if case["method"] not in METHODS or case["expected_error"]:
            continue
        for alternative in case["apply_alternatives"]:
            queue = LotQueue(LotMethod(METHODS[case["method"]]), [_lot(lot) for lot in case["before"]])
            if case["method"] == "AVERAGE":
                total = sum(lot.cost or 0 for lot in queue.lots)
            for posting in alternative["postings"]:
                queue.trade(id=-1, day=date(2016, 1, 1), quantity=D(posting["qty"]), amount=D(0))
            after = [_lot(lot) for lot in case["expected_after"] or ()]
            if case["method"] == "AVERAGE":
                left = sum(lot.quantity for lot in after)
                assert queue.quantity == left
                whole = sum(D(lot["qty"]) for lot in case["before"])
                assert abs(sum(lot.cost or 0 for lot in queue.lots) - total * left / whole) < D("0.000002")
            else:
                assert sorted((x.opened, x.quantity, x.cost) for x in queue.lots) == sorted(
                    (x.opened, x.quantity, x.cost) for x in after
                ), case["id"]
            checked += 1
    assert checked >= 8


def _lot(row: dict[str, Any]) -> Lot:
    spec = row["lot_spec"]
    day = date.fromisoformat(spec["date"])
    return Lot(0, day, D(row["qty"]), D(row["qty"]) * D(spec["price"]), day)


def test_the_average_cost_chain_as_rotki_computes_it() -> None:
    """03b: moving average through buys and sells, until more is sold than is held (ours opens a short there)."""
    case = next(c for c in reference("03b_lots_fx_reconstruction")["rotki"]["cases"] if c["id"] == "rotki_acb_chain")
    queue = LotQueue(LotMethod.AVERAGE)
    for number, step in enumerate(case["steps"]):
        if "missing" in step:
            break
        kind = "buy" if "buy" in step else "sell"
        units, price = (D(str(figure)) for figure in step[kind])
        signed = units if kind == "buy" else -units
        closings = queue.trade(id=number, day=DAY + timedelta(number), quantity=signed, amount=units * price)
        assert queue.quantity == D(str(step["qty"]))
        assert sum(lot.cost or 0 for lot in queue.lots) == D(str(step["total_cost"]))
        if kind == "sell":
            assert realised(closings) == D(str(step["pnl"]))
    assert number == 9


@pytest.mark.parametrize("case_id", ["pp_gains_1", "pp_gains_2_fifo_vs_avg"])
def test_realised_gains_as_portfolio_performance_computes_them(case_id: str) -> None:
    case = next(c for c in reference("02_portfolio_performance")["cases"] if c.get("id") == case_id)
    for name, method in (("FIFO", LotMethod.FIFO), ("MOVING_AVERAGE", LotMethod.AVERAGE)):
        queue, closings = LotQueue(method), []
        for number, (day, kind, units, total) in enumerate(case["transactions"]):
            signed = D(units) if kind == "BUY" else -D(units)
            closings += queue.trade(id=number, day=date.fromisoformat(day), quantity=signed, amount=D(str(total)))
        cent = D("0.01")
        assert realised(closings).quantize(cent) == D(str(case["realised"][name])).quantize(cent)
        left = sum((lot.cost or D(0) for lot in queue.lots), D(0))
        assert left.quantize(cent) == D(str(case["remaining_cost"][name])).quantize(cent)


quantities = st.decimals(min_value=D("-1000"), max_value=D("1000"), places=4).filter(bool)
prices = st.decimals(min_value=D("0.01"), max_value=D("999"), places=2)
lives = st.lists(st.tuples(quantities, prices), min_size=1, max_size=25)
methods = st.sampled_from(["fifo", "lifo", "hifo", "average"])


@given(trades=lives, method=methods)
def test_units_and_money_are_conserved(trades: list[tuple[Decimal, Decimal]], method: str) -> None:
    """Units are the sum of all trades; what was paid is in open lots or in the basis of closings, to the last place."""
    queue, closings = book(method, *trades)
    assert queue.quantity == sum(quantity for quantity, _ in trades)
    money = sum((-D(q) * D(p) for q, p in trades), D(0))
    open_cost = sum(((lot.cost or D(0)).copy_sign(lot.quantity) for lot in queue.lots), D(0))
    assert realised(closings) - open_cost == money


@given(trades=lives)
def test_over_a_closed_life_every_method_gains_the_same(trades: list[tuple[Decimal, Decimal]]) -> None:
    rest = -sum(quantity for quantity, _ in trades)
    closed = [*trades, (rest, D(50))] if rest else trades
    gains = {realised(book(method, *closed)[1]) for method in ("fifo", "lifo", "hifo", "average")}
    assert gains == {sum((-D(q) * D(p) for q, p in closed), D(0))}


@given(trades=lives, method=methods)
def test_the_queue_is_never_long_and_short_at_once(trades: list[tuple[Decimal, Decimal]], method: str) -> None:
    queue, _ = book(method, *trades)
    assert len({lot.quantity > 0 for lot in queue.lots}) <= 1
    assert [lot.opened for lot in queue.lots] == sorted(lot.opened for lot in queue.lots)


odd = st.one_of(
    st.integers(-9, 9).filter(bool).map(D),
    st.decimals(min_value=D("-1000"), max_value=D("1000"), places=12).filter(bool),
    st.sampled_from([D("1e17") + D("1e-12"), D("-1e17") - D("3e-12"), D("1e-12"), D("-1") / 3, D("0")]),
)
amounts = st.one_of(st.none(), st.decimals(min_value=0, max_value=D("99999"), places=6))


@given(
    deals=st.lists(st.tuples(st.integers(0, 5), odd, amounts), max_size=30),
    method=st.sampled_from(["fifo", "lifo", "average"]),
)
def test_many_trades_at_once_are_what_they_are_one_by_one(
    deals: list[tuple[int, Decimal, Decimal | None]], method: str
) -> None:
    """Days out of order, costs nobody knows, shorts, and more digits than a Decimal keeps when it is not asked to."""
    told = [(number, DAY + timedelta(day), units, amount) for number, (day, units, amount) in enumerate(deals)]
    one_by_one, at_once, closings = LotQueue(LotMethod(method)), LotQueue(LotMethod(method)), []
    with localcontext(WIDE):
        for number, day, units, amount in told:
            closings += one_by_one.trade(id=number, day=day, quantity=units, amount=amount)
        assert at_once.trade_all(told) == closings
        assert at_once.lots == one_by_one.lots
        assert at_once.quantity == sum(units for _, units, _ in deals)

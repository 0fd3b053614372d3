"""What companies do to lots, by published examples and by what must not change."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from investments.core import precision
from investments.core.lot import LotMethod
from investments.core.positions import (
    Delisting,
    InLieu,
    Merger,
    Positions,
    Renaming,
    ReturnOfCapital,
    SpinOff,
    Split,
    Trade,
)
from tests.reference import reference

D = Decimal
DAY = date(2024, 1, 2)
A, B = 1, 2


def later(days: int) -> date:
    return DAY + timedelta(days)


def bought(*lots: tuple[Any, Any]) -> Positions:
    """Lots of A as (units, total), a day apart."""
    trades = [
        Trade(number, later(number), A, D(str(units)), D(str(total))) for number, (units, total) in enumerate(lots)
    ]
    return Positions().apply(trades)


def costs(positions: Positions, security: int) -> list[tuple[Decimal, Decimal | None]]:
    return [(lot.quantity, lot.cost) for lot in positions.lots(security)]


def case(name: str) -> dict[str, Any]:
    return next(dict(row) for row in reference("10_corporate_actions")["cases"] if row["id"] == name)


def test_a_split_goes_lot_by_lot() -> None:
    """IRS FAQ on stock splits: 100 at 10 and 100 at 12 become 200 at 5 and 200 at 6."""
    positions = bought((100, 1000), (100, 1200)).apply([Split(9, later(9), A, D(2))])
    assert costs(positions, A) == [(200, 1000), (200, 1200)]


def test_units_after_splits_as_portfolio_performance_has_them() -> None:
    """A ratio is kept at twelve places, so that a third of 357 is 119 to nine."""
    found = next(one for one in reference("02_portfolio_performance")["cases"] if one["id"] == "pp_split_ratios")
    for one in found["cases"]:
        before, after = one["shares"]
        ratios = [precision.quantity(D(one["new"]) / D(one["old"]))]
        if "then" in one:
            ratios.append(precision.quantity(D(1) / D(3)))
        splits = [Split(9 + number, later(9 + number), A, ratio) for number, ratio in enumerate(ratios)]
        (lot,) = bought((before, 1000)).apply(splits).lots(A)
        assert float(lot.quantity) == pytest.approx(float(after), abs=1e-9)
        assert lot.cost == 1000


def test_what_was_sold_and_bought_anew_and_sold_costs_nothing() -> None:
    found = next(
        one for one in reference("02_portfolio_performance")["cases"] if one["id"] == "pp_cost_reopen_after_zero"
    )
    trades = [
        Trade(number, date.fromisoformat(day), A, D(units) * (1 if kind == "BUY" else -1), D(amount))
        for number, (day, kind, units, amount) in enumerate(found["transactions"])
    ]
    for method in (LotMethod.FIFO, LotMethod.AVERAGE):
        positions = Positions(method=method).apply(trades)
        assert sum(lot.cost or 0 for lot in positions.lots(A)) == int(found["expected_cost"])


def test_a_stock_dividend_spreads_the_basis() -> None:
    """IRS VITA: 100 shares for 1,100 and 10 more: 10.00 a share."""
    facts = case("irs_vita_stock_dividend")["facts"]
    units, total = D(str(facts["lot"][0])), D(str(facts["lot"][1]))
    positions = bought((units, total)).apply([Split(9, later(9), A, 1 + D(facts["stock_dividend"]) / units)])
    (lot,) = positions.lots(A)
    assert (lot.quantity, lot.unit_cost) == (110, 10)


def test_a_fraction_is_sold() -> None:
    positions = bought((15, 150)).apply([Split(9, later(9), A, D("0.1"), fraction_price=D(110))])
    assert costs(positions, A) == [(1, 100)]
    (closing,) = positions.closings[A]
    assert (closing.quantity, closing.proceeds, closing.basis) == (D("0.5"), 55, 50)


def test_cash_in_lieu_is_what_the_fraction_was_sold_for() -> None:
    positions = bought((15, 150)).apply([Split(9, later(9), A, D("0.1")), InLieu(10, later(20), A, D("54.25"))])
    assert costs(positions, A) == [(1, 100)]
    (closing,) = positions.closings[A]
    assert (closing.closed_by, closing.quantity, closing.proceeds, closing.basis) == (10, D("0.5"), D("54.25"), 50)


def test_a_spin_off_divides_the_basis_by_value() -> None:
    facts = case("spinoff_AB")
    value_a, value_b = (D(str(facts["facts"]["fmv"][key])) for key in "AB")
    positions = bought((1, 100)).apply([SpinOff(9, later(9), A, B, D(4), value_a / (value_a + 4 * value_b))])
    ((_, left),), ((units, given),) = costs(positions, A), costs(positions, B)
    assert left is not None
    assert given is not None
    assert left + given == 100
    assert round(left, 2) == D(str(facts["expected"]["basis_A"]))
    assert round(given, 2) == D(str(facts["expected"]["basis_B_total"]))
    assert round(given / units, 2) == D(str(facts["expected"]["basis_B_per_share"]))
    assert positions.lots(B)[0].opened == DAY


def test_in_a_merger_with_cash_the_gain_is_at_most_the_cash() -> None:
    """26 CFR 1.356-1: stock worth 100 and 75 of cash and property for a basis of 85."""
    positions = bought((1, 85)).apply([Merger(9, later(9), A, B, D(2), cash=D(75), unit_value=D(100))])
    assert costs(positions, B) == [(2, 85)]
    assert [closing.gain for closing in positions.closings[A]] == [75]
    assert positions.lots(A) == []


def test_in_a_merger_a_loss_is_not_recognised() -> None:
    positions = bought((10, 1000)).apply([Merger(9, later(9), A, B, D(1), cash=D(5), unit_value=D(20))])
    assert costs(positions, B) == [(10, 950)]
    assert positions.closings[A] == []


def test_a_merger_for_cash_is_a_sale() -> None:
    positions = bought((10, 1000)).apply([Merger(9, later(9), A, None, D(0), cash=D(90))])
    assert [closing.gain for closing in positions.closings[A]] == [-100]


def test_a_new_name_changes_nothing_else() -> None:
    before = bought((10, 1000), (5, 600))
    lots = list(before.lots(A))
    positions = before.apply([Renaming(9, later(9), A, B)])
    assert list(positions.lots(B)) == lots
    assert not positions.lots(A)
    assert not any(positions.closings.values())


@pytest.mark.parametrize(("price", "gain"), [(0, -1000), (12, -880)])
def test_a_delisting_closes_the_lots(price: int, gain: int) -> None:
    positions = bought((10, 1000)).apply([Delisting(9, later(9), A, D(price))])
    assert [closing.gain for closing in positions.closings[A]] == [gain]


def test_a_trade_of_before_the_split_that_is_told_after_it() -> None:
    positions = bought((10, 1000)).apply([Split(8, later(9), A, D(2)), Trade(9, later(8), A, D(-5), D(600))])
    assert costs(positions, A) == [(10, 500)]


def test_capital_is_returned_on_what_is_held() -> None:
    positions = bought((10, 100)).apply([ReturnOfCapital(9, later(9), A, D(30))])
    assert costs(positions, A) == [(10, 70)]


ratios = st.sampled_from([D(2), D(3), D(7), D("0.5"), D("0.125"), D("1.5")])
lots = st.lists(st.tuples(st.integers(1, 500), st.integers(1, 90_000)), min_size=1, max_size=6)


@given(lots=lots, ratio=ratios, kept=st.decimals(0, 1, places=4), method=st.sampled_from(list(LotMethod)))
def test_no_action_of_a_company_makes_or_loses_basis(
    lots: list[tuple[int, int]], ratio: Decimal, kept: Decimal, method: LotMethod
) -> None:
    trades = [Trade(number, later(number), A, D(units), D(total)) for number, (units, total) in enumerate(lots)]
    positions = Positions(method=method).apply(trades)
    positions.apply(
        [Split(90, later(90), A, ratio), SpinOff(91, later(91), A, B, ratio, kept), Merger(92, later(92), A, 3)]
    )
    total = sum((lot.cost or D(0) for security in (A, B, 3) for lot in positions.lots(security)), D(0))
    assert total == sum(paid for _, paid in lots)
    assert sum(lot.quantity for lot in positions.lots(3)) == sum(units for units, _ in lots) * ratio

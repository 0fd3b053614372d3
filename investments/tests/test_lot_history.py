"""The lots of all accounts of an owner: openings, transfers, what brokerages book, and wash sales across accounts."""

import random
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from investments.core.gains import Gains, gains
from investments.core.lot import LotMethod
from investments.core.lot_events import Row
from investments.core.lot_history import OPENING, AccountBook, AccountLots, Held, lot_history
from investments.core.positions import Event, Merger, Renaming, SpinOff, Split

D = Decimal
ACME, CHILD = 1, 2
HOME, AWAY = 10, 20
START = date(2025, 1, 2)


def row(
    number: int, day: int, quantity: object, amount: object = 0, *, type: str = "", subtype: str = "",
    account: int = HOME, security: int = ACME,
) -> Row:  # fmt: skip
    units = D(str(quantity))
    kind = type or ("buy" if units > 0 else "sell")
    return Row(
        number, number, account, security, START + timedelta(day), kind, subtype or (kind if not type else ""), units,
        D(str(amount)),
    )  # fmt: skip


def history(rows: Sequence[Row], *actions: Event, held: dict[int, Held] | None = None) -> AccountLots:
    return lot_history(rows=rows, actions=actions, books={HOME: AccountBook(held=held)})[HOME]


def lots(found: AccountLots, security: int = ACME) -> list[tuple[int, Decimal, Decimal | None]]:
    return [(lot.opened_by, lot.quantity.normalize(), lot.cost) for lot in found.lots.get(security, ())]


def test_what_no_row_explains_was_there_before_with_the_basis_that_is_left() -> None:
    rows = [row(1, 0, 20, 400), row(2, 40, -30, -900)]
    found = history(rows, held={ACME: Held(D(90), D(1300))})
    # 100 units before the first row; FIFO sold 30 of them, so 70 cost what 20 @ 20 leave of 1300.
    assert lots(found) == [(OPENING, 70, D(900)), (1, 20, 400)]
    assert found.openings[ACME].quantity == 100
    assert found.openings[ACME].cost == pytest.approx(D("1285.714286"))
    assert found.closings[ACME][0].gain == pytest.approx(D("514.285714"))
    assert not found.unexplained


def test_without_a_basis_told_the_opening_has_none() -> None:
    found = history([row(1, 5, -10, -100)], held={ACME: Held(D(5))})
    assert lots(found) == [(OPENING, 5, None)]
    assert found.closings[ACME][0].gain is None


def test_a_sale_of_all_that_was_there_is_no_short() -> None:
    found = history([row(1, 5, -10, -100)], held={})
    assert not found.lots
    assert [closing.quantity for closing in found.closings[ACME]] == [10]
    assert not found.closings[ACME][0].is_short


def test_units_that_the_brokerage_no_longer_has_are_told_and_not_sold() -> None:
    found = history([row(1, 0, 20, 400)], held={ACME: Held(D(15))})
    assert found.unexplained == {ACME: 5}
    assert not found.closings


def test_a_short_of_before_the_first_row_is_covered() -> None:
    rows = [row(1, 3, 10, 400, type="buy", subtype="buy to cover")]
    found = history(rows, held={})
    assert found.openings[ACME].quantity == -10
    assert found.closings[ACME][0].is_short


def test_an_account_kept_by_hand_has_no_opening() -> None:
    found = history([row(1, 0, 10, 500), row(2, 9, -15, -900)])
    assert lots(found) == [(2, -5, D(300))]
    assert found.closings[ACME][0].gain == 100


SPLIT = Split(-1, START + timedelta(30), ACME, D(2))


@pytest.mark.parametrize("booked", [28, 30, 33])
def test_a_split_that_is_told_and_booked_counts_once(booked: int) -> None:
    rows = [row(1, 0, 10, 1000), row(2, booked, 10, type="transfer", subtype="split"), row(3, 60, -5, -300)]
    found = history(rows, SPLIT, held={ACME: Held(D(15))})
    assert lots(found) == [(1, 15, 750)]
    assert found.closings[ACME][0].gain == 50


def test_a_split_that_is_only_booked_grows_every_lot() -> None:
    rows = [row(1, 0, 10, 1000), row(2, 9, 30, 1200), row(3, 30, 40, type="transfer", subtype="split")]
    assert lots(history(rows, held={ACME: Held(D(80))})) == [(1, 20, 1000), (2, 60, 1200)]


TENTH = Split(-1, START + timedelta(30), ACME, D("0.1"), fraction_price=D(60))


@pytest.mark.parametrize(
    ("held", "booked", "sold"),
    [
        pytest.param(10, None, (D("0.5"), 30, -1), id="by the price that the split names"),
        pytest.param(10, row(2, 44, 0, -31, type="sell", subtype="sell"), (D("0.5"), 31, 2), id="paid as cash"),
        pytest.param(10, row(2, 33, "-0.5", -29, type="sell", subtype="sell"), (D("0.5"), 29, 2), id="sold"),
        pytest.param("10.5", None, None, id="kept"),
        pytest.param("10.5", row(2, 44, 0, -31, type="sell", subtype="sell"), None, id="kept, other cash"),
    ],
)
def test_the_fraction_of_a_split_is_sold_once(held: object, booked: Row | None, sold: object) -> None:
    rows = [row(1, 0, 105, 1050), *([booked] if booked else [])]
    found = history(rows, TENTH, held={ACME: Held(D(str(held)))})
    closings = [(one.quantity, one.proceeds, one.closed_by) for one in found.closings.get(ACME, ())]
    assert closings == ([sold] if sold else [])
    assert lots(found) == [(1, D(str(held)), 1000 if sold else 1050)]
    assert not found.unexplained


def test_what_no_split_explains_is_not_the_sale_of_a_fraction() -> None:
    found = history([row(1, 0, "10.5", 1050), row(2, 90, 0, -31, type="sell", subtype="sell")], TENTH, held=None)
    assert not found.closings


def test_a_new_name_neither_closes_nor_opens() -> None:
    """What was there before keeps its day; what the brokerage books of it is not told twice."""
    name = Renaming(-4, START + timedelta(50), ACME, CHILD)
    went = row(2, 51, -40, type="transfer", subtype="merger")
    came = row(3, 51, 40, type="transfer", subtype="merger", security=CHILD)
    bought = row(1, 1, 30, 1000)
    for rows in ([bought], [bought, went, came]):
        found = history(rows, name, held={CHILD: Held(D(40))})
        assert not found.closings
        assert not found.unexplained
        assert [(lot.quantity, lot.opened_by, lot.entered) for lot in found.lots[CHILD]] == [
            (10, OPENING, START),
            (30, 1, START + timedelta(1)),
        ]


def test_an_opening_before_a_split_is_in_units_of_its_time() -> None:
    found = history([row(1, 40, -50, -1000)], SPLIT, held={ACME: Held(D(150), D(1500))})
    assert found.openings[ACME].quantity == 100
    assert lots(found) == [(OPENING, 150, D(1500))]
    assert found.closings[ACME][0].basis == 500


def test_a_spin_off_of_what_was_there_before_is_not_counted_twice() -> None:
    action = SpinOff(-2, START + timedelta(20), ACME, CHILD, D("0.5"), D("0.8"))
    booked = row(7, 21, 50, type="transfer", subtype="spin off", security=CHILD)
    held = {ACME: Held(D(100)), CHILD: Held(D(50))}
    found = history([row(1, 1, 40, 1000), booked], action, held=held)
    assert lots(found) == [(OPENING, 60, None), (1, 40, 800)]
    assert lots(found, CHILD) == [(OPENING, 30, None), (1, 20, 200)]
    assert set(found.openings) == {ACME}
    assert not found.unexplained


def test_a_merger_that_only_rows_tell_of_keeps_dates_and_basis() -> None:
    went = row(2, 50, -40, type="transfer", subtype="merger")
    came = row(3, 50, 10, type="transfer", subtype="merger", security=CHILD)
    found = history([row(1, 1, 40, 1000), went, came], held={CHILD: Held(D(10))})
    (lot,) = found.lots[CHILD]
    assert (lot.opened, lot.quantity, lot.cost) == (START + timedelta(1), 10, 1000)
    assert not found.closings


def test_a_merger_that_is_told_and_booked_counts_once() -> None:
    action = Merger(-3, START + timedelta(50), ACME, CHILD, D("0.25"))
    went = row(2, 51, -40, type="transfer", subtype="merger")
    came = row(3, 51, 10, type="transfer", subtype="merger", security=CHILD)
    found = history([row(1, 1, 40, 1000), went, came], action, held={CHILD: Held(D(10))})
    assert lots(found, CHILD) == [(1, 10, 1000)]
    assert not found.lots.get(ACME)


@pytest.mark.parametrize(("leaves", "arrives"), [(20, 24), (24, 20), (22, 22)])
def test_a_transfer_between_own_accounts_keeps_dates_and_basis(leaves: int, arrives: int) -> None:
    rows = [
        row(1, 0, 10, 1000),
        row(2, leaves, -10, type="transfer", subtype="transfer"),
        row(3, arrives, 10, type="transfer", subtype="transfer", account=AWAY),
        row(4, 400, -10, -1500, account=AWAY),
    ]
    books = {HOME: AccountBook(held={}), AWAY: AccountBook(held={})}
    found = lot_history(rows=rows, actions=(), books=books)
    (closing,) = found[AWAY].closings[ACME]
    assert (closing.opened_by, closing.opened, closing.gain, closing.is_long_term) == (1, START, 500, True)
    assert not found[HOME].closings
    assert not found[HOME].lots
    assert not found[HOME].openings


def test_what_leaves_for_elsewhere_is_no_sale() -> None:
    found = history([row(1, 0, 10, 1000), row(2, 9, -4, type="transfer")], held={ACME: Held(D(6))})
    assert lots(found) == [(1, 6, 600)]
    assert not found.closings


def test_the_time_of_day_decides_where_it_is_told() -> None:
    from datetime import UTC, datetime

    at = [datetime(2025, 1, 2, hour, tzinfo=UTC) for hour in (9, 12, 15)]
    buy, sell, again = row(3, 0, 10, 100), row(1, 0, -10, -120), row(2, 0, 10, 130)
    rows = [each._replace(executed_at=moment) for each, moment in zip((buy, sell, again), at, strict=True)]
    found = history(rows)
    assert lots(found) == [(2, 10, 130)]
    assert found.closings[ACME][0].gain == 20


def taxed(rows: Sequence[Row], books: dict[int, AccountBook], *, sheltered: tuple[int, ...] = ()) -> Gains:
    return gains(history=lot_history(rows=rows, actions=(), books=books), rows=rows, actions=(), sheltered=sheltered)


TWO = {HOME: AccountBook(), AWAY: AccountBook()}


def test_a_wash_sale_reaches_into_another_account() -> None:
    rows = [row(1, 0, 10, 1000), row(2, 50, -10, -700), row(3, 60, 10, 650, account=AWAY)]
    found = taxed(rows, TWO)
    assert [(lot.account, lot.cost, lot.added, lot.opened) for lot in found.open] == [
        (AWAY, 950, 300, START + timedelta(60 - 50))
    ]
    assert [(lot.disallowed, lot.basis) for lot in found.closed] == [(300, 1000)]
    (washing,) = found.washed
    assert (washing.account, washing.replacement_account, washing.sale.amount) == (HOME, AWAY, 300)


def test_in_an_ira_the_loss_is_gone_for_good() -> None:
    """Rev. Rul. 2008-5: 100 shares of basis 1000 sold for 600, bought back in the IRA."""
    rows = [row(1, 0, 100, 1000), row(2, 50, -100, -600), row(3, 51, 100, 610, account=AWAY)]
    found = taxed(rows, TWO, sheltered=(AWAY,))
    assert [(lot.disallowed, lot.quantity) for lot in found.closed] == [(400, 100)]
    assert [(lot.cost, lot.added) for lot in found.open] == [(610, 0)]
    assert found.washed[0].sale.is_permanent


trades = st.lists(
    st.tuples(st.integers(0, 50), st.integers(-9, 9).filter(bool), st.integers(1, 40), st.sampled_from((HOME, AWAY))),
    min_size=1,
    max_size=16,
)


def lived(steps: list[tuple[int, int, int, int]]) -> list[Row]:
    day, rows = 0, []
    for number, (gap, units, price, account) in enumerate(steps, start=1):
        day += gap
        rows.append(row(number, day, units, units * price, account=account))
    return rows


@given(steps=trades, seed=st.integers(0, 99), method=st.sampled_from(LotMethod))
def test_no_order_of_telling_changes_anything(
    steps: list[tuple[int, int, int, int]], seed: int, method: LotMethod
) -> None:
    rows = lived(steps)
    books = {HOME: AccountBook(method), AWAY: AccountBook(method)}
    mixed = random.Random(seed).sample(rows, len(rows))
    assert taxed(rows, books) == taxed(mixed, books)


@given(steps=trades, method=st.sampled_from(LotMethod))
def test_lots_are_the_position_and_all_money_is_somewhere(
    steps: list[tuple[int, int, int, int]], method: LotMethod
) -> None:
    """Cash in and out = gains recognised + put off, less the cost of what is still held: nothing is made or lost."""
    rows = lived(steps)
    found = taxed(rows, {HOME: AccountBook(method), AWAY: AccountBook(method)})
    for account in (HOME, AWAY):
        held = sum(lot.quantity for lot in found.open if lot.account == account)
        assert held == sum(each.quantity for each in rows if each.account == account)
    cash = sum(-each.amount for each in rows)
    gain = sum((lot.proceeds or D(0)) - (lot.basis or D(0)) + lot.disallowed for lot in found.closed)
    tied_up = sum(((lot.cost or D(0)) - 0).copy_sign(lot.quantity) for lot in found.open)
    assert cash == gain - tied_up


@given(steps=trades, held=st.integers(0, 30), basis=st.integers(0, 500))
def test_with_a_brokerages_word_the_lots_are_never_less_than_it(
    steps: list[tuple[int, int, int, int]], held: int, basis: int
) -> None:
    rows = [each for each in lived(steps) if each.account == HOME]
    found = history(rows, held={ACME: Held(D(held), D(basis))})
    units = sum((lot.quantity for lot in found.lots.get(ACME, ())), D(0))
    assert units - found.unexplained.get(ACME, D(0)) == held
    assert all(lot.quantity > 0 for lot in found.lots.get(ACME, ()))
    assert all(not closing.is_short for closing in found.closings.get(ACME, ()))


def test_a_merger_that_is_booked_as_units_and_cash_is_a_sale() -> None:
    """100 units that cost 500 leave, 1000 come beside them: the gain is 500, and no lot is lost."""
    rows = [
        row(1, 0, 100, 500),
        row(2, 30, 0, -1000, type="transfer", subtype="merger"),
        row(3, 30, -100, 0, type="transfer", subtype="merger"),
    ]
    found = history(rows)
    assert not found.lots
    assert [(each.quantity, each.proceeds, each.basis) for each in found.closings[ACME]] == [(100, 1000, 500)]


def test_cash_beside_the_shares_of_a_merger_is_gain_up_to_what_was_gained() -> None:
    """26 USC 356: 100 units for 500 become 50 worth 800 and 200 of cash. Gained are 500, recognised 200; basis 500."""
    rows = [
        row(1, 0, 100, 500),
        row(2, 30, -100, 0, type="transfer", subtype="merger"),
        row(3, 30, 50, 800, type="transfer", subtype="merger", security=CHILD),
        row(4, 30, 0, -200, type="transfer", subtype="merger"),
    ]
    found = history(rows)
    assert lots(found, CHILD) == [(1, 50, 500)]
    assert [each.gain for each in found.closings[ACME]] == [200]


def test_old_units_out_and_new_ones_in_are_one_reverse_split() -> None:
    """1-for-32, told as -32 and 1 in either order: the lot keeps its cost and its day."""
    for first, second in ((-32, 1), (1, -32)):
        rows = [
            row(1, 0, 32, 320),
            row(2, 30, first, type="transfer", subtype="split"),
            row(3, 30, second, type="transfer", subtype="split"),
        ]
        found = history(rows)
        assert lots(found) == [(1, 1, 320)]
        assert not found.closings

"""A buyout for cash or a delisting that an operator entered and the brokerage books too: the lots are closed once."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from investments import ledger, lots
from investments.core.lot_history import AccountBook, AccountLots, Held, lot_history
from investments.core.positions import Delisting, Event, Merger
from investments.entries import CorporateActionEntry
from investments.models import Holding, RealizedLot, TaxLot
from investments.tests.test_lot_history import ACME, HOME, START, history, row
from investments.tests.test_lots_stored import START as FIRST
from investments.tests.test_lots_stored import empty as empty
from investments.tests.test_lots_stored import record, trade
from tests.fixtures import Portfolio

D = Decimal
END = START + timedelta(50)
ENDS = (Merger(-3, END, ACME, None, D(0), cash=D(12)), Delisting(-3, END, ACME, D(12)))
NOTHING_HELD: dict[int, Held] = {}


def closed(found: AccountLots) -> list[tuple[int, Decimal, int, Decimal | None]]:
    """(closed by, units, day counted from the start, gain) of each closing."""
    return [(one.closed_by, one.quantity, (one.closed - START).days, one.gain) for one in found.closings.get(ACME, ())]


@pytest.mark.parametrize("held", [None, NOTHING_HELD])
@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("booked", [50, 53, 54, 90, 400])
def test_the_brokerages_own_sale_counts_and_nothing_else(end: Event, booked: int, held: dict[int, Held] | None) -> None:
    found = history([row(1, 0, 100, 1000), row(2, booked, -100, -1195)], end, held=held)
    assert closed(found) == [(2, 100, booked, 195)]
    assert not found.lots.get(ACME)
    assert not found.openings
    assert not found.unexplained


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("booked", [48, 52])
def test_a_sale_booked_as_a_merger_counts_with_its_cash(end: Event, booked: int) -> None:
    went = row(2, booked, -100, -1195, type="transfer", subtype="merger")
    found = history([row(1, 0, 100, 1000), went], end, held=NOTHING_HELD)
    assert closed(found) == [(2, 100, booked, 195)]
    assert not found.openings


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("subtype", ["merger", "transfer"])
def test_a_removal_without_cash_is_the_end_told_again(end: Event, subtype: str) -> None:
    went = row(2, 60, -100, type="transfer", subtype=subtype)
    found = history([row(1, 0, 100, 1000), went], end, held=NOTHING_HELD)
    assert closed(found) == [(-3, 100, 50, 200)]
    assert not found.openings
    assert not found.unexplained


@pytest.mark.parametrize("end", ENDS)
def test_cash_that_comes_without_units_changes_no_lot(end: Event) -> None:
    found = history([row(1, 0, 100, 1000), row(2, 53, 0, -1200, type="cash", subtype="")], end, held=NOTHING_HELD)
    assert closed(found) == [(-3, 100, 50, 200)]


@pytest.mark.parametrize("end", ENDS)
def test_what_the_brokerage_booked_in_part_is_ended_for_the_rest(end: Event) -> None:
    rows = [row(1, 0, 100, 1000), row(2, 51, -30, -360), row(3, 53, -30, -330)]
    found = history(rows, end)
    assert closed(found) == [(2, 30, 51, 60), (3, 30, 53, 30), (-3, 40, 53, 80)]
    assert not found.lots.get(ACME)


@pytest.mark.parametrize("end", ENDS)
def test_what_was_bought_and_sold_since_is_left_alone(end: Event) -> None:
    """The paper went on over the counter: its later life begins with nothing."""
    found = history([row(1, 0, 100, 1000), row(2, 80, 40, 40), row(3, 90, -40, -20)], end)
    assert closed(found) == [(-3, 100, 50, 200), (3, 40, 90, -20)]


@pytest.mark.parametrize("end", ENDS)
def test_a_short_is_covered_once(end: Event) -> None:
    cover = row(2, 53, 100, 1195, type="buy", subtype="buy to cover")
    found = history([row(1, 0, -100, -1500, type="sell", subtype="sell short"), cover], end)
    assert closed(found) == [(2, 100, 53, 305)]
    assert not found.lots.get(ACME)


def test_another_account_without_a_row_of_its_own_ends_by_the_action() -> None:
    rows = [row(1, 0, 100, 1000), row(2, 53, -100, -1195), row(3, 0, 10, 100, account=20)]
    found = lot_history(rows=rows, actions=ENDS[:1], books={HOME: AccountBook(), 20: AccountBook()})
    assert closed(found[HOME]) == [(2, 100, 53, 195)]
    assert closed(found[20]) == [(-3, 10, 50, 20)]


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["merger", "delisting"])
def test_lots_and_holdings_of_an_account_kept_by_hand(empty: Portfolio, kind: str) -> None:
    def state() -> dict[str, Any]:
        lots.recompute_lots(owner_id=empty.owner.pk)
        its: dict[str, Any] = {"account": empty.brokerage, "security": empty.securities["sec-tsla"]}
        return {
            "open": list(TaxLot.objects.filter(**its).values_list("quantity", flat=True)),
            "closed": [(one.closed, one.quantity, one.gain) for one in RealizedLot.objects.filter(**its)],
            "held": list(Holding.objects.filter(removed_at=None, **its).values_list("quantity", flat=True)),
        }

    record(empty, trade("a", 0, 10, 1000))
    ex_date = FIRST + timedelta(30)
    entry = CorporateActionEntry(kind, ex_date, cash_per_unit=D(120))
    ids = [empty.securities["sec-tsla"].pk]
    ledger.record_corporate_actions(security_ids=ids, actions=[entry], source="operator")
    assert state() == {"open": [], "closed": [(ex_date, 10, 200)], "held": []}
    record(empty, trade("b", 33, -10, -1190))
    assert state() == {"open": [], "closed": [(FIRST + timedelta(33), 10, 190)], "held": []}

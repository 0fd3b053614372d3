"""What an owner says about taxes: groups of substantially identical securities, and how the same lot is read."""

from decimal import Decimal
from typing import Any

import pytest

from investments import ledger, tax
from investments.ledger import Refused
from investments.lot_records import alike
from investments.lots import recompute_lots
from investments.models import Account, IdenticalGroup, RealizedLot, Security, WashSale
from investments.tests.test_lots_stored import record, trade
from tests.fixtures import Portfolio

D = Decimal


@pytest.fixture
def traded(portfolio: Portfolio) -> Portfolio:
    """TSLA sold at a loss of 300; VTI bought ten days later."""
    Account.objects.filter(owner=portfolio.owner).update(source="manual")
    record(
        portfolio,
        trade("a", 0, 100, 1000),
        trade("b", 40, -100, -700),
        trade("c", 50, 40, 290, security="sec-vti"),
    )
    recompute_lots(owner_id=portfolio.owner.pk)
    return portfolio


def ids(portfolio: Portfolio, *names: str) -> list[int]:
    return [portfolio.securities[name].pk for name in names]


def washed(portfolio: Portfolio) -> list[tuple[Decimal, Decimal]]:
    recompute_lots(owner_id=portfolio.owner.pk)
    return list(WashSale.objects.for_user(portfolio.owner).values_list("quantity", "amount"))


def test_a_group_makes_two_funds_one_and_forgetting_it_two_again(traded: Portfolio) -> None:
    """40 of 100 units sold are replaced: 40 % of the loss is put off (26 USC 1091(b))."""
    owner = traded.owner
    assert washed(traded) == []
    group = ledger.declare_identical(owner=owner, name="Cars", security_ids=ids(traded, "sec-tsla", "sec-vti"))
    assert tax.lots_are_behind(owner=owner)
    assert washed(traded) == [(40, 120)]
    assert RealizedLot.objects.get(owner=owner, disallowed__gt=0).disallowed == 120
    ledger.forget_identical(group=group)
    assert washed(traded) == []


def test_a_group_is_changed_and_what_says_the_same_computes_nothing(traded: Portfolio) -> None:
    owner, first = traded.owner, ids(traded, "sec-tsla", "sec-vti")
    group = ledger.declare_identical(owner=owner, name="Cars", security_ids=first)
    recompute_lots(owner_id=owner.pk)
    ledger.declare_identical(owner=owner, name="Funds", security_ids=first, group=group)
    assert not tax.lots_are_behind(owner=owner)
    assert IdenticalGroup.objects.for_user(owner).get().name == "Funds"
    ledger.declare_identical(owner=owner, name="Funds", security_ids=ids(traded, "sec-tsla", "sec-aapl"), group=group)
    assert tax.lots_are_behind(owner=owner)
    assert washed(traded) == []


@pytest.mark.parametrize(
    ("name", "securities", "field"),
    [
        (" ", ("sec-tsla", "sec-vti"), "name"),
        ("x" * 61, ("sec-tsla", "sec-vti"), "name"),
        ("Cars", ("sec-aapl", "sec-usd"), "name"),
        ("Other", ("sec-aapl",), "securities"),
        ("Other", ("sec-aapl", "sec-tsla"), "securities"),
        ("Other", ("sec-aapl", "nobody has it"), "securities"),
    ],
)
def test_what_no_group_can_be_is_refused(traded: Portfolio, name: str, securities: Any, field: str) -> None:
    owner = traded.owner
    ledger.declare_identical(owner=owner, name="Cars", security_ids=ids(traded, "sec-tsla", "sec-vti"))
    unknown = Security.objects.create(source="manual", external_id="unknown", ticker_symbol="NOPE")
    named = [unknown.pk if one == "nobody has it" else traded.securities[one].pk for one in securities]
    with pytest.raises(Refused) as refused:
        ledger.declare_identical(owner=owner, name=name, security_ids=named)
    assert refused.value.field == field
    assert IdenticalGroup.objects.count() == 1


def test_groups_take_in_every_id_of_a_paper_and_meet_where_they_share_one() -> None:
    identity = {1: 1, 2: 1, 3: 3, 4: 4, 5: 5, 6: 6}
    assert alike(identity, {2: 10, 3: 10}) == {1: 1, 2: 1, 3: 1, 4: 4, 5: 5, 6: 6}
    assert alike(identity, {1: 10, 4: 10, 2: 11, 5: 11}) == {1: 1, 2: 1, 3: 3, 4: 1, 5: 1, 6: 6}
    assert alike(identity, {}) == identity


def test_what_is_left_of_the_same_lot_replaces_only_where_the_owner_reads_it_so(portfolio: Portfolio) -> None:
    """100 bought, 60 sold ten days later at a loss of 240: the 40 left would replace 40 of them."""
    Account.objects.filter(owner=portfolio.owner).update(source="manual")
    record(portfolio, trade("a", 0, 100, 1000), trade("b", 10, -60, -360))
    assert washed(portfolio) == []
    assert ledger.read_same_lot(owner=portfolio.owner, counts=True)
    assert not ledger.read_same_lot(owner=portfolio.owner, counts=True)
    assert washed(portfolio) == [(40, 160)]
    assert ledger.read_same_lot(owner=portfolio.owner, counts=False)
    assert washed(portfolio) == []


def test_groups_of_another_owner_change_nothing(traded: Portfolio, other: Any) -> None:
    group = IdenticalGroup.objects.create(owner=other, name="Theirs")
    group.members.create(owner=other, security=traded.securities["sec-tsla"])
    group.members.create(owner=other, security=traded.securities["sec-vti"])
    assert washed(traded) == []

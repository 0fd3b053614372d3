"""Lots in PostgreSQL: written as the ledger says, only where they differ, and for one owner at a time."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from django.db.models import Sum
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from investments import ledger, lots
from investments.entries import CorporateActionEntry, SecurityEntry, TransactionEntry
from investments.models import (
    Account,
    CorporateAction,
    Holding,
    LotPick,
    OwnerLots,
    RealizedLot,
    TaxLot,
    Transaction,
    WashSale,
)
from portfolio_site.lib import sessions
from tests.fixtures import TODAY, Portfolio

D = Decimal
START = date(2026, 2, 2)


def trade(
    name: str, day: int, quantity: object, amount: object, *, account: str = "brokerage", security: str = "sec-tsla",
    type: str = "", subtype: str = "",
) -> TransactionEntry:  # fmt: skip
    kind = type or ("buy" if D(str(quantity)) > 0 else "sell")
    return TransactionEntry(
        name, account_external_id=account, security_external_id=security, type=kind, subtype=subtype or kind,
        date=START + timedelta(day), quantity=D(str(quantity)), amount=D(str(amount)),
    )  # fmt: skip


def record(portfolio: Portfolio, *entries: TransactionEntry, source: str = "manual") -> None:
    accounts = {"brokerage": portfolio.brokerage, "ira": portfolio.ira}
    written = ledger.record_transactions(
        accounts=accounts, securities=portfolio.securities, source=source, entries=entries, today=TODAY
    )
    assert not written.findings


def recompute(portfolio: Portfolio, **options: Any) -> lots.LotsWritten:
    return lots.recompute_lots(owner_id=portfolio.owner.pk, **options)


def of(portfolio: Portfolio, model: Any, security: str = "sec-tsla") -> list[Any]:
    return list(model.objects.filter(owner=portfolio.owner, security=portfolio.securities[security]).order_by("pk"))


@pytest.fixture
def empty(portfolio: Portfolio) -> Portfolio:
    """The portfolio, kept by hand: what no row explains is not there."""
    Account.objects.filter(owner=portfolio.owner).update(source="manual")
    return portfolio


def test_the_portfolio_has_the_lots_of_its_ledger_and_openings_for_the_rest(portfolio: Portfolio) -> None:
    recompute(portfolio)
    (apple,) = TaxLot.objects.filter(account=portfolio.brokerage, security=portfolio.securities["sec-aapl"])
    bought = Transaction.objects.get(external_id="t2", owner=portfolio.owner)
    assert (apple.opened_by, apple.opened, apple.quantity, apple.cost) == (bought, date(2026, 1, 6), 10, D("1804.95"))
    held = {row.security_id: row.quantity for row in portfolio.brokerage.holdings.exclude(security__type="cash")}
    for security_id, quantity in held.items():
        its = TaxLot.objects.filter(account=portfolio.brokerage, security=security_id)
        assert sum(lot.quantity for lot in its) == quantity
    state = OwnerLots.objects.get(owner=portfolio.owner)
    assert state.processed_version == sum(Account.objects.values_list("ledger_version", flat=True))


def test_worked_example_by_each_method_of_the_account(empty: Portfolio) -> None:
    record(empty, trade("a", 0, 100, 1000), trade("b", 1, 50, 600), trade("c", 2, -75, -1125))
    gains = {}
    for method in ("fifo", "lifo", "hifo", "average"):
        Account.objects.filter(pk=empty.brokerage.pk).update(lot_method=method)
        recompute(empty, anew=True)
        gains[method] = sum(row.gain for row in of(empty, RealizedLot))
    assert gains == {"fifo": 375, "lifo": 275, "hifo": 275, "average": 325}


def test_nothing_is_written_when_nothing_has_changed(empty: Portfolio) -> None:
    record(empty, trade("a", 0, 10, 100), trade("b", 5, -4, -30), trade("c", 9, 4, 28))
    first = recompute(empty)
    assert first.inserted
    assert recompute(empty) == lots.LotsWritten()
    kept = {model: [row.pk for row in of(empty, model)] for model in (TaxLot, RealizedLot, WashSale)}
    assert recompute(empty, anew=True) == lots.LotsWritten()
    assert kept == {model: [row.pk for row in of(empty, model)] for model in kept}
    record(empty, trade("d", 30, 1, 11))
    assert recompute(empty) == lots.LotsWritten(deleted=0, inserted=1)


def test_a_correction_keeps_its_place_and_a_cancel_takes_its_row_away(empty: Portfolio) -> None:
    record(empty, trade("a", 0, 10, 100), trade("b", 0, 10, 200), trade("c", 1, -10, -150))
    recompute(empty)
    assert [row.basis for row in of(empty, RealizedLot)] == [100]
    record(empty, trade("a", 0, 10, 120))
    recompute(empty)
    assert [row.basis for row in of(empty, RealizedLot)] == [120]
    cancel = replace(trade("x", 2, 0, 0, type="cancel"), cancels_external_id="a", subtype="")
    record(empty, cancel)
    recompute(empty)
    assert [row.basis for row in of(empty, RealizedLot)] == [200]


def test_a_split_told_later_moves_every_lot(empty: Portfolio) -> None:
    record(empty, trade("a", 0, 10, 1000, security="sec-aapl"), trade("b", 60, -5, -300, security="sec-aapl"))
    split = CorporateActionEntry(kind="split", ex_date=START + timedelta(30), ratio=D(2))
    ledger.record_corporate_actions(security_ids=[empty.securities["sec-aapl"].pk], actions=[split], source="operator")
    recompute(empty)
    (closed,) = of(empty, RealizedLot, "sec-aapl")
    assert closed.basis == D("1804.95") * 5 / 20
    assert sum(lot.quantity for lot in of(empty, TaxLot, "sec-aapl")) == 35


def test_what_is_announced_happens_on_its_day_and_once(empty: Portfolio) -> None:
    """Nobody's ledger changes that day: the job lets it begin, for those whose lots are of the days before."""
    record(empty, trade("a", 0, 10, 1000))
    ex_date = sessions.today() + timedelta(days=3)
    split = CorporateActionEntry(kind="split", ex_date=ex_date, ratio=D(2))
    ledger.record_corporate_actions(security_ids=[empty.securities["sec-tsla"].pk], actions=[split], source="operator")
    recompute(empty)
    held = Holding.objects.filter(removed_at=None).filter(
        account=empty.brokerage, security=empty.securities["sec-tsla"]
    )
    assert [lot.quantity for lot in of(empty, TaxLot)] == [10]
    assert [row.quantity for row in held] == [10]
    assert ledger.begin_corporate_actions(today=sessions.today()) == 0

    CorporateAction.objects.update(ex_date=sessions.today())
    OwnerLots.objects.update(computed_at=timezone.now() - timedelta(days=1))
    begun = ledger.begin_corporate_actions(today=sessions.today())
    recompute(empty)
    assert begun >= 1
    assert [lot.quantity for lot in of(empty, TaxLot)] == [20]
    assert [row.quantity for row in held.all()] == [20]
    assert ledger.begin_corporate_actions(today=sessions.today()) == 0


@pytest.mark.parametrize(
    ("kind", "figures", "left"),
    [
        ("merger", {"ratio": D(2), "cash_per_unit": D(1), "unit_value": D(3)}, {"sec-aapl": 22}),
        ("spin_off", {"ratio": D("0.5"), "basis_fraction": D("0.25")}, {"sec-tsla": 6, "sec-aapl": 13}),
        ("symbol_change", {}, {"sec-aapl": 16}),
    ],
)
def test_holdings_of_an_account_kept_by_hand_are_its_lots(
    empty: Portfolio, kind: str, figures: dict[str, Any], left: dict[str, int]
) -> None:
    record(empty, trade("a", 0, 10, 1000), trade("b", 1, -4, -480))
    act(empty, kind, successor_id=empty.securities["sec-aapl"].pk, **figures)
    recompute(empty)
    held = Holding.objects.filter(removed_at=None).filter(account=empty.brokerage).exclude(security__type="cash")
    units = {empty.securities[name].pk: quantity for name, quantity in left.items()}
    assert {row.security_id: row.quantity for row in held} == units
    sums = TaxLot.objects.filter(account=empty.brokerage).values("security").order_by("security")
    expected = sums.annotate(units=Sum("quantity"), basis=Sum("cost")).values_list("security", "units", "basis")
    assert sorted((row.security_id, row.quantity, row.cost_basis) for row in held) == list(expected)


def act(portfolio: Portfolio, kind: str, **figures: Any) -> None:
    entry = CorporateActionEntry(kind=kind, ex_date=START + timedelta(30), **figures)
    ids = [portfolio.securities["sec-tsla"].pk]
    ledger.record_corporate_actions(security_ids=ids, actions=[entry], source="operator")


def test_a_merger_recognises_the_gain_up_to_its_cash(empty: Portfolio) -> None:
    """26 CFR 1.356-1: stock worth 100 and 75 of cash for a basis of 85."""
    record(empty, trade("a", 0, 1, 85))
    successor = empty.securities["sec-aapl"].pk
    act(empty, "merger", ratio=D(2), cash_per_unit=D(75), unit_value=D(100), successor_id=successor)
    recompute(empty)
    (closed,) = of(empty, RealizedLot)
    assert (closed.proceeds, closed.basis, closed.gain) == (75, 0, 75)
    assert [(lot.quantity, lot.cost) for lot in of(empty, TaxLot, "sec-aapl") if lot.cost == 85] == [(2, 85)]


def test_a_new_name_keeps_the_lot_as_it_was(empty: Portfolio) -> None:
    record(empty, trade("a", 0, 10, 1000))
    successor = empty.securities["sec-aapl"].pk
    act(empty, "symbol_change", successor_id=successor)
    recompute(empty)
    assert not of(empty, TaxLot)
    assert not of(empty, RealizedLot)
    assert (START, START, 10, 1000) in [
        (lot.opened, lot.entered, lot.quantity, lot.cost) for lot in of(empty, TaxLot, "sec-aapl")
    ]


def test_an_action_leads_to_the_successor_by_the_id_that_the_owner_has(empty: Portfolio) -> None:
    twin = SecurityEntry("aapl-elsewhere", ticker_symbol="AAPL", type="equity", iso_currency_code="USD")
    ids = ledger.upsert_securities(source="alpaca", entries=[twin]).by_external_id
    record(empty, trade("a", 0, 10, 1000))
    act(empty, "merger", ratio=D(1), successor_id=ids["aapl-elsewhere"].pk)
    recompute(empty)
    assert 1000 in [lot.cost for lot in of(empty, TaxLot, "sec-aapl")]


def test_the_price_of_a_split_sells_the_fraction(portfolio: Portfolio) -> None:
    """15 become 1.5; the brokerage lists one."""
    Holding.objects.filter(account=portfolio.brokerage, security=portfolio.securities["sec-tsla"]).delete()
    record(portfolio, trade("a", 0, 15, 1500), trade("b", 40, -1, -1300), source="plaid")
    act(portfolio, "split", ratio=D("0.1"), cash_per_unit=D(1200))
    recompute(portfolio)
    gains = [(row.quantity, row.proceeds, row.basis) for row in of(portfolio, RealizedLot) if row.opened_by]
    assert sorted(gains) == [(D("0.5"), 600, 500), (1, 1300, 1000)]


def test_lots_that_the_owner_picks_go_first_and_survive_corrections(empty: Portfolio) -> None:
    record(empty, trade("a", 0, 10, 100), trade("b", 1, 10, 300), trade("c", 2, -10, -250))
    rows = {row.external_id: row for row in Transaction.objects.filter(owner=empty.owner, source="manual")}
    LotPick.objects.create(owner=empty.owner, account=empty.brokerage, sale=rows["c"], opened_by=rows["b"], quantity=6)
    recompute(empty)
    assert sorted(row.basis for row in of(empty, RealizedLot)) == [40, 180]
    record(empty, trade("b", 1, 10, 400))
    recompute(empty)
    assert sorted(row.basis for row in of(empty, RealizedLot)) == [40, 240]
    record(empty, trade("b", 1, 3, 120))
    recompute(empty)
    assert [row.basis for row in of(empty, RealizedLot)] == [100]


def test_a_wash_sale_names_both_trades(empty: Portfolio) -> None:
    record(empty, trade("a", 0, 10, 1000), trade("b", 40, -10, -700), trade("c", 50, 10, 650, account="ira"))
    recompute(empty)
    (sale,) = of(empty, WashSale)
    # The IRA is sheltered: the basis is lost for good.
    assert (sale.amount, sale.is_permanent, sale.replacement_account) == (300, True, empty.ira)
    assert (sale.sold_by.external_id, sale.bought_by.external_id) == ("b", "c")
    assert [row.gain for row in of(empty, RealizedLot)] == [0]


def test_another_owners_lots_are_another_matter(portfolio: Portfolio, other: Any, as_web: Any) -> None:
    recompute(portfolio)
    with as_web(other):
        assert not TaxLot.objects.exists()
    with as_web(portfolio.owner):
        assert TaxLot.objects.exists()


def test_who_is_behind_is_found_and_a_failure_waits_for_the_next_change(
    portfolio: Portfolio, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert lots.behind(limit=10) == [portfolio.owner.pk]

    def broken(_ledger: object) -> None:
        raise ArithmeticError("no such lot")

    with monkeypatch.context() as patched:
        patched.setattr(lots, "compute", broken)
        with pytest.raises(ArithmeticError):
            recompute(portfolio)
    assert OwnerLots.objects.get().error == "ArithmeticError: no such lot"
    assert lots.behind(limit=10) == []
    record(portfolio, trade("a", 0, 1, 10))
    assert lots.behind(limit=10) == [portfolio.owner.pk]
    recompute(portfolio)
    assert lots.behind(limit=10) == []
    assert OwnerLots.objects.get().error == ""


# savepoint, state, version; accounts, holdings, cancels, picks, rows, actions, groups, securities, rules; tables
QUERIES = 18


def test_queries_do_not_grow_with_the_ledger(empty: Portfolio, django_assert_max_num_queries: Any) -> None:
    record(empty, *(trade(f"t{number}", number, 1, 10) for number in range(30)))
    with django_assert_max_num_queries(QUERIES):
        recompute(empty)
    assert len(of(empty, TaxLot)) == 30


steps = st.lists(
    st.lists(
        st.tuples(st.integers(0, 11), st.integers(0, 90), st.integers(-9, 9), st.integers(1, 40)),
        min_size=1,
        max_size=4,
    ),
    min_size=1,
    max_size=4,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=steps)
def test_following_the_ledger_comes_to_the_same_as_starting_anew(
    empty: Portfolio, steps: list[list[tuple[int, int, int, int]]]
) -> None:
    """Rows, corrections of them and voids (quantity 0), told in pieces: incremental equals full."""
    with transaction.atomic():
        for piece in steps:
            told = {number: (day, units, price) for number, day, units, price in piece}
            record(empty, *(trade(f"s{n}", day, u, u * p) for n, (day, u, p) in told.items() if u))
            gone = [f"s{number}" for number, (_, units, _) in told.items() if not units]
            rows = Transaction.objects.filter(owner=empty.owner, external_id__in=gone).values_list("pk", flat=True)
            ledger.void_transactions(transaction_ids=list(rows))
            recompute(empty)
        followed = contents(empty)
        for model in (TaxLot, RealizedLot, WashSale):
            model.objects.all().delete()
        recompute(empty, anew=True)
        assert contents(empty) == followed
        transaction.set_rollback(True)


def contents(portfolio: Portfolio) -> list[Sequence[Any]]:
    tables = ((TaxLot, lots.LOT_FIELDS), (RealizedLot, lots.REALIZED_FIELDS), (WashSale, lots.WASH_FIELDS))
    return [
        sorted(model.objects.filter(owner=portfolio.owner).values_list(*names), key=repr) for model, names in tables
    ]


def test_a_killed_recomputation_leaves_what_was_there(empty: Portfolio) -> None:
    record(empty, trade("a", 0, 10, 100))
    recompute(empty)
    before = contents(empty)
    record(empty, trade("b", 1, 10, 100))
    with transaction.atomic():
        recompute(empty)
        transaction.set_rollback(True)
    assert contents(empty) == before
    assert lots.behind(limit=10) == [empty.owner.pk]

"""The table of effects: every documented pair is in it, and each line does what the table of Plaid's meanings says."""

import json
from decimal import Decimal
from pathlib import Path

import pytest
from django.conf import settings

from investments.core.effects import OTHER, TABLE, Deltas, deltas, effect_of, normalise

REFERENCE = Path(settings.REFERENCE_DATA) / "plaid" / "investment_transaction_types.json"


def documented() -> list[tuple[str, str]]:
    kinds = json.loads(REFERENCE.read_text())["documented_descriptions"]
    return [(kind, subtype) for kind, entry in kinds.items() for subtype in entry["subtypes"] or [""]]


def undescribed() -> list[str]:
    names: list[str] = json.loads(REFERENCE.read_text())["enum_values_without_description"]
    return names


def money(figure: str | int) -> Decimal:
    return Decimal(str(figure))


def change(type: str, subtype: str | None, quantity: str | int = 0, amount: str | int = 0, **row: object) -> Deltas:
    """The deltas of a row after its signs are repaired."""
    fees, is_cash = money(str(row.get("fees", 0))), bool(row.get("is_cash", False))
    signs = normalise(
        type=type,
        subtype=subtype,
        quantity=money(quantity),
        price=Decimal(0),
        amount=money(amount),
        fees=fees,
        is_cash=is_cash,
    )
    return deltas(type=type, subtype=subtype, quantity=signs.quantity, amount=signs.amount, fees=fees, is_cash=is_cash)


needs_reference = pytest.mark.skipif(
    not REFERENCE.exists(), reason="reference data is not there: set LONGVIEW_REFERENCE_DATA"
)


@needs_reference
def test_every_documented_pair_is_known() -> None:
    assert [pair for pair in documented() if not effect_of(*pair).known] == []


@needs_reference
def test_every_subtype_without_a_description_has_a_line_somewhere() -> None:
    assert set(undescribed()) <= {subtype for _, subtype in TABLE}


@pytest.mark.parametrize("pair", [("cash", "moon landing"), ("gift", "buy"), ("sell", "buy"), ("", None)])
def test_what_we_do_not_know_counts_as_given(pair: tuple[str, str | None]) -> None:
    assert effect_of(*pair) is OTHER
    moved = change(*pair, quantity=12, amount=961)
    assert (moved.units, moved.cash, moved.flow) == (12, -961, 0)


def test_a_buy_and_a_sale_move_units_against_cash_with_fees_inside() -> None:
    assert change("buy", "buy", 10, "107.99", fees="7.99") == Deltas(
        units=money(10), cash=money("-107.99"), fee=money("7.99"), cost=money("107.99")
    )
    sale = change("sell", "sell", -10, "-92.01", fees="7.99")
    assert (sale.units, sale.cash, sale.fee, sale.flow) == (-10, money("92.01"), money("7.99"), 0)


@pytest.mark.parametrize("subtype", ["sell", "sell short", "exercise", "distribution"])
def test_a_sale_with_positive_quantity_is_repaired(subtype: str) -> None:
    row = normalise(type="sell", subtype=subtype, quantity=money(5), price=money(9), amount=money(-45))
    assert (row.quantity, row.amount, row.repairs) == (-5, -45, ("quantity: 5 -> -5",))


def test_a_deposit_with_a_positive_amount_is_repaired() -> None:
    row = normalise(type="cash", subtype="deposit", quantity=money(0), price=money(0), amount=money(5000))
    assert (row.amount, row.repairs) == (-5000, ("amount: 5000 -> -5000",))


def test_right_signs_are_left_alone() -> None:
    row = normalise(type="buy", subtype="buy", quantity=money(5), price=money(9), amount=money(45))
    assert (row.quantity, row.amount, row.repairs) == (5, 45, ())


def test_a_sale_whose_fees_exceed_its_proceeds_keeps_its_positive_amount() -> None:
    row = normalise(
        type="sell", subtype="sell", quantity=money(-1), price=money("0.05"), amount=money("7.94"), fees=money("7.99")
    )
    assert (row.amount, row.repairs) == (money("7.94"), ())


def test_a_cash_deposit_has_the_sign_of_its_amount_and_no_units() -> None:
    deposit = change("cash", "deposit", -5000, -5000, is_cash=True)
    assert deposit == Deltas(cash=money(5000), flow=money(5000))


def test_a_cash_row_without_amount_takes_it_from_the_quantity() -> None:
    deposit = change("cash", "deposit", -5000, 0, is_cash=True)
    assert (deposit.cash, deposit.flow) == (5000, 5000)


def test_a_contribution_is_money_from_outside_that_never_lies_as_cash() -> None:
    moved = change("buy", "contribution", 4, 200)
    assert (moved.units, moved.cash, moved.flow, moved.cost) == (4, 0, 200, 200)


def test_a_distribution_mirrors_a_contribution() -> None:
    moved = change("sell", "distribution", -4, -200)
    assert (moved.units, moved.cash, moved.flow) == (-4, 0, -200)


def test_a_withdrawal_is_a_flow_out() -> None:
    moved = change("cash", "withdrawal", amount=300)
    assert (moved.cash, moved.flow) == (-300, -300)


@pytest.mark.parametrize("subtype", ["dividend", "qualified dividend", "interest", "long-term capital gain"])
@pytest.mark.parametrize("type", ["cash", "fee"])
def test_income_is_cash_but_no_flow(type: str, subtype: str) -> None:
    moved = change(type, subtype, amount="-8.72")
    assert (moved.cash, moved.income, moved.flow, moved.fee) == (money("8.72"), money("8.72"), 0, 0)


@pytest.mark.parametrize("subtype", ["account fee", "tax withheld", "margin expense", "trust fee"])
@pytest.mark.parametrize("type", ["cash", "fee"])
def test_costs_are_cash_out_but_no_flow(type: str, subtype: str) -> None:
    moved = change(type, subtype, amount=3)
    assert (moved.cash, moved.fee, moved.flow, moved.income) == (-3, 3, 0, 0)


def test_a_dividend_charged_on_a_short_is_income_below_zero() -> None:
    moved = change("cash", "dividend", amount="8.72")
    assert (moved.cash, moved.income, moved.flow, moved.fee) == (money("-8.72"), money("-8.72"), 0, 0)


def test_a_refunded_fee_is_a_fee_below_zero() -> None:
    moved = change("fee", "account fee", amount="-3")
    assert (moved.cash, moved.fee, moved.flow, moved.income) == (3, -3, 0, 0)


def test_income_is_gross_of_the_fee_taken_from_it() -> None:
    moved = change("cash", "dividend", amount="-9.98", fees="0.02")
    assert (moved.cash, moved.income, moved.fee) == (money("9.98"), 10, money("0.02"))


def test_return_of_principal_lowers_the_basis() -> None:
    assert change("fee", "return of principal", amount=-40).cost == -40


@pytest.mark.parametrize("subtype", ["transfer", "request", "send", "trade", "adjustment"])
def test_transfers_in_kind_move_units_at_market_value_and_no_cash(subtype: str) -> None:
    moved = change("transfer", subtype, -7, 1000)
    assert moved == Deltas(units=money(-7), in_kind=True, cost=None)


def test_a_transfer_of_cash_is_a_wire() -> None:
    assert change("transfer", "transfer", -250, -250, is_cash=True) == Deltas(cash=money(250), flow=money(250))
    assert change("transfer", "transfer", 0, 80) == Deltas(cash=money(-80), flow=money(-80))


@pytest.mark.parametrize("subtype", ["exercise", "assignment", "expire", "split", "spin off", "merger"])
def test_option_legs_and_corporate_actions_are_no_flows(subtype: str) -> None:
    moved = change("transfer", subtype, -2, 500)
    assert (moved.units, moved.cash, moved.flow, moved.in_kind) == (-2, 0, 0, False)


def test_cash_in_lieu_of_a_fraction_is_cash() -> None:
    moved = change("transfer", "split", 0, "-12.34")
    assert (moved.units, moved.cash, moved.flow) == (0, money("12.34"), 0)


def test_a_stock_distribution_adds_units_for_nothing() -> None:
    assert change("cash", "stock distribution", 5) == Deltas(units=money(5))


@pytest.mark.parametrize("subtype", ["pending credit", "pending debit"])
def test_what_is_pending_has_no_effect(subtype: str) -> None:
    assert change("cash", subtype, amount=-500) == Deltas()


def test_a_cancel_takes_back_the_row_it_names() -> None:
    bought = change("buy", "buy", 10, 100)
    undone = deltas(type="cancel", subtype=None, quantity=Decimal(0), amount=Decimal(0), cancelled=bought)
    assert (undone.units + bought.units, undone.cash + bought.cash) == (0, 0)


def test_a_cancel_of_nothing_we_hold_has_no_effect() -> None:
    assert change("cancel", "buy", 10, 100) == Deltas()


@pytest.mark.parametrize("pair", sorted(TABLE))
def test_value_only_changes_by_what_is_named(pair: tuple[str, str]) -> None:
    """Cash in equals money from outside plus income less fees less what was paid for units, for every line."""
    moved = change(*pair, quantity=3, amount=30)
    paid = moved.cost if moved.units and moved.cost and (moved.cash or moved.flow) else Decimal(0)
    assert moved.cash == moved.flow + moved.income - moved.fee - paid

"""Oddities of Plaid's data as a table: an answer, the row that is stored, and what is found about it."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from plaid_link.tests.scripted import Body, account, holding, security, transaction

CALL = {
    "contract_type": "call",
    "expiration_date": "2027-01-15",
    "strike_price": 180,
    "underlying_security_ticker": "AAPL",
}
OPTION = security("call", type="derivative", ticker_symbol="AAPL270115C00180000", option_contract=CALL)
CASH = security("usd", type="cash", ticker_symbol="CUR:USD", close_price=1)
BOND = security("bond", type="fixed income", ticker_symbol=None, cusip="912828ZT0")
USD_HELD = holding("usd", quantity=125, institution_price=1, institution_value=125, cost_basis=125)

Findings = set[tuple[str, str]]
REPAIRED_QUANTITY: Findings = {("repaired", "quantity")}
REPAIRED_AMOUNT: Findings = {("repaired", "amount")}


@dataclass(frozen=True)
class Held:
    """One holding told, beside the securities of the answer; what `stored` names is compared with the row."""

    name: str
    told: Body | tuple[Body, ...]
    stored: dict[str, Any] | None
    findings: Findings = field(default_factory=set)
    securities: tuple[Body, ...] = ()
    accounts: tuple[Body, ...] = ()


@dataclass(frozen=True)
class Happened:
    """One transaction told; `stored` None: it is left out."""

    name: str
    told: Body
    stored: dict[str, Any] | None
    findings: Findings = field(default_factory=set)
    securities: tuple[Body, ...] = ()
    repair: str = ""


HELD = [
    Held("null basis", holding(cost_basis=None), {"cost_basis": None}, {("missing", "cost_basis")}),
    Held("basis zero", holding(cost_basis=0), {"cost_basis": 0}),
    Held(
        "null price",
        holding(institution_price=None),
        {"institution_price": Decimal("187.5")},
        {("repaired", "institution_price")},
    ),
    Held(
        "null value", holding(institution_value=None), {"institution_value": 1875}, {("repaired", "institution_value")}
    ),
    Held(
        "neither price nor value",
        holding(institution_price=None, institution_value=None),
        None,
        {("refused", "institution_price")},
    ),
    Held("null security", holding(security_id=None), None, {("refused", "security_id")}),
    Held("a security that is not described", holding("unheard-of"), None, {("refused", "security")}),
    Held("null quantity", holding(quantity=None), None, {("refused", "quantity")}),
    Held(
        "quantity 0 with a value",
        holding(quantity=0),
        {"quantity": 0, "institution_value": 1875},
        {("repaired", "institution_value")},
    ),
    Held(
        "short",
        holding(quantity=-10, institution_value=-1875, cost_basis=-1500),
        {"quantity": -10, "institution_value": -1875},
    ),
    Held("1e-18", holding(quantity=1e-18), None, {("refused", "quantity")}),
    Held(
        "1e15 units",
        holding(quantity=10**15, institution_price=1e-9, institution_value=10**6, cost_basis=10**6),
        {"quantity": 10**15},
    ),
    Held("1e15 dollars", holding(institution_value=10**15), None, {("refused", "institution_value")}),
    Held(
        "price x quantity is not the value",
        holding(institution_value=2500),
        {"institution_value": 2500, "quantity": 10},
        {("repaired", "institution_value")},
    ),
    Held(
        "option in shares",
        holding("call", quantity=200, institution_price=3.5, institution_value=700, cost_basis=600),
        {"quantity": 2, "institution_price": Decimal("3.5")},
        REPAIRED_QUANTITY,
        (OPTION,),
    ),
    Held(
        "option in contracts",
        holding("call", quantity=2, institution_price=3.5, institution_value=700, cost_basis=600),
        {"quantity": 2},
        set(),
        (OPTION,),
    ),
    Held(
        "option priced per contract",
        holding("call", quantity=2, institution_price=350, institution_value=700, cost_basis=600),
        {"quantity": 2, "institution_price": Decimal("3.5")},
        {("repaired", "price")},
        (OPTION,),
    ),
    Held(
        "basis per share",
        holding(quantity=100, institution_value=18750, cost_basis=150),
        {"cost_basis": 15000},
        {("repaired", "cost_basis")},
    ),
    Held(
        "bond per 100 of par",
        holding("bond", quantity=10000, institution_price=98.5, institution_value=9850, cost_basis=9800),
        {"quantity": 10000, "institution_value": 9850},
        set(),
        (BOND,),
    ),
    Held(
        "cash as a holding",
        USD_HELD,
        {"quantity": 125},
        set(),
        (CASH,),
        (account(balances={"available": 125, "current": 125}),),
    ),
    Held(
        "one position in two rows",
        (
            holding(quantity=4, institution_value=750, cost_basis=600),
            holding(quantity=6, institution_value=1125, cost_basis=900),
        ),
        {"quantity": 10, "institution_value": 1875, "cost_basis": 1500},
    ),
    Held("29 February", holding(institution_price_as_of="2024-02-29"), {"quantity": 10}),
    Held(
        "a day that never was",
        holding(institution_price_as_of="2025-02-29"),
        None,
        {("refused", "institution_price_as_of")},
    ),
    Held("null type", holding("odd"), {"quantity": 10}, {("missing", "type")}, (security("odd", type=None),)),
    Held("null close price", holding("odd"), {"quantity": 10}, set(), (security("odd", close_price=None),)),
    Held(
        "both currencies null, told by the holding",
        holding("odd"),
        {"quantity": 10},
        {("repaired", "iso_currency_code")},
        (security("odd", iso_currency_code=None),),
    ),
]

HAPPENED = [
    Happened(
        "sell with quantity above zero",
        transaction(type="sell", subtype="sell", quantity=10, amount=-1500),
        {"quantity": -10, "amount": -1500},
        REPAIRED_QUANTITY,
        repair="quantity: 10 -> -10",
    ),
    Happened(
        "buy that pays",
        transaction(amount=-1500),
        {"quantity": 10, "amount": 1500},
        REPAIRED_AMOUNT,
        repair="amount: -1500 -> 1500",
    ),
    Happened(
        "sell that costs",
        transaction(type="sell", subtype="sell", quantity=-10, amount=1500),
        {"amount": -1500},
        REPAIRED_AMOUNT,
    ),
    Happened(
        "dividend charged on a short",
        transaction(type="cash", subtype="dividend", quantity=0, price=0, amount=12),
        {"amount": 12},
    ),
    Happened(
        "fee that is refunded",
        transaction(type="fee", subtype="account fee", quantity=0, price=0, amount=-12),
        {"amount": -12},
    ),
    Happened(
        "deposit that costs",
        transaction(security_id=None, type="cash", subtype="deposit", quantity=0, price=0, amount=12),
        {"amount": -12},
        REPAIRED_AMOUNT,
    ),
    Happened(
        "cash deposit in units of dollars",
        transaction(security_id="usd", type="cash", subtype="deposit", quantity=-5000, price=1, amount=-5000),
        {"amount": -5000},
        securities=(CASH,),
    ),
    Happened(
        "cash told by quantity alone",
        transaction(security_id="usd", type="cash", subtype="deposit", quantity=-5000, price=1, amount=0),
        {"amount": -5000},
        REPAIRED_AMOUNT,
        (CASH,),
    ),
    Happened(
        "short sale",
        transaction(type="sell", subtype="sell short", quantity=-10, amount=-1500),
        {"quantity": -10, "amount": -1500},
    ),
    Happened("buy to cover", transaction(subtype="buy to cover"), {"quantity": 10, "amount": 1500}),
    Happened(
        "split",
        transaction(type="transfer", subtype="split", quantity=30, price=0, amount=0),
        {"quantity": 30, "amount": 0},
    ),
    Happened(
        "spin off", transaction(type="transfer", subtype="spin off", quantity=3, price=0, amount=0), {"quantity": 3}
    ),
    Happened(
        "merger", transaction(type="transfer", subtype="merger", quantity=-10, price=0, amount=0), {"quantity": -10}
    ),
    Happened(
        "unknown type",
        transaction(type="barter"),
        {"type": "barter", "quantity": 10, "amount": 1500},
        {("repaired", "type")},
        repair="type: barter / buy is unknown",
    ),
    Happened(
        "unknown subtype",
        transaction(subtype="wishful"),
        {"subtype": "wishful", "quantity": 10},
        {("repaired", "type")},
    ),
    Happened(
        "null type", transaction(type=None, subtype=None), {"type": "other", "quantity": 10}, {("repaired", "type")}
    ),
    Happened(
        "null security",
        transaction(security_id=None, type="fee", subtype="account fee", quantity=0, price=0, amount=9),
        {"security": None, "amount": 9},
    ),
    Happened("null price", transaction(price=None), {"price": 0, "amount": 1500}),
    Happened("null amount", transaction(amount=None), {"amount": 1500}, REPAIRED_AMOUNT),
    Happened(
        "both currencies null",
        transaction(iso_currency_code=None),
        {"currency": "USD"},
        {("repaired", "currency")},
        repair="currency: missing",
    ),
    Happened(
        "quantity 0 with amount",
        transaction(quantity=0),
        {"quantity": 0, "amount": 1500},
        REPAIRED_QUANTITY,
        repair="although cash moved",
    ),
    Happened(
        "price x quantity is not the amount",
        transaction(amount=1700),
        {"amount": 1700},
        REPAIRED_AMOUNT,
        repair="1700 is not 10 x 150",
    ),
    Happened(
        "amount with its fees",
        transaction(amount=1506.95, fees=6.95),
        {"amount": Decimal("1506.95"), "fees": Decimal("6.95")},
    ),
    Happened(
        "option in shares",
        transaction(security_id="call", quantity=200, price=3.5, amount=700),
        {"quantity": 2, "amount": 700},
        REPAIRED_QUANTITY,
        (OPTION,),
        repair="told in shares",
    ),
    Happened(
        "option in contracts",
        transaction(security_id="call", quantity=2, price=3.5, amount=700),
        {"quantity": 2},
        set(),
        (OPTION,),
    ),
    Happened("quantity 1e-18", transaction(quantity=1e-18), None, {("refused", "quantity")}),
    Happened(
        "quantity 1e15", transaction(quantity=10**15, price=1e-9, amount=10**6), {"quantity": 10**15, "amount": 10**6}
    ),
    Happened("amount 1e15", transaction(amount=10**15), None, {("refused", "amount")}),
    Happened("1900", transaction(date="1900-01-02"), None, {("refused", "date")}),
    Happened("2100", transaction(date="2100-01-04"), None, {("refused", "date")}),
    Happened("29 February", transaction(date="2024-02-29"), {"quantity": 10}),
    Happened("a day that never was", transaction(date="2025-02-29"), None, {("refused", "date")}),
    Happened("an account that is not told", transaction(account_id="elsewhere"), None, {("refused", "account")}),
    Happened(
        "cancel of what nobody told",
        transaction(type="cancel", subtype=None, cancel_transaction_id="never"),
        {"cancels_external_id": "never"},
        {("ignored", "cancel_transaction_id")},
    ),
    Happened(
        "pending credit",
        transaction(security_id=None, type="cash", subtype="pending credit", quantity=0, price=0, amount=-50),
        {"amount": -50},
    ),
]

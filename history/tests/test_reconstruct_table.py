"""Every line of the table of effects as a day of history, against figures worked out by hand.

The account has put in 1,500 and bought 10 shares for 500 on day 1, so 1,000 in cash is left. On day 2 a share is worth
60 and the row happens. What the brokerage states of the basis counts only where units came in with an unknown one.
"""

from dataclasses import dataclass

import numpy as np
import pytest

from history.core.book import NO_DAY, Accounts, Book, History, Positions
from history.core.market import build_market
from history.core.movements import effect_code, movements_from_rows
from history.core.reconstruct import reconstruct
from investments.core.effects import TABLE

NAN = float("nan")


@dataclass(frozen=True)
class Row:
    quantity: float = 0
    amount: float = 0
    fees: float = 0


@dataclass(frozen=True)
class Day:
    """What is there at its end, and what it brought. `stated`: the basis as the brokerage states it."""

    units: float = 10
    cash: float = 1000
    net_flow: float = 0
    income: float = 0
    fees: float = 0
    basis: float = 500
    stated: float = NAN


BOUGHT = (Row(2, 121, 1), Day(units=12, cash=879, fees=1, basis=621))
SOLD = (Row(-2, -119, 1), Day(units=8, cash=1119, fees=1, basis=400))
CONTRIBUTED = (Row(2, 120), Day(units=12, net_flow=120, basis=620))
DISTRIBUTED = (Row(-2, -120), Day(units=8, net_flow=-120, basis=400))
DEPOSITED = (Row(0, -100), Day(cash=1100, net_flow=100))
WITHDRAWN = (Row(0, 100), Day(cash=900, net_flow=-100))
PAID = (Row(0, -6, 1), Day(cash=1006, income=7, fees=1))
CHARGED_ON_A_SHORT = (Row(0, 7), Day(cash=993, income=-7))
COST = (Row(0, 3), Day(cash=997, fees=3))
REFUNDED = (Row(0, -3), Day(cash=1003, fees=-3))
CAME_IN_KIND = (Row(2, 120), Day(units=12, net_flow=120, basis=655, stated=655))
WENT_IN_KIND = (Row(-2, -120), Day(units=8, net_flow=-120, basis=400))
NO_FLOW_IN = (Row(2, 0), Day(units=12, basis=520, stated=520))
NO_FLOW_OUT = (Row(-2, 0), Day(units=8, basis=400))
ALL_GONE = (Row(-10, 0), Day(units=0, basis=0))
OPENED = (Row(2, 110), Day(units=12, net_flow=120, basis=610))  # worth 120 that day, bought for 110
WIRED = (Row(0, -80), Day(cash=1080, net_flow=80))
NOTHING = (Row(0, -500), Day())

PAYMENTS = (
    "dividend", "qualified dividend", "non-qualified dividend", "interest", "interest receivable",
    "long-term capital gain", "short-term capital gain", "unqualified gain",
)  # fmt: skip
COSTS = (
    "account fee", "fund fee", "legal fee", "management fee", "margin expense", "miscellaneous fee",
    "non-resident tax", "tax", "tax withheld", "transfer fee", "trust fee",
)  # fmt: skip
PURCHASES = (
    "", "buy", "buy to cover", "assignment", "rebalance", "dividend reinvestment", "interest reinvestment",
    "long-term capital gain reinvestment", "short-term capital gain reinvestment",
)  # fmt: skip
MOVED = (CAME_IN_KIND, WENT_IN_KIND)

CASH_ROWS = {
    **dict.fromkeys(PAYMENTS, (PAID, CHARGED_ON_A_SHORT)),
    **dict.fromkeys(COSTS, (COST, REFUNDED)),
    "return of principal": ((Row(0, -40), Day(cash=1040, income=40, basis=460)),),
    "stock distribution": ((Row(1, 0), Day(units=11)),),
    "adjustment": (*MOVED, WIRED),
    "contribution": (DEPOSITED,),
    "deposit": (DEPOSITED,),
    "withdrawal": (WITHDRAWN,),
    "loan payment": (DEPOSITED, WITHDRAWN),
    "pending credit": (NOTHING,),
    "pending debit": (NOTHING,),
    "rebalance": (BOUGHT, SOLD),
}
ORACLES = {
    "buy": {**dict.fromkeys(PURCHASES, (BOUGHT,)), "contribution": (CONTRIBUTED,)},
    "sell": {
        **dict.fromkeys(("", "sell", "sell short", "exercise", "rebalance"), (SOLD,)),
        "distribution": (DISTRIBUTED,),
    },
    "cash": CASH_ROWS,
    "fee": CASH_ROWS,
    "transfer": {
        **dict.fromkeys(("", "transfer", "request", "send", "trade", "adjustment"), (*MOVED, WIRED)),
        **dict.fromkeys(("assignment", "exercise"), (NO_FLOW_IN, NO_FLOW_OUT)),
        "expire": (ALL_GONE,),
        "opening balance": (OPENED,),
        "split": ((Row(10, 0), Day(units=20)), (Row(0, -12), Day(cash=1012))),
        "spin off": (NO_FLOW_IN,),
        "merger": (ALL_GONE, NO_FLOW_IN),
        "rebalance": (BOUGHT, SOLD),
    },
    "cancel": {"": (NOTHING,)},
}
CASES = [
    pytest.param(type_, subtype, row, day, id=f"{type_}/{subtype} {row.quantity:g} for {row.amount:g}")
    for type_, subtypes in ORACLES.items()
    for subtype, rows in subtypes.items()
    for row, day in rows
]


def test_every_line_of_the_table_has_its_figures() -> None:
    assert {(type_, subtype) for type_, subtypes in ORACLES.items() for subtype in subtypes} == set(TABLE)


@pytest.mark.parametrize(("type_", "subtype", "row", "day"), CASES)
def test_a_day_of_history(type_: str, subtype: str, row: Row, day: Day) -> None:
    history = history_of(type_, subtype, row, day)
    found = Day(
        units=(history.value - history.cash)[2, 0] / 60,
        cash=history.cash[2, 0],
        net_flow=history.net_flow[2, 0],
        income=history.income[2, 0],
        fees=history.fees[2, 0],
        basis=history.cost_basis[2, 0],
    )
    expected = Day(day.units, day.cash, day.net_flow, day.income, day.fees, day.basis)
    assert found == expected
    before = history.value[1, 0], history.cash[1, 0], history.net_flow[1, 0], history.cost_basis[1, 0]
    assert before == (1600, 1000, 1500, 500)


def history_of(type_: str, subtype: str, row: Row, day: Day) -> History:
    """Deposit and purchase on day 1, the row on day 2, and what is held on day 3."""
    rows = [("cash", "deposit", 0, -1500, 0), ("buy", "buy", 10, 500, 0)]
    rows.append((type_, subtype, row.quantity, row.amount, row.fees))
    kinds, subtypes, quantity, amount, fees = zip(*rows, strict=True)
    zeros = np.zeros(3, np.int64)
    movements = movements_from_rows(
        account=zeros,
        position=zeros,
        day=np.array([1, 1, 2]),
        effect=np.array([effect_code(*kind) for kind in zip(kinds, subtypes, strict=True)]),
        quantity=np.array(quantity, float),
        price=np.full(3, 50.0),
        amount=np.array(amount, float),
        fees=np.array(fees, float),
    )
    one = np.zeros(1, np.int64)
    positions = Positions(
        account=one, column=one, units=np.array([day.units], float), multiplier=np.ones(1),
        basis=np.array([day.stated]), broker_price=np.array([NAN]), broker_day=np.array([NO_DAY]),
        may_short=np.zeros(1, bool), is_cash=np.zeros(1, bool),
    )  # fmt: skip
    accounts = Accounts(np.array([day.cash], float), np.zeros(1, bool))
    return reconstruct(book=Book(accounts, positions, movements), market=build_market(closes=np.array([[60.0]] * 4)))

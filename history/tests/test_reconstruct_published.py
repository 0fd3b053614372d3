"""Histories that other portfolio trackers publish as their own test cases: the same holdings, the same days."""

from typing import Any

import numpy as np
import pytest

from history.core.book import History
from history.tests.books import NAN, Case, Held, Move
from tests.reference import reference


def case(name: str) -> dict[str, Any]:
    cases = reference("03b_lots_fx_reconstruction")["holdings_reconstruction"]["cases"]
    return next(one for one in cases if one["id"] == name)


def wealthfolio(name: str) -> dict[str, Any]:
    cases = reference("03b_lots_fx_reconstruction")["wealthfolio"]["cases"]
    return next(one for one in cases if one["id"] == name)


def rebuilt(trades: dict[str, list[tuple[int, float, float]]], closes: dict[str, list[float]], anchor: Any) -> History:
    """An account for each paper, its trades as (day, units, price); days count from the first close."""
    held = [Held(anchor[name], column=at, account=at) for at, name in enumerate(closes)]
    moves = [
        Move(day=day, position=at, account=at, units=units, price=price)
        for at, name in enumerate(closes)
        for day, units, price in trades.get(name, [])
    ]
    return Case(closes=list(closes.values()), held=held, moves=moves, cash=(0.0,) * len(held)).history()


def test_maybe_and_sure_walking_back_three_papers() -> None:
    told = case("rev_portfolio")
    prices = told["prices"]["VOO"]
    closes = {"VOO": [prices[str(day)] for day in range(-4, 1)], "WMT": [100.0] * 5, "AMZN": [200.0] * 5}
    trades: dict[str, list[tuple[int, float, float]]] = {name: [] for name in closes}
    for trade in told["trades"]:
        name = next(name for name in closes if name in trade)
        trades[name].append((trade["day"] + 4, trade[name], trade["price"]))
    history = rebuilt(trades, closes, told["anchor"]["qty"])
    for day in told["expected"]:
        at = day["day"] + 4
        assert history.value[at].tolist() == [day[name][1] for name in closes], day
        assert history.securities_count[at].tolist() == [int(day[name][0] != 0) for name in closes], day


@pytest.mark.parametrize(("name", "paper"), [("fwd_locf", "WMT"), ("fwd_offline_ticker", "X")])
def test_maybe_carries_closes_and_without_any_the_price_of_the_last_trade(name: str, paper: str) -> None:
    told = case(name)
    first = told["expected"][0]["day"]
    days = [one["day"] for one in told["expected"]]
    prices = told["prices"] or {}
    closes = [prices.get(str(day)) for day in days]
    trades = [(one["day"] - first, one[paper], one["price"]) for one in told["trades"]]
    anchor = {paper: sum(units for _, units, _ in trades)}
    history = rebuilt({paper: trades}, {paper: [NAN if close is None else close for close in closes]}, anchor)
    assert history.value[:, 0].tolist() == [one.get("value", 0) for one in told["expected"]]


def test_wealthfolio_sells_half_at_average_cost() -> None:
    told = next(
        one for one in reference("03b_lots_fx_reconstruction")["wealthfolio"]["cases"] if one["id"] == "wf_sell_half"
    )
    before, sale, after = told["before"], told["sell"], told["expected"]
    paid = sale["qty"] * sale["price"] - sale["fee"]
    moves = [
        Move(day=1, position=0, units=before["qty"], cash=-before["cost_basis"], cost=before["cost_basis"]),
        Move(day=2, position=0, units=-sale["qty"], cash=paid, cost=-paid, fee=sale["fee"]),
    ]
    history = Case(
        closes=[[150.0, 150.0, 160.0]], held=[Held(after["qty"])], moves=moves, cash=(after["cash"],), margin=True
    ).history()
    assert history.cost_basis[1:, 0].tolist() == [before["cost_basis"], after["cost_basis"]]
    assert history.cash[:, 0].tolist() == [-5, before["cash"], after["cash"]]  # 5 less: the fee of the purchase before


def test_wealthfolio_buys_in_another_currency() -> None:
    told = wealthfolio("wf_buy_usd_in_cad_account")
    bought, expected, rate = told["buy"], told["expected"], float(told["fx"]["USDCAD"])
    units, fee = float(bought["qty"]), float(bought["fee"]) * rate
    cost = units * float(bought["price"]) * rate + fee
    move = Move(day=1, position=0, units=units, cash=-cost, cost=cost, fee=fee)
    history = Case(
        closes=[[100.0, 100.0]], held=[Held(units)], moves=[move], cash=(-cost,), margin=True,
        fx=np.array([[rate], [rate]]),
    ).history()  # fmt: skip
    assert history.cash[:, 0].tolist() == [0, float(expected["cash_total_CAD"])]
    assert history.cost_basis[1, 0] == float(expected["cost_basis_CAD"])

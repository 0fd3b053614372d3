"""Reconstruction sees only holdings now, transactions and prices; the simulated life knows what truly was."""

import os
import random
import sys
from decimal import Decimal
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, example, given, seed, settings
from hypothesis import strategies as st

from history.core.book import HALF_CENT, History
from history.core.reconstruct import reconstruct
from history.tests.books import decimals, life_book, life_market
from history.tests.full_life import FullLife
from history.tests.life import Account, Life
from investments.core.effects import TABLE

SEED = int(os.environ.get("LONGVIEW_SEED", random.randrange(2**32)))
# Ours alone, and what leaves nothing.
NOT_LIVED = {("transfer", "opening balance"), ("cancel", "")}
LIVES = int(os.environ.get("LONGVIEW_LIVES", 200))


@settings(max_examples=LIVES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(number=st.integers(0, 2**48), days=st.integers(2, 320), accounts=st.integers(1, 4))
@example(number=11675, days=234, accounts=2)  # a short of a fraction, covered before a split
@example(number=0, days=11, accounts=1)  # a stock distribution ten days after a split is no booking of that split
def lives_agree(number: int, days: int, accounts: int) -> None:
    life = Life(number, days=days, accounts=accounts).live()
    history = reconstruct(book=life_book(life), market=life_market(life))
    for account in life.accounts:
        assert_true(history, account)
    assert not history.anomalies
    assert history.quality.min() == pytest.approx(1) or has_stale_price(life)


@settings(max_examples=LIVES // 4 or 1, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(number=st.integers(0, 2**48), days=st.integers(2, 320), accounts=st.integers(1, 4))
def full_lives_agree(number: int, days: int, accounts: int) -> None:
    life = FullLife(number, days=days, accounts=accounts).live()
    assume(not life.is_ambiguous)
    history = reconstruct(book=life_book(life), market=life_market(life))
    for account in life.accounts:
        assert_true(history, account)
    assert not history.anomalies


def assert_true(history: History, account: Account) -> None:
    truth, column = account.truth, account.number
    for name, figures in {
        "value": [day.value for day in truth],
        "cash": [day.cash for day in truth],
        "net_flow": [day.flow for day in truth],
        "income": [day.income for day in truth],
        "fees": [day.fees for day in truth],
    }.items():
        off = np.abs(getattr(history, name)[:, column] - decimals(figures))
        assert off.max() < HALF_CENT, f"{name} of account {column} off by {off.max()} on day {off.argmax()}"
    counts = [len(day.units) for day in truth]
    assert history.securities_count[:, column].tolist() == counts


def has_stale_price(life: Life) -> bool:
    """A run of holidays around weekends, longer than a close is taken as fresh."""
    sessions = sorted(life.securities["FUND"].closes)
    return any((after - before).days > 6 for before, after in pairwise(sessions))


def test_two_hundred_lives_equal_their_daily_truth(capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        sys.stdout.write(f"\n{LIVES} lives from LONGVIEW_SEED={SEED}\n")
    seed(SEED)(lives_agree)()


def test_lives_with_everything_equal_their_daily_truth() -> None:
    seed(SEED)(full_lives_agree)()


def test_a_full_life_has_every_line_of_the_table() -> None:
    rows = [row for number in range(60) for row in FullLife(number, days=300).live().rows]
    seen = {(row.type, row.subtype) for row in rows}
    unseen = {kind for kind in TABLE if kind not in seen}
    assert unseen <= NOT_LIVED, unseen - NOT_LIVED


def test_lives_hold_what_they_are_meant_to_test() -> None:
    """The simulator is no oracle for events it never makes."""
    rows = [row for number in range(40) for row in Life(number, days=200).live().rows]
    seen = {(row.type, row.subtype) for row in rows}
    assert {
        ("buy", "buy"),
        ("sell", "sell"),
        ("sell", "sell short"),
        ("buy", "buy to cover"),
        ("buy", "contribution"),
        ("sell", "distribution"),
        ("buy", "dividend reinvestment"),
        ("cash", "dividend"),
        ("cash", "deposit"),
        ("cash", "withdrawal"),
        ("cash", "stock distribution"),
        ("transfer", "transfer"),
        ("transfer", "split"),
        ("transfer", "expire"),
        ("transfer", "exercise"),
        ("fee", "account fee"),
        ("cash", "pending credit"),
    } <= seen


def test_a_wrong_price_is_noticed() -> None:
    """The comparison itself must be able to fail: one close off by two cents is seen."""
    life = Life(7, days=120).live()
    held = next(name for name, units in life.accounts[0].truth[60].units.items() if abs(units) >= 1)
    day = max(day for day in life.securities[held].closes if (day - life.start).days <= 60)
    life.securities[held].closes[day] += Decimal("0.02")
    history = reconstruct(book=life_book(life), market=life_market(life))
    with pytest.raises(AssertionError, match="value of account 0"):
        assert_true(history, life.accounts[0])

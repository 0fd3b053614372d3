"""The books of every built-in user balance: what was there at first plus the journal is what is held now."""

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal

import pytest

from plaid_link.sandbox.users import BUILT_IN, books_of
from portfolio_site.lib import sessions, simulated_market

CASH = "CUR:USD"
# Cash that a row leaves in the account, as a multiple of minus its amount; by (type, subtype), from Plaid's docs.
NO_CASH = {("buy", "contribution"), ("sell", "distribution")}
LINK_DAYS = [date(2026, 11, 21), date(2025, 3, 3), date(2028, 2, 29)]


def books(username, linked_on, *, later=0):
    day = linked_on + timedelta(days=later)
    return books_of(username, linked_on, sessions.previous_session(day), day - timedelta(days=1))


class Tally:
    """An accounting of its own: opening, then row after row; splits that no row tells of, by their dates."""

    def __init__(self, account):
        self.units = defaultdict(Decimal, account.opening)
        self.cash = self.units.pop(CASH, Decimal(0))
        self.told = {(entry.symbol, entry.day) for entry in account.entries if entry.subtype == "split"}
        self.day = account.entries[0].day if account.entries else None
        for entry in account.entries:
            self.pass_to(entry.day)
            self.book(entry)

    def pass_to(self, day):
        for symbol, count in self.units.items():
            splits = simulated_market.splits(symbol, self.day + timedelta(days=1), day) if count else []
            for split in splits:
                if (symbol, split.ex_date) not in self.told:
                    self.units[symbol] *= split.ratio
        self.day = day

    def book(self, entry):
        if entry.symbol and entry.symbol != CASH:
            sold = entry.type == "sell" and entry.quantity > 0
            self.units[entry.symbol] += -entry.quantity if sold else entry.quantity
        if (entry.type, entry.subtype) not in NO_CASH:
            self.cash -= entry.amount


@pytest.mark.parametrize("linked_on", LINK_DAYS, ids=str)
@pytest.mark.parametrize("username", BUILT_IN)
def test_opening_plus_journal_is_what_is_held(username, linked_on):
    for account in books(username, linked_on).accounts:
        if account.type != "investment":
            continue
        tally = Tally(account)
        tally.pass_to(sessions.previous_session(linked_on))
        shown = {position.symbol: position.quantity for position in account.positions}
        shown_cash = shown.pop(CASH, Decimal(0))
        assert shown == {symbol: count for symbol, count in tally.units.items() if count}
        assert shown_cash == tally.cash


@pytest.mark.parametrize("username", BUILT_IN)
def test_a_position_is_worth_units_times_close(username):
    for account in books(username, LINK_DAYS[0]).accounts:
        for position in account.positions:
            if ":" in position.symbol:
                continue
            day, close = simulated_market.close_on(position.symbol, date(2026, 11, 20))
            size = 100 if simulated_market.option_terms(position.symbol) else 1
            assert (position.price, position.price_as_of) == (close, day)
            assert position.value == (position.quantity * close * size).quantize(Decimal("0.01"))
        assert account.current == sum(position.value for position in account.positions) or account.type == "depository"


@pytest.mark.parametrize("username", BUILT_IN)
def test_time_only_appends(username):
    before, after = books(username, LINK_DAYS[0]), books(username, LINK_DAYS[0], later=40)
    for earlier, later in zip(before.accounts, after.accounts, strict=True):
        assert later.entries[: len(earlier.entries)] == earlier.entries
        assert len(later.entries) > len(earlier.entries) or earlier.type == "depository" or not earlier.entries


@pytest.mark.parametrize("username", BUILT_IN)
def test_dates_move_with_today(username):
    entries = [entry for account in books(username, LINK_DAYS[0]).accounts for entry in account.entries]
    if entries:
        assert min(entry.day for entry in entries) < LINK_DAYS[0] - timedelta(days=730)
        assert LINK_DAYS[0] - timedelta(days=40) < max(entry.day for entry in entries) < LINK_DAYS[0]


def kinds(username):
    start = LINK_DAYS[0] - timedelta(days=730)
    rows = [entry for account in books(username, LINK_DAYS[0]).accounts for entry in account.entries]
    return {(entry.type, entry.subtype) for entry in rows if entry.day >= start}


def test_what_each_user_is_for_is_there():
    assert ("buy", "contribution") in kinds("user_401k")
    assert {
        ("transfer", "expire"),
        ("transfer", "split"),
        ("sell", "sell short"),
        ("buy", "dividend reinvestment"),
    } <= (kinds("user_trader"))
    assert {("fee", "margin expense"), ("transfer", "transfer"), ("cancel", "buy")} <= kinds("user_trader")
    assert {("transfer", "send"), ("cash", "stock distribution")} <= kinds("user_crypto")
    assert ("cash", "interest") in kinds("user_cash")


@pytest.mark.parametrize("linked_on", [date(2024, 1, 1) + timedelta(days=97 * step) for step in range(16)], ids=str)
def test_the_trader_has_a_split_told_and_a_split_untold_whenever_linked(linked_on):
    told, untold = books("user_trader", linked_on).accounts
    start = linked_on - timedelta(days=730)
    booked = [entry for entry in told.entries if entry.subtype == "split" and entry.day >= start]
    assert {entry.quantity > 0 for entry in booked} == {True, False}
    assert not [entry for entry in untold.entries if entry.subtype == "split"]
    assert {entry.symbol for entry in booked} <= {position.symbol for position in untold.positions}


def test_the_trader_is_short_holds_an_open_call_and_borrows():
    told, margin = books("user_trader", LINK_DAYS[0]).accounts
    calls = [position for position in told.positions if simulated_market.option_terms(position.symbol)]
    assert calls
    assert all(position.quantity > 0 for position in calls)
    assert any(position.symbol == "GME" and position.quantity < 0 for position in margin.positions)
    assert margin.margin_loan > 0


def test_more_rows_than_one_page_holds():
    start = LINK_DAYS[0] - timedelta(days=730)
    rows = [entry for account in books("user_trader", LINK_DAYS[0]).accounts for entry in account.entries]
    assert sum(entry.day >= start for entry in rows) > 1000

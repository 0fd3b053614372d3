"""The chain: what one provider answers is kept, the rest is asked of the next, garbage of nobody is believed."""

from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.test import override_settings

from history.providers import DataProviderChain, configured_chain
from history.providers.base import Actions, DailyPrice, Split
from history.providers.garbage import believable
from history.tests.providers import Down, Listed

MONDAY, FRIDAY = date(2026, 11, 9), date(2026, 11, 13)


def series(closes: Iterable[object], start: date = MONDAY) -> list[DailyPrice]:
    return [DailyPrice(start + timedelta(days=place), Decimal(str(close))) for place, close in enumerate(closes)]


def kept(closes: Iterable[object], *splits: Split) -> list[str]:
    return [str(price.close) for price in believable(series(closes), splits)]


def test_a_partial_answer_is_kept_and_only_the_rest_asked_of_the_next() -> None:
    first, second = Listed({"AAPL": "10"}), Listed({"AAPL": "99", "GE": "20"}, name="second")
    fetched = DataProviderChain([first, second]).fetch(["AAPL", "GE", "NOBODY"], MONDAY, FRIDAY)
    assert {symbol: (answer.source, len(answer.prices)) for symbol, answer in fetched.answers.items()} == {
        "AAPL": ("listed", 5),
        "GE": ("second", 5),
    }
    assert second.asked == [(("GE", "NOBODY"), MONDAY, FRIDAY)]
    assert fetched.failed == set()


def test_nobody_is_asked_once_everything_is_answered() -> None:
    last = Listed({"AAPL": "99"})
    DataProviderChain([Listed({"AAPL": "10"}), last]).fetch(["AAPL"], MONDAY, FRIDAY)
    assert last.asked == []


def test_a_known_symbol_without_prices_is_an_answer() -> None:
    last = Listed({"AAPL": "99"})
    fetched = DataProviderChain([Listed({"AAPL": []}), last]).fetch(["AAPL"], MONDAY, FRIDAY)
    assert fetched.answers["AAPL"].prices == ()
    assert last.asked == []


def test_what_the_next_one_knows_has_not_failed() -> None:
    fetched = DataProviderChain([Down(), Listed({"AAPL": "10"})]).fetch(["AAPL", "GE"], MONDAY, FRIDAY)
    assert set(fetched.answers) == {"AAPL"}
    assert fetched.failed == {"GE"}


@pytest.mark.parametrize("bad", ["NaN", "Infinity", "0", "-3", "1e18"])
def test_what_is_no_price_is_dropped(bad: str) -> None:
    assert kept([10, bad, 11]) == ["10", "11"]


@pytest.mark.parametrize("bad", ["1001", "0.9"])
def test_a_single_tick_ten_times_off_is_dropped_and_its_neighbours_kept(bad: str) -> None:
    assert kept([10, 10, bad, 11, 10]) == ["10", "10", "11", "10"]
    assert kept([10, 11, 10, bad]) == ["10", "11", "10"]
    assert kept([bad, 10, 11, 10]) == ["10", "11", "10"]


def test_a_lasting_jump_ends_the_series() -> None:
    assert kept([10, 11, 10, 1500, 1510, 1490]) == ["10", "11", "10"]


def test_a_split_explains_a_jump() -> None:
    split = Split(MONDAY + timedelta(days=2), Decimal(20))
    assert kept([2000, 2010, 101, 100], split) == ["2000", "2010", "101", "100"]


def test_steep_but_possible_moves_stay() -> None:
    assert kept([10, 95, 9.6, 90]) == ["10", "95", "9.6", "90"]


def test_rejected_prices_are_counted() -> None:
    answer = DataProviderChain([Listed({"X": series([10, "NaN", 11])})]).fetch(["X"], MONDAY, FRIDAY).answers["X"]
    assert (answer.rejected, len(answer.prices)) == (1, 2)


@override_settings(MARKET_DATA_PROVIDERS=["stored", "simulated"])
def test_the_setting_names_the_chain() -> None:
    assert [provider.name for provider in configured_chain().providers] == ["stored", "simulated"]


def test_the_simulated_market_answers_for_every_symbol() -> None:
    with override_settings(MARKET_DATA_PROVIDERS=["simulated"]):
        fetched = configured_chain().fetch(["AAPL", "BTC-USD", "ZZZZ"], date(2020, 1, 1), date(2026, 11, 13))
    assert set(fetched.answers) == {"AAPL", "BTC-USD", "ZZZZ"}
    assert [answer.rejected for answer in fetched.answers.values()] == [0, 0, 0]
    assert all(split.ratio > 0 for answer in fetched.answers.values() for split in answer.actions.splits)
    assert isinstance(fetched.answers["AAPL"].actions, Actions)

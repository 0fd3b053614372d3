"""The simulated market: the same for everybody, whatever is asked, and shaped like a real one."""

import itertools
import math
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from statistics import correlation

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from portfolio_site.lib import sessions
from portfolio_site.lib import simulated_market as market
from portfolio_site.lib.simulated_market.identifiers import cusip_of, isin_of

START, END = date(2016, 1, 1), date(2034, 12, 31)
SPLITTING = sorted(symbol for symbol, item in market.UNIVERSE.items() if item.split)
days = st.dates(min_value=date(2015, 6, 1), max_value=date(2040, 1, 1))
symbols = st.sampled_from([*market.UNIVERSE, "ZZZT", "QQQWX"])


def test_the_same_in_another_process_and_in_another_order():
    program = (
        "from datetime import date; from portfolio_site.lib.simulated_market import closes;"
        "print(closes('QXYZ', date(2026, 1, 1), date(2026, 2, 1)), closes('NVDA', date(2024, 12, 1), date(2025, 1, 1)))"
    )
    there = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
    nvidia = market.closes("NVDA", date(2024, 12, 1), date(2025, 1, 1))
    unknown = market.closes("QXYZ", date(2026, 1, 1), date(2026, 2, 1))
    assert there == f"{unknown} {nvidia}\n"


@given(symbol=symbols, day=days, before=st.integers(0, 900), after=st.integers(0, 900))
def test_a_close_does_not_depend_on_the_window(symbol, day, before, after):
    wide = dict(market.closes(symbol, day - timedelta(days=before), day + timedelta(days=after)))
    assert dict(market.closes(symbol, day, day)) == {key: wide[key] for key in wide if key == day}


@pytest.mark.parametrize("symbol", [*market.UNIVERSE, "ZZZT"])
def test_prices_are_positive_and_never_jump_but_at_splits(symbol):
    ratios = {split.ex_date: float(split.ratio) for split in market.splits(symbol, START, END)}
    prices = market.closes(symbol, START, END)
    assert len(prices) > 2000
    for (_, before), (day, after) in itertools.pairwise(prices):
        assert after > 0
        assert abs(math.log(float(after) * ratios.get(day, 1.0) / float(before))) < 0.5


@pytest.mark.parametrize("symbol", ["AAPL", "BRTW"])
def test_a_split_leaves_what_the_company_is_worth(symbol):
    split = market.splits(symbol, date(2021, 1, 1), date(2026, 12, 31))[0]
    before = market.close_on(symbol, split.ex_date - timedelta(days=1))[1]
    after = market.close_on(symbol, split.ex_date)[1]
    assert float(after * split.ratio / before) == pytest.approx(1.0, abs=0.15)
    assert float(after / before) != pytest.approx(1.0, abs=0.15)


@pytest.mark.parametrize("year", range(2018, 2047))
@pytest.mark.parametrize("month", [1, 4, 7, 10])
def test_every_two_years_hold_a_forward_and_a_reverse_split(year, month):
    end = date(year, month, 17)
    found = [split.ratio for name in SPLITTING for split in market.splits(name, end - timedelta(days=729), end)]
    assert {Decimal(2), Decimal(4)} & set(found)
    assert Decimal("0.125") in found


def test_ex_dates_are_sessions():
    found = [split.ex_date for name in SPLITTING for split in market.splits(name, START, END)]
    assert found
    assert all(sessions.is_session(day) for day in found)


def test_closed_on_weekends_and_holidays_except_crypto():
    week = date(2026, 9, 4), date(2026, 9, 8)  # around Labour Day
    assert [day for day, _ in market.closes("SPY", *week)] == [date(2026, 9, 4), date(2026, 9, 8)]
    assert len(market.closes("BTC", *week)) == 5


def test_nothing_before_the_listing_nor_after_the_delisting():
    assert market.closes("PLTR", date(2020, 1, 1), date(2020, 9, 29)) == []
    assert market.closes("ORNV", date(2026, 2, 26), date(2026, 4, 1))[-1][0] == date(2026, 2, 27)
    assert market.close_on("ORNV", date(2026, 6, 1))[0] == date(2026, 2, 27)
    assert market.close_on("PLTR", date(2020, 9, 29)) is None


def test_spellings_of_one_symbol():
    assert market.canonical("brk-b") == "BRK.B"
    assert {market.canonical(text) for text in ("BTC", "CUR:BTC", "btc-usd")} == {"BTC"}
    assert market.canonical("CUR:EUR") == "CUR:EUR"


def test_the_portfolio_moves_together():
    def returns(symbol):
        prices = [float(close) for _, close in market.closes(symbol, date(2024, 1, 1), date(2025, 12, 31))]
        return [math.log(after / before) for before, after in itertools.pairwise(prices)]

    assert correlation(returns("SPY"), returns("VTI")) > 0.95
    assert 0.2 < correlation(returns("SPY"), returns("JPM")) < 0.95
    assert abs(correlation(returns("SPY"), returns("AGG"))) < 0.35


def test_dividends_add_up_to_the_yield():
    paid = market.dividends("SCHD", date(2025, 1, 1), date(2025, 12, 31))
    price = float(market.close_on("SCHD", date(2025, 7, 1))[1])
    assert len(paid) == 4
    assert float(sum(dividend.amount for dividend in paid)) / price == pytest.approx(0.038, rel=0.2)
    assert all(dividend.ex_date < dividend.pay_date for dividend in paid)
    assert all(sessions.is_session(dividend.pay_date) for dividend in paid)


def test_money_market_stays_at_one_and_pays_monthly():
    assert {close for _, close in market.closes("SPAXX", date(2025, 1, 1), date(2025, 12, 31))} == {Decimal("1.00")}
    assert len(market.dividends("SPAXX", date(2025, 1, 1), date(2025, 12, 31))) == 12


def test_identifiers_carry_their_check_digits():
    # Published: Apple's CUSIP is 037833100 and its ISIN US0378331005.
    assert cusip_of("03783310") == "037833100"
    assert isin_of("US037833100") == "US0378331005"
    assert market.search(market.listing("MSFT").isin)[0].symbol == "MSFT"
    assert market.search("vanguard total")[0].name.startswith("Vanguard")


def test_option_prices_obey_parity_and_bounds():
    call, put = "MSFT270115C00450000", "MSFT270115P00450000"
    day = date(2026, 6, 15)
    spot = float(market.close_on("MSFT", day)[1])
    years = (date(2027, 1, 15) - day).days / 365
    parity = spot - 450 * math.exp(-0.04 * years)
    difference = float(market.close_on(call, day)[1]) - float(market.close_on(put, day)[1])
    assert difference == pytest.approx(parity, abs=0.02)


def test_option_terms_round_trip_and_stop_at_expiry():
    terms = market.option_terms("MSFT  260618C00450500")
    assert terms == market.OptionTerms("MSFT", date(2026, 6, 18), "call", Decimal("450.5"))
    assert market.option_terms(market.option_symbol(terms)) == terms
    assert market.option_terms("MSFT") is None
    assert market.option_terms("MSFT269918C00450500") is None
    assert market.closes("MSFT260618C00450500", date(2026, 6, 1), date(2026, 7, 1))[-1][0] == date(2026, 6, 18)


def test_rates_of_a_pair_and_its_inverse():
    direct = dict(market.fx_rates("EUR", "USD", date(2026, 1, 1), date(2026, 1, 31)))
    inverse = dict(market.fx_rates("USD", "EUR", date(2026, 1, 1), date(2026, 1, 31)))
    assert len(direct) == 22
    assert all(float(direct[day] * inverse[day]) == pytest.approx(1, rel=1e-4) for day in direct)
    assert market.fx_rates("XXX", "USD", date(2026, 1, 1), date(2026, 1, 31)) == []


def test_bars_contain_their_close():
    found = market.bars("TSLA", date(2026, 1, 1), date(2026, 3, 1))
    assert [(bar.day, bar.close) for bar in found] == market.closes("TSLA", date(2026, 1, 1), date(2026, 3, 1))
    assert all(0 < bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high for bar in found)


class TestLastTrade:
    @given(symbol=symbols, day=days, second=st.integers(0, 86_399))
    @example(symbol="BTC", day=date(2016, 1, 1), second=0)
    def test_it_stays_within_the_days_bar_and_never_looks_ahead(self, symbol, day, second):
        now = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(seconds=second)
        trade = market.last_trade(symbol, now)
        if trade is None:
            assert not market.bars(symbol, day - timedelta(days=9), day - timedelta(days=1))
            return
        assert trade.at <= now
        zone = UTC if market.listing(symbol).trades_daily else sessions.NEW_YORK
        # Where days meet at midnight, that instant is the end of one and the beginning of the next.
        first, last = ((trade.at - timedelta(seconds=before)).astimezone(zone).date() for before in (1, 0))
        assert any(bar.low <= trade.price <= bar.high for bar in market.bars(symbol, first, last))
        assert market.last_trade(symbol, now) == trade

    def test_a_day_from_bell_to_bell(self):
        day = date(2026, 11, 20)
        (bar,) = market.bars("AAPL", day, day)
        before, before_that = [market.close_on("AAPL", day - timedelta(days=days))[1] for days in (1, 2)]
        opens, closes = sessions.opens_at(day), sessions.closes_at(day)
        early = market.last_trade("AAPL", opens - timedelta(seconds=1))
        assert (early.price, early.previous_close) == (before, before_that)
        first = market.last_trade("AAPL", opens)
        assert (first.price, first.previous_close, first.at) == (bar.open, before, opens)
        last = market.last_trade("AAPL", closes + timedelta(hours=30))
        assert (last.price, last.at) == (bar.close, closes)
        midway = {market.last_trade("AAPL", opens + timedelta(minutes=minute)).price for minute in range(1, 389)}
        assert len(midway) > 20

    def test_an_early_close_a_fund_and_a_coin(self):
        half_day = datetime(2026, 11, 27, 18, 30, tzinfo=UTC)
        assert market.last_trade("AAPL", half_day).at == sessions.closes_at(date(2026, 11, 27))
        assert market.last_trade("FXAIX", half_day - timedelta(hours=1)).at.date() == date(2026, 11, 25)
        weekend = datetime(2026, 11, 21, 12, 0, 3, tzinfo=UTC)
        assert market.last_trade("BTC", weekend).at == weekend.replace(second=0)

    def test_a_split_is_taken_out_of_the_close_before(self):
        split = market.splits("AAPL", date(2021, 1, 1), date(2026, 12, 31))[0]
        trade = market.last_trade("AAPL", sessions.opens_at(split.ex_date) + timedelta(hours=1))
        assert float(trade.price / trade.previous_close) == pytest.approx(1.0, abs=0.15)

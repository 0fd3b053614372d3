"""The day by the minute: for whom, from which prices, and what is left of it after a year."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.core.cache import cache

from history.intraday import condense_minutes, record_minute, session_minutes
from history.market.quotes import LastQuote, _keep
from history.models import AccountDay, FxRate, IntradayValue, MarketSymbol, Price, SecurityMapping
from history.tests.ledgers import book, holding, stock
from history.valuation import value_holdings
from history.watched import KEY, WATCHED_FOR, _client, watch, watched_users
from investments.models import Account, Security
from tests.pages import signed_in, words_of

pytestmark = pytest.mark.django_db

OPEN = datetime(2026, 11, 20, 15, 42, 7, tzinfo=UTC)  # Friday, 10:42:07 in New York
MINUTE = timedelta(minutes=1)
THURSDAY, FRIDAY = date(2026, 11, 19), date(2026, 11, 20)
AAPL = stock("AAPL")


@pytest.fixture(autouse=True)
def _nobody_looks(settings: Any) -> Any:
    settings.MARKET_DATA_PROVIDERS = ["stored"]  # which has no quotes: those of a test are what there is
    cache.clear()
    yield
    cache.clear()


def priced(close: str = "100") -> MarketSymbol:
    symbol = MarketSymbol.objects.create(symbol="AAPL")
    SecurityMapping.objects.create(
        security=Security.objects.get(ticker_symbol="AAPL"), symbol=symbol, method=SecurityMapping.Method.TICKER
    )
    for day, price in ((THURSDAY - timedelta(days=1), "90"), (THURSDAY, close)):
        Price.objects.create(symbol=symbol, day=day, close=Decimal(price), source="test")
    return symbol


def quoted(symbol: MarketSymbol, price: str, at: datetime, session: str = "regular") -> None:
    _keep([LastQuote(symbol.pk, Decimal(price), at, "test", session, 0, None, at)])


def account(owner: Any, name: str = "A", **fields: Any) -> Account:
    held = [holding(AAPL, 10, 95)]
    return book(owner, name, holdings=held, securities=[AAPL], on=THURSDAY, uninvested_cash=Decimal("50.25"), **fields)


def closed_at(of: Account, value: str, day: date = THURSDAY) -> None:
    figures = dict.fromkeys(("cash", "net_flow", "income", "fees"), Decimal(0))
    AccountDay.objects.create(
        account=of, owner_id=of.owner_id, day=day, value=Decimal(value), securities_count=1, quality=1,
        snapshot_type=2, **figures,
    )  # fmt: skip


def minutes_of(of: Account) -> list[tuple[datetime, Decimal]]:
    return list(IntradayValue.objects.filter(account=of).order_by("minute").values_list("minute", "value"))


class TestRecording:
    def test_a_minute_is_what_the_quotes_make_of_it_and_a_second_run_corrects_it(self, owner: Any) -> None:
        mine, symbol = account(owner), priced()
        watch(user_id=owner.pk, now=OPEN)
        minute = OPEN.replace(second=0)
        for price in ("101.50", "103", "102"):
            quoted(symbol, price, OPEN)
            assert record_minute(now=OPEN) == 1
        kept = IntradayValue.objects.get()
        assert (kept.account_id, kept.owner_id, kept.minute) == (mine.pk, owner.pk, minute)
        assert (kept.value, kept.low, kept.high) == (Decimal("1070.25"), Decimal("1065.25"), Decimal("1080.25"))
        mine.refresh_from_db()
        found = mine.holdings.get()
        assert (found.market_value, found.priced_on, found.day_change) == (1020, FRIDAY, 20)

    def test_only_those_who_look_have_minutes(self, owner: Any, other: Any) -> None:
        mine, theirs = account(owner, "mine"), account(other, "theirs")
        quoted(priced(), "101", OPEN)
        watch(user_id=owner.pk, now=OPEN - WATCHED_FOR - MINUTE)
        watch(user_id=other.pk, now=OPEN - WATCHED_FOR + MINUTE)
        assert record_minute(now=OPEN) == 1
        assert (len(minutes_of(mine)), len(minutes_of(theirs))) == (0, 1)

    @pytest.mark.parametrize(
        ("at", "session", "now"),
        [
            (OPEN - timedelta(days=1), "regular", OPEN),  # yesterday's
            (OPEN - timedelta(hours=2), "pre", OPEN),
            (OPEN, "regular", OPEN.replace(hour=21, minute=1)),  # 16:01: the market is closed
        ],
    )
    def test_no_price_of_the_session_is_no_minute(self, owner: Any, at: datetime, session: str, now: datetime) -> None:
        mine = account(owner)
        quoted(priced(), "101", at, session)
        watch(user_id=owner.pk, now=now)
        assert record_minute(now=now) == 0
        assert minutes_of(mine) == []

    def test_the_close_of_the_store_overrules_a_quote(self, owner: Any) -> None:
        mine, symbol = account(owner), priced()
        quoted(symbol, "101", OPEN)
        Price.objects.create(symbol=symbol, day=FRIDAY, close=Decimal(99), source="test")
        watch(user_id=owner.pk, now=OPEN)
        record_minute(now=OPEN)
        assert minutes_of(mine)[0][1] == Decimal("1040.25")

    def test_looking_needs_no_redis(self, settings: Any) -> None:
        settings.REDIS_URL = "redis://127.0.0.1:1/0"
        _client.cache_clear()
        try:
            watch(user_id=7)
            assert watched_users() == []
        finally:
            _client.cache_clear()

    def test_who_has_looked_is_forgotten(self) -> None:
        watch(user_id=7, now=OPEN)
        assert watched_users(now=OPEN + WATCHED_FOR) == [7]
        assert watched_users(now=OPEN + WATCHED_FOR + MINUTE) == []
        assert _client().exists(KEY) == 0


def stored(of: Account, minute: int, value: str, low: str | None = None, high: str | None = None, **at: Any) -> None:
    IntradayValue.objects.create(
        account=of, owner_id=of.owner_id, minute=OPEN.replace(second=0, minute=minute, **at), value=Decimal(value),
        low=Decimal(low or value), high=Decimal(high or value),
    )  # fmt: skip


class TestSession:
    def test_every_account_counts_at_every_minute(self, owner: Any) -> None:
        first, second, still = (book(owner, name, on=THURSDAY) for name in ("A", "B", "C"))
        closed_at(first, "90")
        closed_at(still, "1000.5")
        stored(first, 41, "100.01", low="99", high="101")
        stored(first, 43, "102")
        stored(second, 42, "7.005")  # no close known: counts from the start with its first minute
        found = session_minutes(account_ids=[first.pk, second.pk, still.pk], now=OPEN)
        assert [time.minute for time in found.times] == [41, 42, 43]
        assert list(found.values) == [Decimal("1107.515"), Decimal("1107.515"), Decimal("1109.505")]
        assert (found.low, found.high) == (Decimal("1106.505"), Decimal("1109.505"))

    def test_another_currency_counts_at_the_rate_of_the_day(self, owner: Any) -> None:
        FxRate.objects.create(base="EUR", quote="USD", day=THURSDAY, rate=Decimal("1.1"), source="test")
        euros = book(owner, "E", on=THURSDAY, currency="EUR")
        stored(euros, 41, "100")
        assert session_minutes(account_ids=[euros.pk], now=OPEN).values == (Decimal(110),)

    @pytest.mark.parametrize(
        ("now", "day"),
        [
            (OPEN.replace(hour=13), THURSDAY),  # 8:00: today has not begun
            (OPEN, FRIDAY),
            (OPEN + timedelta(days=1), FRIDAY),  # Saturday
        ],
    )
    def test_the_last_session_that_has_begun(self, owner: Any, now: datetime, day: date) -> None:
        found = session_minutes(account_ids=[book(owner, "A", on=THURSDAY).pk], now=now)
        assert (found.day, found.times, found.is_running) == (day, (), now == OPEN)


class TestApi:
    def test_a_day_comes_with_its_minutes(self, api: Any, owner: Any) -> None:
        mine = book(owner, "A", on=THURSDAY)
        closed_at(mine, "90")
        closed_at(mine, "100.5", FRIDAY)
        stored(mine, 41, "99.999")
        stored(mine, 42, "101")
        with time_machine.travel(OPEN, tick=False):
            caller = api(owner)
            body = caller.get("/api/portfolio/history", {"period": "1D"}).json()
            assert watched_users(now=OPEN) == [owner.pk]
            assert "intraday" not in caller.get("/api/portfolio/history", {"period": "1W"}).json()
        assert body["intraday"] == {
            "session": "2026-11-20",
            "times": ["2026-11-20T15:41:00Z", "2026-11-20T15:42:00Z"],
            "value": ["100.00", "101.00"],
            "low": "100.00",
            "high": "101.00",
        }
        assert body["dates"] == ["2026-11-19", "2026-11-20"]

    @pytest.mark.parametrize(
        ("minutes", "told"),
        [
            ({}, (None, None, None)),
            ({930: "100"}, ("100.00", "1050.25", "95.00")),  # 9:30 to 9:35 in New York is 14:30 to 14:35
            ({935: "100"}, ("100.00", "1050.25", "95.00")),
            ({936: "100"}, (None, "1050.25", "95.00")),
            ({931: "2000", 1000: "100"}, ("2000.00", "2005.00", "95.00")),
        ],
    )
    def test_the_value_tells_the_days_range_where_somebody_looked(
        self, api: Any, owner: Any, minutes: dict[int, str], told: tuple[str | None, ...]
    ) -> None:
        mine, symbol = account(owner), priced()
        for clock, value in minutes.items():
            minute = datetime(2026, 11, 20, clock // 100 + 5, clock % 100, tzinfo=UTC)
            figures = {"low": Decimal(value) - 5, "high": Decimal(value) + 5}
            IntradayValue.objects.create(account=mine, owner=owner, minute=minute, value=Decimal(value), **figures)
        quoted(symbol, "100", OPEN)
        with time_machine.travel(OPEN, tick=False):
            value_holdings(account_ids=[mine.pk])
            body = api(owner).get("/api/portfolio/value").json()
        assert body["total"] == "1050.25"
        assert (body["open"], body["high"], body["low"]) == told

    def test_another_owner_sees_no_minute(self, as_web: Any, owner: Any, other: Any) -> None:
        mine = book(owner, "A", on=THURSDAY)
        stored(mine, 41, "100")
        with as_web(other):
            assert session_minutes(account_ids=[mine.pk], now=OPEN).times == ()
        with as_web(owner):
            assert session_minutes(account_ids=[mine.pk], now=OPEN).values == (100,)


class TestPage:
    """The range of a day on the overview."""

    @pytest.mark.parametrize(
        ("minutes", "now", "said"),
        [
            ((41, 42), OPEN, "By the minute on 20 Nov 2026. Low $99.00"),
            ((), OPEN, "No minutes of today yet."),
            ((), OPEN + timedelta(days=1), "No minutes of 20 Nov 2026: nobody looked while the market was open."),
        ],
    )
    def test_it_is_drawn_by_the_minute_or_says_why_not(
        self, owner: Any, minutes: tuple[int, ...], now: datetime, said: str
    ) -> None:
        mine = book(owner, "A", on=THURSDAY, uninvested_cash=Decimal(102))
        closed_at(mine, "100")
        closed_at(mine, "102", FRIDAY)
        for minute, value in zip(minutes, ("99", "102"), strict=False):
            stored(mine, minute, value)
        with time_machine.travel(now, tick=False):
            answer = signed_in(owner).get("/", {"period": "1D"})
        panel = answer.context["history"].content
        assert said in words_of(answer)
        assert (panel.series["dates"][-1] == "2026-11-20T15:42:00+00:00") == bool(minutes)
        assert panel.series["percent"][-1] == pytest.approx(0.02)


def test_of_an_old_hour_the_last_minute_stays_with_its_low_and_high(owner: Any) -> None:
    mine = book(owner, "A", on=THURSDAY)
    for minute, value in ((0, "5"), (30, "2"), (59, "3")):
        stored(mine, minute, value)
    stored(mine, 0, "4", hour=16)
    assert condense_minutes(before=OPEN, dry_run=False) == 0  # a day is condensed when it is over
    later = OPEN + timedelta(days=1)
    found = [condense_minutes(before=later, dry_run=dry_run) for dry_run in (True, False, True, False)]
    assert found == [2, 2, 0, 0]
    kept = IntradayValue.objects.values_list("minute__hour", "minute__minute", "value", "low", "high")
    assert list(kept.order_by("minute")) == [(15, 59, 3, 2, 5), (16, 0, 4, 4, 4)]

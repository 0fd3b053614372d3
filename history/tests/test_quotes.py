"""The last good quote: how long it is fresh, what never replaces it, and that Redis may be lost at any moment."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.cache import cache

from history.market.quotes import cached_quotes, claim_due, last_quote, refresh_quotes
from history.models import MarketSymbol, Price, SymbolAction
from history.providers import DataProviderChain
from history.providers.base import ProviderError, Quote
from history.tests.providers import Down, Quoting

pytestmark = pytest.mark.django_db
OPEN = datetime(2026, 11, 20, 15, 42, 7, tzinfo=UTC)  # Friday, 10:42:07 in New York
EVENING = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def _empty_cache() -> Any:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def aapl() -> MarketSymbol:
    symbol = MarketSymbol.objects.create(symbol="AAPL")
    for day, close in ((date(2026, 11, 18), "225"), (date(2026, 11, 19), "228.70")):
        Price.objects.create(symbol=symbol, day=day, close=Decimal(close), source="fmp")
    return symbol


def quote(price: str, at: datetime, **fields: Any) -> Quote:
    return Quote("AAPL", Decimal(price), at, "quoting", "regular", **fields)


def refresh(symbol: MarketSymbol, provider: Any, now: datetime) -> int:
    return refresh_quotes(symbol_ids=[symbol.pk], chain=DataProviderChain([provider]), now=now)


@pytest.mark.parametrize(("now", "fresh_for"), [(OPEN, SECOND), (EVENING, timedelta(minutes=5))])
def test_a_quote_is_asked_for_once_as_long_as_it_is_fresh(
    aapl: MarketSymbol, now: datetime, fresh_for: timedelta
) -> None:
    provider = Quoting({"AAPL": quote("227.50", now - SECOND)})
    assert refresh(aapl, provider, now) == 1
    assert refresh(aapl, provider, now + fresh_for - timedelta(milliseconds=1)) == 0
    assert refresh(aapl, provider, now + fresh_for) == 1
    assert provider.asked == [("AAPL",)] * 2


def test_all_of_it_is_kept(aapl: MarketSymbol) -> None:
    told = quote("0.000123456789012345", OPEN - 15 * 60 * SECOND, delay_minutes=15, previous_close=Decimal("0.00012"))
    Price.objects.all().delete()
    refresh(aapl, Quoting({"AAPL": told}), OPEN)
    kept = last_quote(aapl, now=OPEN)
    assert kept is not None
    assert (kept.price, kept.at, kept.delay_minutes) == (told.price, told.at, 15)
    assert (kept.provider, kept.session, kept.asked_at) == ("quoting", "regular", OPEN)
    assert kept.change == told.price - Decimal("0.00012")
    assert kept.change_fraction == pytest.approx(0.000003456789012345 / 0.00012)
    assert kept.freshness(OPEN).text == "15 min delayed"


@pytest.mark.parametrize(
    ("at", "session"),
    [
        pytest.param(datetime(2026, 11, 20, 21, 0, 1, tzinfo=UTC), "regular", id="as FMP and Yahoo tell a close"),
        pytest.param(datetime(2026, 11, 20, 21, 5, tzinfo=UTC), "post", id="after hours"),
        pytest.param(datetime(2026, 11, 27, 18, 0, 2, tzinfo=UTC), "regular", id="an early close"),
        pytest.param(datetime(2026, 11, 27, 18, 30, tzinfo=UTC), "post", id="after an early close"),
        pytest.param(datetime(2026, 11, 20, 14, 29, 59, tzinfo=UTC), "pre", id="before the bell"),
        pytest.param(datetime(2026, 7, 10, 13, 30, tzinfo=UTC), "regular", id="in summer time"),
        pytest.param(datetime(2026, 11, 26, 15, 0, tzinfo=UTC), "closed", id="a holiday"),
    ],
)
def test_the_closing_print_belongs_to_the_session_that_it_closes(
    aapl: MarketSymbol, at: datetime, session: str
) -> None:
    """Else what is held would fall back to the day before until the close is known."""
    refresh(aapl, Quoting({"AAPL": quote("227.50", at)}), at + SECOND)
    assert cached_quotes([aapl])[aapl.pk].session == session


@pytest.mark.parametrize(
    "garbage",
    [
        quote("0", OPEN),
        quote("-1", OPEN),
        quote("NaN", OPEN),
        quote("2300", OPEN),  # ten times yesterday's close, and no split
        quote("22.7", OPEN),
        quote("227.50", OPEN + timedelta(minutes=3)),
    ],
    ids=lambda told: f"{told.price}",
)
def test_what_cannot_be_true_leaves_the_last_good_one(aapl: MarketSymbol, garbage: Quote) -> None:
    refresh(aapl, Quoting({"AAPL": quote("227.50", OPEN - SECOND)}), OPEN - SECOND)
    assert refresh(aapl, Quoting({"AAPL": garbage}), OPEN) == 0
    assert cached_quotes([aapl])[aapl.pk].price == Decimal("227.50")


def test_a_split_explains_a_jump(aapl: MarketSymbol) -> None:
    SymbolAction.objects.create(symbol=aapl, kind="split", ex_date=OPEN.date(), ratio=Decimal(20), source="fmp")
    assert refresh(aapl, Quoting({"AAPL": quote("11.40", OPEN)}), OPEN) == 1


def test_an_older_quote_never_replaces_a_newer_one(aapl: MarketSymbol) -> None:
    refresh(aapl, Quoting({"AAPL": quote("227.50", OPEN)}), OPEN)
    later = OPEN + timedelta(seconds=30)
    refresh(aapl, Quoting({"AAPL": quote("226.00", OPEN - timedelta(minutes=15), delay_minutes=15)}), later)
    kept = cached_quotes([aapl])[aapl.pk]
    assert (kept.price, kept.at, kept.asked_at) == (Decimal("227.50"), OPEN, later)


def test_a_provider_that_is_down_leaves_the_last_good_one(aapl: MarketSymbol) -> None:
    class Mute(Down):
        def quotes(self, symbols: Any) -> Any:
            raise ProviderError("connection refused")

    refresh(aapl, Quoting({"AAPL": quote("227.50", OPEN)}), OPEN)
    assert refresh(aapl, Mute(), OPEN + timedelta(minutes=1)) == 0
    kept = last_quote(aapl, now=OPEN + timedelta(minutes=2))
    assert kept is not None
    assert kept.freshness(OPEN + timedelta(minutes=2)).text == "Last quote 10:42 ET"


def test_one_of_many_who_look_asks(aapl: MarketSymbol) -> None:
    assert [claim_due([aapl], now=OPEN) for _ in range(3)] == [[aapl.pk], [], []]
    refresh(aapl, Quoting({"AAPL": quote("227.50", OPEN)}), OPEN)
    assert claim_due([aapl], now=OPEN + SECOND) == [aapl.pk]


def test_the_last_close_stands_in_and_wins_once_it_is_newer(aapl: MarketSymbol) -> None:
    close = last_quote(aapl, now=OPEN)
    assert close is not None
    assert (close.price, close.previous_close, close.session) == (Decimal("228.70"), Decimal(225), "closed")
    assert close.at == datetime(2026, 11, 19, 21, tzinfo=UTC)
    assert close.freshness(OPEN).text == "As of close 19 Nov"
    refresh(aapl, Quoting({"AAPL": quote("227.50", OPEN)}), OPEN)
    Price.objects.create(symbol=aapl, day=date(2026, 11, 20), close=Decimal("226.10"), source="fmp")
    newer = last_quote(aapl, now=EVENING)
    assert newer is not None
    assert (newer.price, newer.freshness(EVENING).text) == (Decimal("226.10"), "As of close 20 Nov")


def test_the_change_since_a_close_before_a_split(aapl: MarketSymbol) -> None:
    SymbolAction.objects.create(symbol=aapl, kind="split", ex_date=date(2026, 11, 19), ratio=Decimal(2), source="fmp")
    close = last_quote(aapl, now=OPEN)
    assert close is not None
    assert close.previous_close == Decimal("112.5")


def test_without_redis_the_last_close_is_told_and_nobody_is_asked(aapl: MarketSymbol, settings: Any) -> None:
    refresh(aapl, Quoting({"AAPL": quote("227.50", OPEN)}), OPEN)
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/0"}}
    assert cached_quotes([aapl]) == {}
    assert claim_due([aapl], now=OPEN) == []
    assert refresh(aapl, Quoting({"AAPL": quote("227.50", OPEN)}), OPEN) == 1
    close = last_quote(aapl, now=OPEN)
    assert close is not None
    assert close.price == Decimal("228.70")


@pytest.mark.parametrize("written", ["nonsense", {}, {"price": "x"}, None, 7])
def test_what_another_release_wrote_is_no_quote(aapl: MarketSymbol, written: Any) -> None:
    cache.set(f"quote:{aapl.pk}", written)
    assert cached_quotes([aapl]) == {}

"""The price store asks for what it lacks, once, whoever else is asking."""

import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connections
from django.utils import timezone

from history.market.closes import close_matrix, latest_closes
from history.market.prices import LEASE, ensure_prices, final_day, last_settlement
from history.models import MarketSymbol, Price, SymbolAction
from history.providers import DataProviderChain
from history.providers.base import Actions, DailyPrice, Dividend, Split
from history.providers.stored import StoredPrices
from history.tests.providers import Down, Listed

MONDAY, FRIDAY = date(2026, 11, 9), date(2026, 11, 13)


def symbol(name: str, **fields: object) -> MarketSymbol:
    return MarketSymbol.objects.create(symbol=name, **fields)


def ensure(symbols: Sequence[MarketSymbol], start: date, end: date, *providers: object) -> tuple[int, int]:
    done = ensure_prices(
        symbol_ids=[one.pk for one in symbols], start=start, end=end, chain=DataProviderChain(providers)
    )
    return done.asked, done.stored


@pytest.mark.django_db
class TestWhatIsAskedFor:
    def test_prices_are_stored_with_their_source(self) -> None:
        assert ensure([symbol("AAPL")], MONDAY, FRIDAY, Listed({"AAPL": "10.123456789"})) == (1, 5)
        stored = Price.objects.filter(symbol__symbol="AAPL").values_list("day", "close", "source")
        assert next(iter(stored)) == (MONDAY, Decimal("10.123456789"), "listed")

    def test_a_listing_abroad_is_asked_for_by_its_exchange(self) -> None:
        """Two of one ticker in one batch keep their own prices; so do their quotes and actions."""
        home, london = symbol("VOD"), symbol("VOD", exchange="XLON", currency="GBP")
        provider = Listed({"VOD": "10", "VOD:XLON": "0.75"})
        assert ensure([home, london], MONDAY, FRIDAY, provider) == (2, 10)
        assert provider.asked == [(("VOD", "VOD:XLON"), MONDAY, FRIDAY)]
        closes = dict(Price.objects.filter(day=FRIDAY).values_list("symbol", "close"))
        assert closes == {home.pk: 10, london.pk: Decimal("0.75")}
        again = DataProviderChain([StoredPrices()]).fetch(["VOD", "VOD:XLON"], FRIDAY, FRIDAY).answers
        assert {name: answer.prices[0].close for name, answer in again.items()} == {
            "VOD": 10,
            "VOD:XLON": Decimal("0.75"),
        }

    def test_nothing_is_asked_twice(self) -> None:
        one, provider = symbol("AAPL"), Listed({"AAPL": "10"})
        assert ensure([one], MONDAY, FRIDAY, provider) == (1, 5)
        assert ensure([one], MONDAY, FRIDAY, provider) == (0, 0)
        assert ensure([one], MONDAY + timedelta(days=1), FRIDAY, provider) == (0, 0)
        assert len(provider.asked) == 1

    def test_only_the_missing_days_on_either_side_are_asked(self) -> None:
        one, provider = symbol("AAPL"), Listed({"AAPL": "10"})
        ensure([one], date(2026, 6, 10), date(2026, 6, 20), provider)
        ensure([one], date(2026, 6, 1), date(2026, 6, 30), provider)
        assert provider.asked[1:] == [
            (("AAPL",), date(2026, 6, 1), date(2026, 6, 9)),
            (("AAPL",), date(2026, 6, 21), date(2026, 6, 30)),
        ]

    def test_symbols_that_lack_the_same_days_are_asked_together(self) -> None:
        symbols, provider = [symbol("A"), symbol("B"), symbol("C")], Listed({"A": "1", "B": "2", "C": "3"})
        ensure(symbols[:1], MONDAY, FRIDAY, provider)
        assert ensure(symbols, MONDAY, FRIDAY, provider) == (2, 10)
        assert provider.asked[1:] == [(("B", "C"), MONDAY, FRIDAY)]

    def test_batches_hold_fifty_symbols(self) -> None:
        symbols = [symbol(f"S{number}") for number in range(120)]
        provider = Listed({one.symbol: "1" for one in symbols})
        assert ensure(symbols, MONDAY, FRIDAY, provider) == (120, 600)
        assert [len(names) for names, _, _ in provider.asked] == [50, 50, 20]

    def test_that_there_was_no_price_is_remembered(self) -> None:
        one, provider = symbol("NOBODY"), Listed({})
        assert ensure([one], MONDAY, FRIDAY, provider) == (1, 0)
        assert ensure([one], MONDAY, FRIDAY, provider) == (0, 0)

    def test_what_could_not_be_asked_is_asked_again(self) -> None:
        one = symbol("AAPL")
        failed = ensure_prices(symbol_ids=[one.pk], start=MONDAY, end=FRIDAY, chain=DataProviderChain([Down()]))
        assert failed.incomplete == (one.pk,)
        assert ensure([one], MONDAY, FRIDAY, Listed({"AAPL": "10"})) == (1, 5)

    def test_a_price_that_is_there_stays(self) -> None:
        one = symbol("AAPL")
        ensure([one], MONDAY, MONDAY, Listed({"AAPL": "10"}))
        MarketSymbol.objects.update(priced_from=None, priced_to=None)
        assert ensure([one], MONDAY, FRIDAY, Listed({"AAPL": "77"})) == (1, 4)
        assert Price.objects.get(symbol=one, day=MONDAY).close == 10

    def test_an_inactive_symbol_is_left_alone(self) -> None:
        assert ensure([symbol("GONE", active=False)], MONDAY, FRIDAY, Listed({"GONE": "1"})) == (0, 0)

    def test_a_day_that_is_not_over_is_not_asked_for(self) -> None:
        one, provider = symbol("AAPL"), Listed({"AAPL": "10"})
        ensure([one], MONDAY, date(2049, 1, 1), provider)
        one.refresh_from_db()
        assert one.priced_to == provider.asked[0][2] == final_day(timezone.now())

    def test_splits_and_dividends_come_along_once(self) -> None:
        actions = Actions((Split(MONDAY, Decimal(2)),), (Dividend(FRIDAY, Decimal("0.25")),))
        provider = Listed({"AAPL": "10"}, actions={"AAPL": actions})
        for _ in range(2):
            MarketSymbol.objects.update(priced_from=None, priced_to=None)
            ensure([MarketSymbol.objects.get_or_create(symbol="AAPL")[0]], MONDAY, FRIDAY, provider)
        stored = SymbolAction.objects.order_by("kind").values_list("kind", "ex_date", "ratio", "cash_per_unit")
        assert list(stored) == [
            ("cash_dividend", FRIDAY, None, Decimal("0.25")),
            ("split", MONDAY, Decimal(2), None),
        ]

    def test_the_lease_of_a_dead_worker_runs_out(self) -> None:
        one = symbol("AAPL", claimed_until=timezone.now() - LEASE)
        assert ensure([one], MONDAY, FRIDAY, Listed({"AAPL": "10"})) == (1, 5)
        one.refresh_from_db()
        assert one.claimed_until is None


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (datetime(2026, 11, 20, 20, 59, tzinfo=UTC), date(2026, 11, 19)),  # Friday 15:59 in New York
        (datetime(2026, 11, 20, 21, 25, tzinfo=UTC), date(2026, 11, 20)),  # Friday 16:25
        (datetime(2026, 11, 22, 3, 0, tzinfo=UTC), date(2026, 11, 20)),  # Saturday night there, Sunday in UTC
        (datetime(2026, 11, 22, 18, 0, tzinfo=UTC), date(2026, 11, 21)),  # Sunday noon
        (datetime(2026, 11, 27, 18, 30, tzinfo=UTC), date(2026, 11, 27)),  # after Thanksgiving: closed at 13:00
    ],
)
def test_a_day_is_final_when_its_session_has_settled(moment: datetime, expected: date) -> None:
    assert final_day(moment) == expected


def test_closes_settle_twenty_minutes_after_the_bell() -> None:
    assert last_settlement(datetime(2026, 11, 20, 21, 19, tzinfo=UTC)).date() == date(2026, 11, 19)
    assert last_settlement(datetime(2026, 11, 20, 21, 21, tzinfo=UTC)) == datetime(2026, 11, 20, 21, 20, tzinfo=UTC)


class Slow(Listed):
    """Answers only once two workers want something of it, or the other has had time to ask."""

    def daily_prices(self, symbols: Sequence[str], start: date, end: date) -> Mapping[str, Sequence[DailyPrice]]:
        self.other_asks.wait(0.5)
        return super().daily_prices(symbols, start, end)

    other_asks = threading.Event()  # never set: each answer takes its time


@pytest.mark.usefixtures("committed")
def test_two_workers_fetch_each_symbol_once() -> None:
    symbols = [symbol(f"S{number:02}") for number in range(60)]
    provider = Slow({one.symbol: "5" for one in symbols})
    ids, errors = [one.pk for one in symbols], []

    def work() -> None:
        try:
            ensure_prices(symbol_ids=ids, start=MONDAY, end=FRIDAY, chain=DataProviderChain([provider]))
            # Whoever comes back finds everything, whichever of them fetched it.
            assert Price.objects.filter(symbol__in=ids).count() == 300
        except BaseException as error:
            errors.append(error)
        finally:
            connections.close_all()

    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert errors == []
    assert sorted(name for names, _, _ in provider.asked for name in names) == [one.symbol for one in symbols]


@pytest.mark.django_db
class TestReading:
    def test_closes_as_a_matrix(self) -> None:
        a, b = symbol("A"), symbol("B")
        ensure([a], date(2026, 11, 5), date(2026, 11, 10), Listed({"A": "10"}))
        matrix = close_matrix(symbol_ids=[b.pk, a.pk], start=date(2026, 11, 7), end=date(2026, 11, 10))
        assert str(matrix.close.tolist()) == "[[nan, nan], [nan, nan], [nan, 10.0], [nan, 10.0]]"
        assert str(matrix.prior_close.tolist()) == "[nan, 10.0]"
        assert matrix.prior_day.tolist() == [0, -1]

    def test_no_symbols_make_no_columns(self) -> None:
        assert close_matrix(symbol_ids=[], start=MONDAY, end=FRIDAY).close.shape == (5, 0)

    def test_latest_closes(self) -> None:
        a, b = symbol("A"), symbol("B")
        ensure([a], MONDAY, FRIDAY, Listed({"A": "10"}))
        sunday = FRIDAY + timedelta(days=2)
        assert latest_closes(symbol_ids=[a.pk, b.pk], on=sunday) == {a.pk: (FRIDAY, Decimal(10))}
        assert latest_closes(symbol_ids=[a.pk], on=MONDAY - timedelta(days=1)) == {}


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (
            datetime(2026, 11, 20, 21, 25, tzinfo=UTC),
            date(2026, 11, 19),
        ),  # the session has settled, the coins' day goes on
        (datetime(2026, 11, 21, 0, 5, tzinfo=UTC), date(2026, 11, 20)),
    ],
)
def test_the_day_of_a_coin_ends_at_midnight_utc(moment: datetime, expected: date) -> None:
    assert final_day(moment, round_the_clock=True) == expected

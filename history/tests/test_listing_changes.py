"""New names and delistings told by a provider: followed where our own prices bear them out, else put to an operator."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from history.market.listing_changes import ListingsFollowed, follow_listings
from history.market.mapping import settle
from history.market.prices import ensure_prices
from history.market.symbols import map_securities
from history.models import MappingReview, MarketSymbol, Price, SecurityMapping
from history.providers import DataProviderChain
from history.providers.base import Delisted, Listing, ListingChanges, ProviderError, Renamed
from history.providers.fmp import FinancialModelingPrep
from history.providers.remote import Access
from history.providers.resilience import Patience
from history.reconstruction.rebuild import rebuild_accounts
from history.tests.ledgers import book, evening, holding, row, stock, values_of
from history.tests.providers import Listed
from investments.lots import recompute_lots
from investments.models import Account, CorporateAction, RealizedLot, Security

RENAMED, TODAY = date(2022, 6, 9), date(2022, 6, 24)  # Facebook's new name, and two weeks later
BEFORE = RENAMED - timedelta(days=10)
FACEBOOK = stock("FB", name="Facebook Inc", cusip="30303M102")


@dataclass
class Gazette(Listed):
    """Tells prices, and what happened to listings."""

    changes: ListingChanges = field(default_factory=ListingChanges)

    def listing_changes(self, since: date) -> ListingChanges:
        return self.changes


def gazette(closes: Mapping[str, Any], *told: Renamed | Delisted) -> DataProviderChain:
    renamed = tuple(one for one in told if isinstance(one, Renamed))
    delisted = tuple(one for one in told if isinstance(one, Delisted))
    return DataProviderChain([Gazette(closes, changes=ListingChanges(renamed, delisted))])


def follow(chain: DataProviderChain) -> ListingsFollowed:
    return follow_listings(chain=chain, now=evening(TODAY))


@pytest.fixture
def holder(owner: Any, settings: Any) -> Account:
    """Ten shares of Facebook, priced at 190 until the eve of its new name."""
    settings.MARKET_DATA_PROVIDERS = ["stored"]
    bought = row("buy/buy", BEFORE, 1500, FACEBOOK, 10)
    account = book(owner, securities=[FACEBOOK], holdings=[holding(FACEBOOK, 10)], transactions=[bought], on=TODAY)
    map_securities(security_ids=Security.objects.values_list("pk", flat=True))
    ids = MarketSymbol.objects.values_list("pk", flat=True)
    eve = RENAMED - timedelta(days=1)
    ensure_prices(symbol_ids=ids, start=BEFORE, end=eve, chain=DataProviderChain([Listed({"FB": "190"})]))
    return account


@pytest.mark.django_db
class TestNewName:
    def test_prices_that_go_on_bear_it_out(self, holder: Account, owner: Any) -> None:
        chain = gazette({"FB": "40", "META": "180"}, Renamed(RENAMED, "FB", "META"))
        assert follow(chain) == ListingsFollowed(renamed=1)
        symbol = SecurityMapping.objects.get(security__external_id="FB").symbol
        assert symbol is not None
        assert symbol.symbol == "META"
        ensure_prices(symbol_ids=[symbol.pk], start=BEFORE, end=TODAY, chain=chain)
        rebuild_accounts(account_ids=[holder.pk], now=evening(TODAY))
        values = values_of(holder)
        assert (values[RENAMED - timedelta(days=1)], values[RENAMED], values[TODAY]) == (1900, 1800, 1800)
        recompute_lots(owner_id=owner.pk)
        assert not RealizedLot.objects.exists()
        assert CorporateAction.objects.get().kind == "symbol_change"

    def test_twice_changes_nothing(self, holder: Account) -> None:
        chain = gazette({"META": "180"}, Renamed(RENAMED, "FB", "META"))
        follow(chain)
        assert follow(chain) == ListingsFollowed()

    @pytest.mark.parametrize("close", [None, "12"])
    def test_prices_that_do_not_leave_it_to_an_operator(self, holder: Account, close: str | None) -> None:
        chain = gazette({"META": close} if close else {}, Renamed(RENAMED, "FB", "META"))
        assert follow(chain) == follow(chain) == ListingsFollowed(waiting=1)
        review = MappingReview.objects.get()
        assert [one["symbol"] for one in review.candidates] == ["META"]
        assert MarketSymbol.objects.get().symbol == "FB"
        settle(security=review.security, listing=Listing("META"), method=SecurityMapping.Method.OPERATOR)
        assert SecurityMapping.objects.get(security=review.security).symbol == MarketSymbol.objects.get(symbol="META")

    def test_a_name_that_nobody_holds_or_that_is_ahead_is_not_asked_for(self, holder: Account) -> None:
        ahead = Renamed(TODAY + timedelta(days=1), "FB", "META")
        chain = gazette({"META": "180"}, ahead, Renamed(RENAMED, "XYZ", "ABC"), Renamed(RENAMED, "FB:XLON", "ABC:XLON"))
        assert follow(chain) == ListingsFollowed()
        assert not chain.providers[0].asked  # type: ignore[attr-defined]

    def test_whoever_has_the_old_name_now_is_not_meant(self, holder: Account) -> None:
        MarketSymbol.objects.update(listed_from=RENAMED)
        assert follow(gazette({"META": "180"}, Renamed(RENAMED, "FB", "META"))) == ListingsFollowed()


@pytest.mark.django_db
class TestDelisting:
    LAST = RENAMED - timedelta(days=1)

    def asked_until(self, day: date, closes: Mapping[str, str]) -> None:
        ids = MarketSymbol.objects.values_list("pk", flat=True)
        ensure_prices(symbol_ids=ids, start=BEFORE, end=day, chain=DataProviderChain([Listed(closes)]))

    def test_what_has_no_price_since_is_gone_and_keeps_its_last(self, holder: Account) -> None:
        self.asked_until(TODAY, {})
        assert follow(gazette({}, Delisted(self.LAST, "FB"))) == ListingsFollowed(delisted=1)
        symbol = MarketSymbol.objects.get()
        assert (symbol.active, symbol.delisted_on) == (False, self.LAST)
        assert follow(gazette({}, Delisted(self.LAST, "FB"))) == ListingsFollowed()
        rebuild_accounts(account_ids=[holder.pk], now=evening(TODAY))
        assert values_of(holder)[TODAY] == 1900

    def test_what_trades_on_is_not(self, holder: Account) -> None:
        self.asked_until(TODAY, {"FB": "190"})
        assert follow(gazette({}, Delisted(self.LAST, "FB"))) == ListingsFollowed()
        assert MarketSymbol.objects.get().active

    def test_nor_is_what_was_not_asked_for_since(self, holder: Account) -> None:
        self.asked_until(RENAMED + timedelta(days=1), {})
        assert follow(gazette({}, Delisted(self.LAST, "FB"))) == ListingsFollowed()
        assert Price.objects.filter(day__gt=self.LAST).count() == 0
        assert MarketSymbol.objects.get().active


class Down(Listed):
    def listing_changes(self, since: date) -> ListingChanges:
        raise ProviderError("no route")


@pytest.mark.django_db
def test_without_a_provider_nothing_is_decided() -> None:
    assert follow(DataProviderChain([Down({})])) == ListingsFollowed(failed=True)


def test_fmp_tells_the_market_since_a_day_over_http(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The shapes are those of FMP's documentation of 2025; pages are read until they are older than the day."""
    monkeypatch.setattr("history.providers.remote.meter.charge", lambda *told, **counts: None)
    monkeypatch.setattr("history.providers.remote.meter.allows", lambda provider: True)
    changes = [
        {"date": "2025-02-03", "companyName": "XPLR Infrastructure, LP", "oldSymbol": "NEP", "newSymbol": "XIFR"},
        {"date": "2025-01-20", "companyName": "In London", "oldSymbol": "OLD.L", "newSymbol": "NEW.L"},
        {"date": "2025-01-02", "companyName": "Too long ago", "oldSymbol": "AAA", "newSymbol": "BBB"},
        {"date": "never", "oldSymbol": "CCC", "newSymbol": "DDD"},
        {"date": "2025-02-01", "oldSymbol": None, "newSymbol": 7},
    ]
    row = {"companyName": "Borqs Technologies, Inc.", "exchange": "PNK", "ipoDate": "2017-08-24"}
    pages = [
        [row | {"symbol": "BRQSF", "delistedDate": "2025-02-03"}, row | {"symbol": "BF-B", "delistedDate": None}],
        [
            row | {"symbol": "TSCO.L", "delistedDate": "2025-01-15"},
            row | {"symbol": "ZZZ", "delistedDate": "2025-01-02"},
        ],
    ]
    httpserver.expect_request("/stable/symbol-change").respond_with_json(changes)
    for number, page in enumerate(pages):
        asked = {"page": str(number), "limit": "100", "apikey": "KEY"}
        httpserver.expect_request("/stable/delisted-companies", query_string=asked).respond_with_json(page)
    reached = Access(httpserver.url_for("").rstrip("/"), "KEY", 5.0, per_minute=100_000)
    told = FinancialModelingPrep(reached, Patience(delays=())).listing_changes(date(2025, 1, 10))
    assert told.renamed == (
        Renamed(date(2025, 2, 3), "NEP", "XIFR"),
        Renamed(date(2025, 1, 20), "OLD:XLON", "NEW:XLON"),
    )
    assert told.delisted == (Delisted(date(2025, 2, 3), "BRQSF"), Delisted(date(2025, 1, 15), "TSCO:XLON"))
    assert sum("delisted" in request.path for request, _ in httpserver.log) == 2

"""A ticker that goes from one company to another takes no price along: FB was Meta's until 2022-06-09, a fund's since.

Meta's CUSIP is 30303M102; the one of the new FB here is made up but for its being another issuer's.
"""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from history.core.issuers import Paper, contradict
from history.market.corrections import correct
from history.market.mapping import search_symbols, settle
from history.market.prices import ensure_prices
from history.market.renames import follow_tickers
from history.market.symbols import TickerTaken, map_securities
from history.models import FormerName, MappingReview, MarketSymbol, Price, SecurityMapping
from history.providers import DataProviderChain
from history.providers.base import Listing
from history.reconstruction.rebuild import rebuild_accounts
from history.tests.ledgers import book, evening, holding, stock, values_of
from history.tests.providers import Listed
from history.tests.test_mapping import Directory
from investments import ledger
from investments.entries import SecurityEntry
from investments.models import Security

RENAMED, TODAY = date(2022, 6, 9), date(2022, 12, 1)
OLD = stock("FB", external_id="meta", name="Meta Platforms Inc Class A", cusip="30303M102")
NEW = stock("FB", external_id="fund", name="ProShares S&P 500 Dynamic Buffer ETF", type="etf", cusip="74347G226")


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (Paper(cusip="30303M102"), Paper(cusip="74347G226"), True),
        (Paper(cusip="30303M102"), Paper(isin="US30303M1027"), False),
        (Paper(cusip="369604103"), Paper(cusip="369604301"), False),  # GE before and after 1:8
        (Paper(isin="GB00BP6MXD84"), Paper(isin="NL0000009165"), True),
        (Paper(kind="equity", name="Meta Platforms"), Paper(kind="etf", name="Dynamic Buffer ETF"), True),
        (Paper(kind="equity", name="SPDR S&P 500 ETF Trust"), Paper(kind="etf", name="SPDR S&P 500"), False),
        (Paper(kind="equity", name="Facebook Inc"), Paper(kind="equity", name="Meta Platforms Inc"), False),
        (Paper(), Paper(cusip="30303M102"), False),
    ],
)
def test_whose_paper_it_is(one: Paper, other: Paper, expected: bool) -> None:
    assert contradict(one, other) is contradict(other, one) is expected


def written(*entries: SecurityEntry) -> list[int]:
    found = ledger.upsert_securities(source="plaid", entries=entries).by_external_id
    return [found[entry.external_id].pk for entry in entries]


def mapped(external_id: str) -> MarketSymbol | None:
    return SecurityMapping.objects.get(security__external_id=external_id).symbol


@pytest.fixture
def meta() -> MarketSymbol:
    """Meta's symbol, still called FB, with closes of its own before the change and of the new FB's after it."""
    map_securities(security_ids=written(OLD))
    symbol = MarketSymbol.objects.get(symbol="FB")
    days = [RENAMED + timedelta(days=number) for number in range(-5, 5)]
    Price.objects.bulk_create(
        Price(symbol=symbol, day=day, close=190 if day < RENAMED else 40, source="yahoo") for day in days
    )
    MarketSymbol.objects.filter(pk=symbol.pk).update(priced_from=days[0], priced_to=days[-1])
    return symbol


@pytest.mark.django_db
class TestReuse:
    def test_a_second_company_of_that_ticker_inherits_nothing(self, meta: MarketSymbol) -> None:
        map_securities(security_ids=written(NEW))
        assert (mapped("meta"), mapped("fund")) == (meta, None)
        found = Directory({"74347G226": [Listing("FB", "ProShares", "NYSEArca", "USD")]})
        assert search_symbols(chain=DataProviderChain([found])).mapped == 0, "held by nobody"
        with pytest.raises(TickerTaken, match="Meta Platforms"):
            settle(security=Security.objects.get(external_id="fund"), listing=Listing("FB"), method="operator")
        assert mapped("fund") is None

    def test_it_waits_for_an_operator_while_the_name_is_taken(self, meta: MarketSymbol, owner: Any) -> None:
        book(owner, securities=[NEW], holdings=[holding(NEW, 3, 40)], on=TODAY)
        map_securities(security_ids=written(NEW))
        found = Directory({"74347G226": [Listing("FB", "ProShares", "NYSEArca", "USD")]})
        assert search_symbols(chain=DataProviderChain([found])).waiting == 1
        assert MappingReview.objects.get().candidates[0]["symbol"] == "FB"

    def test_once_the_first_is_renamed_each_has_its_own(self, meta: MarketSymbol) -> None:
        correct(text=f"symbol_change,FB,{RENAMED},META", reason="Its own announcement", operator="op@example.com")
        map_securities(security_ids=written(NEW))
        fund = mapped("fund")
        assert fund is not None
        assert (mapped("meta"), fund.symbol, fund.pk == meta.pk) == (meta, "FB", False)
        assert (fund.listed_from, str(MarketSymbol.objects.get(pk=meta.pk))) == (RENAMED, "META")
        provider = Listed({"FB": "40", "META": "170"})
        symbols = [meta.pk, fund.pk]
        start = RENAMED - timedelta(days=5)
        ensure_prices(symbol_ids=symbols, start=start, end=TODAY, chain=DataProviderChain([provider]))
        closes = {pk: Price.objects.filter(symbol=pk).order_by("day") for pk in symbols}
        assert {row.close for row in closes[meta.pk] if row.day < RENAMED} == {190}
        assert {row.close for row in closes[meta.pk] if row.day >= RENAMED} == {170}, "not the new FB's 40"
        assert next(row.day for row in closes[fund.pk]) == RENAMED
        assert {row.close for row in closes[fund.pk]} == {40}

    def test_a_source_that_still_says_fb_means_meta(self, meta: MarketSymbol) -> None:
        correct(text=f"symbol_change,FB,{RENAMED},META", reason="Its own announcement", operator="op@example.com")
        late = stock("FB", external_id="late", isin="US30303M1027")
        map_securities(security_ids=written(late, NEW))
        assert mapped("late") == meta
        assert mapped("fund") != meta

    def test_two_new_claimants_of_one_ticker_both_wait(self) -> None:
        map_securities(security_ids=written(OLD, NEW))
        assert (mapped("meta"), mapped("fund")) == (None, None)

    def test_the_ticker_of_what_is_delisted_is_free(self, meta: MarketSymbol) -> None:
        MarketSymbol.objects.filter(pk=meta.pk).update(active=False, delisted_on=RENAMED)
        map_securities(security_ids=written(NEW))
        fund = mapped("fund")
        assert fund is not None
        assert (fund.symbol, fund.exchange, fund.listed_from) == ("FB", "", RENAMED)
        assert mapped("meta") == meta
        assert Price.objects.filter(symbol=meta).count() == 10
        assert MarketSymbol.objects.get(pk=meta.pk).venue == ""


@pytest.mark.django_db
class TestFollowing:
    def held(self, owner: Any, name: str, entry: SecurityEntry) -> int:
        return book(owner, name, securities=[entry], holdings=[holding(entry, 10, 100)], on=TODAY).pk

    def test_a_new_ticker_of_the_same_security_renames_its_symbol(self, owner: Any, settings: Any) -> None:
        settings.MARKET_DATA_PROVIDERS = ["stored"]
        account = self.held(owner, "one", OLD)
        rebuild_accounts(account_ids=[account], now=evening(TODAY))
        symbol = MarketSymbol.objects.get(symbol="FB")
        Price.objects.create(symbol=symbol, day=RENAMED, close=Decimal(184), source="yahoo")
        written(stock("META", external_id="meta", cusip="30303M102"))
        self.held(owner, "two", NEW)
        accounts = [account, self.held(owner, "three", stock("META", external_id="meta", cusip="30303M102"))]
        rebuild_accounts(account_ids=accounts, now=evening(TODAY))
        assert (mapped("meta"), str(mapped("meta"))) == (symbol, "META")
        assert values_of(account)[RENAMED] == 1840
        assert FormerName.objects.get().name == "FB"

    def test_where_somebody_elses_may_stay_only_what_changed_moves_on(self, meta: MarketSymbol, owner: Any) -> None:
        (other,) = written(stock("FB", external_id="unknown", name="FB"))
        map_securities(security_ids=[other])
        assert mapped("unknown") == meta
        account = self.held(owner, "one", stock("META", external_id="meta", cusip="30303M102"))
        rebuild_accounts(account_ids=[account], now=evening(TODAY))
        assert str(mapped("meta")) == "META"
        assert mapped("unknown") == meta
        assert mapped("meta") != meta

    def test_nothing_is_asked_twice_where_no_ticker_did(
        self, meta: MarketSymbol, django_assert_num_queries: Any
    ) -> None:
        ids = [Security.objects.get().pk]
        with django_assert_num_queries(1):
            assert follow_tickers(security_ids=ids) == 0

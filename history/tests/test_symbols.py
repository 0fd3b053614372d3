"""Which symbol prices a security, and how its splits reach the ledger."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from history.market.corporate_actions import record_actions
from history.market.symbols import Listing, listing_of, map_securities
from history.models import MarketSymbol, SecurityMapping, SymbolAction
from history.tests.ledgers import CASH, book, holding, stock
from investments import ledger
from investments.entries import SecurityEntry
from investments.models import Account, CorporateAction, Security


def security(**fields: Any) -> Security:
    return Security(**{"type": "equity", "iso_currency_code": "USD", **fields})


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"ticker_symbol": "AAPL"}, Listing("AAPL", "", "USD", "equity")),
        ({"ticker_symbol": " aapl "}, Listing("AAPL", "", "USD", "equity")),
        ({"ticker_symbol": "SPY", "type": "etf", "market_identifier_code": "ARCX"}, Listing("SPY", "", "USD", "etf")),
        ({"ticker_symbol": "BRK.B", "market_identifier_code": "XNYS"}, Listing("BRK-B", "", "USD", "equity")),
        ({"ticker_symbol": "BRK/B"}, Listing("BRK-B", "", "USD", "equity")),
        ({"ticker_symbol": "VTSAX", "type": "mutual fund"}, Listing("VTSAX", "", "USD", "fund")),
        (
            {"ticker_symbol": "SHEL", "market_identifier_code": "XLON", "iso_currency_code": "GBP"},
            Listing("SHEL", "XLON", "GBP", "equity"),
        ),
        ({"ticker_symbol": "CUR:BTC", "type": "cryptocurrency"}, Listing("BTC-USD", "", "USD", "crypto")),
        ({"ticker_symbol": "ETH", "type": "cryptocurrency"}, Listing("ETH-USD", "", "USD", "crypto")),
        ({"ticker_symbol": "", "type": "mutual fund"}, None),
        ({"ticker_symbol": "AAPL270115C00250000", "type": "derivative", "option_contract_type": "call"}, None),
        ({"ticker_symbol": "912828", "type": "fixed income"}, None),
        ({"ticker_symbol": "CUR:USD", "type": "cash"}, None),
        ({"ticker_symbol": "N/A OR UNKNOWN"}, None),
    ],
)
def test_the_listing_of_a_security(fields: dict[str, Any], expected: Listing | None) -> None:
    assert listing_of(security(**fields)) == expected


def written(*entries: SecurityEntry) -> list[int]:
    found = ledger.upsert_securities(source="plaid", entries=entries).by_external_id
    return [found[entry.external_id].pk for entry in entries]


@pytest.mark.django_db
class TestMapping:
    def test_securities_of_several_sources_share_a_symbol(self) -> None:
        ids = written(stock("AAPL"), stock("aapl", external_id="again", market_identifier_code="XNAS"))
        assert map_securities(security_ids=ids) == 2
        mappings = SecurityMapping.objects.filter(security__in=ids)
        assert {mapping.symbol.symbol for mapping in mappings if mapping.symbol} == {"AAPL"}
        assert MarketSymbol.objects.count() == 1

    def test_what_the_brokerage_prices_is_recorded_so_and_cash_is_not(self) -> None:
        ids = written(SecurityEntry("fund", name="Target 2040", type="mutual fund"), CASH)
        assert map_securities(security_ids=ids) == 1
        mapping = SecurityMapping.objects.get()
        assert (mapping.security_id, mapping.symbol, mapping.method) == (ids[0], None, "brokerage")

    def test_a_correction_by_an_operator_stays(self) -> None:
        (aapl,) = written(stock("AAPL"))
        map_securities(security_ids=[aapl])
        right = MarketSymbol.objects.create(symbol="AAPL", exchange="XMEX")
        SecurityMapping.objects.filter(security=aapl).update(symbol=right, method="operator")
        assert map_securities(security_ids=[aapl]) == 0
        assert SecurityMapping.objects.get(security=aapl).symbol == right

    def test_the_same_ticker_on_two_exchanges_is_two_symbols(self) -> None:
        ids = written(stock("SHEL"), stock("SHEL", external_id="london", market_identifier_code="XLON"))
        map_securities(security_ids=ids)
        assert set(MarketSymbol.objects.values_list("symbol", "exchange")) == {("SHEL", ""), ("SHEL", "XLON")}

    def test_queries_do_not_grow_with_securities(self, django_assert_num_queries: Any) -> None:
        for count in (2, 30):
            ids = written(*(stock(f"S{count}X{number}") for number in range(count)))
            with django_assert_num_queries(6):
                map_securities(security_ids=ids)


@pytest.mark.django_db
class TestSplits:
    def test_every_mapped_security_gets_them_and_holders_move_on(self, owner: Any) -> None:
        day = date(2024, 6, 12)
        one, two = stock("NVDA"), stock("NVDA", external_id="nvda-2")
        account = book(owner, securities=[one, two], holdings=[holding(two, 10)], on=day)
        bystander = book(owner, "IRA", holdings=[], on=day)
        ids = written(one, two)
        map_securities(security_ids=ids)
        symbol = MarketSymbol.objects.get(symbol="NVDA")
        SymbolAction.objects.create(symbol=symbol, kind="split", ex_date=date(2024, 6, 10), ratio=10, source="test")
        before = dict(Account.objects.values_list("pk", "ledger_version"))
        assert record_actions(symbol_ids=[symbol.pk]) == 2
        assert set(CorporateAction.objects.values_list("security", "ex_date", "ratio")) == {
            (pk, date(2024, 6, 10), Decimal(10)) for pk in ids
        }
        after = dict(Account.objects.values_list("pk", "ledger_version"))
        assert (after[account.pk] - before[account.pk], after[bystander.pk] - before[bystander.pk]) == (1, 0)
        assert record_actions(symbol_ids=[symbol.pk]) == 0

    def test_without_a_mapped_security_they_wait(self) -> None:
        symbol = MarketSymbol.objects.create(symbol="NVDA")
        SymbolAction.objects.create(symbol=symbol, kind="split", ex_date=date(2024, 6, 10), ratio=10, source="test")
        assert record_actions(symbol_ids=[symbol.pk]) == 0

"""From a CUSIP, an ISIN or a name to a symbol; what is not sure waits for an operator."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from history.core.occ import OptionSymbol, parse_option_symbol
from history.market.mapping import search_symbols, unpriced_securities
from history.market.symbols import map_securities
from history.models import AccountHistory, MappingReview, SecurityMapping
from history.providers import DataProviderChain
from history.providers.base import Answerless, Listing, ProviderError
from history.tests.ledgers import book, holding
from investments.entries import SecurityEntry
from investments.models import Security

NOW = datetime(2026, 11, 20, 22, tzinfo=UTC)
DAY = date(2026, 11, 20)
APPLE, FUND = Listing("AAPL", "Apple Inc.", "NASDAQ", "USD"), Listing("FCNTX", "Fidelity Contrafund", "", "USD")


class Directory(Answerless):
    """Finds what it was given, by exactly the question it was given for."""

    name = "directory"

    def __init__(self, found: dict[str, Sequence[Listing]]) -> None:
        self.found, self.asked = found, list[str]()

    def search(self, *, ticker: str = "", cusip: str = "", isin: str = "", name: str = "") -> Sequence[Listing]:
        self.asked.append(ticker or cusip or isin or name)
        return self.found.get(self.asked[-1], ())


class Down(Answerless):
    name = "down"

    def search(self, **_question: str) -> Sequence[Listing]:
        raise ProviderError("no route")


def held(owner: Any, **fields: Any) -> Security:
    """A security without a ticker in an account of the owner."""
    entry = SecurityEntry(**{"external_id": "sec-x", "name": "Apple Inc", "type": "equity",
                             "iso_currency_code": "USD", **fields})  # fmt: skip
    book(owner, securities=[entry], holdings=[holding(entry, 1, 100)], on=DAY)
    security = Security.objects.get(external_id=entry.external_id)
    map_securities(security_ids=[security.pk])
    return security


def mapped(security: Security) -> tuple[str | None, str, Decimal]:
    mapping = SecurityMapping.objects.select_related("symbol").get(security=security)
    return mapping.symbol.symbol if mapping.symbol else None, mapping.method, mapping.confidence


def search(found: dict[str, Sequence[Listing]]) -> Directory:
    directory = Directory(found)
    search_symbols(chain=DataProviderChain([directory]), now=NOW)
    return directory


@pytest.mark.django_db
class TestSteps:
    def test_a_cusip_comes_first(self, owner: Any) -> None:
        security = held(owner, cusip="037833100", isin="US0378331005")
        directory = search({"037833100": [APPLE]})
        assert mapped(security) == ("AAPL", "cusip", 1)
        assert directory.asked == ["037833100"]

    def test_then_the_isin_and_only_in_the_currency(self, owner: Any) -> None:
        security = held(owner, cusip="037833100", isin="US0378331005")
        search({"US0378331005": [Listing("APC", "Apple", "XETR", "EUR"), APPLE]})
        assert mapped(security) == ("AAPL", "isin", 1)

    def test_several_listings_are_told_apart_by_venue(self, owner: Any) -> None:
        security = held(owner, isin="GB00BP6MXD84", iso_currency_code="GBP", market_identifier_code="XLON")
        search({"GB00BP6MXD84": [Listing("SHEL", "", "XLON", "GBP"), Listing("SHELL", "", "XCHI", "GBP")]})
        assert mapped(security)[:2] == ("SHEL", "isin")

    @pytest.mark.parametrize(
        ("currency", "venue", "asked_as"),
        [("USD", "", "BRK-B"), ("USD", "XNYS", "BRK-B"), ("EUR", "XETR", "BRYN:XETR"), ("EUR", "", None)],
    )
    def test_several_listings_of_one_cusip(self, owner: Any, currency: str, venue: str, asked_as: str | None) -> None:
        """At home in dollars, at its venue abroad; in euros without a venue an operator has to say which."""
        fields = {"iso_currency_code": currency, "market_identifier_code": venue}
        security = held(owner, cusip="084670702", name="", **fields)
        names = (("BRK-B", "NYSE", "USD"), ("BRYN", "XETR", "EUR"), ("BRYN", "XFRA", "EUR"), ("BRKB", "XMEX", "MXN"))
        search({"084670702": [Listing(symbol, "Berkshire", place, money) for symbol, place, money in names]})
        symbol = SecurityMapping.objects.get(security=security).symbol
        assert (symbol.asked_as if symbol else None) == asked_as
        if asked_as is None:
            found = MappingReview.objects.get(security=security).candidates
            assert [one["exchange"] for one in found] == ["XETR", "XFRA"]

    def test_a_listing_abroad_keeps_its_exchange_whatever_the_security_says(self, owner: Any) -> None:
        security = held(owner, isin="GB00BP6MXD84", iso_currency_code="GBP")
        search({"GB00BP6MXD84": [Listing("SHEL", "", "LSE", "GBp")]})
        symbol = SecurityMapping.objects.get(security=security).symbol
        assert symbol is not None
        assert (symbol.symbol, symbol.exchange, symbol.currency, symbol.asked_as) == (
            "SHEL", "XLON", "GBP", "SHEL:XLON",
        )  # fmt: skip

    def test_a_ticker_of_london_in_pence_is_priced_in_pounds(self, owner: Any) -> None:
        fields = {"ticker_symbol": "VOD", "market_identifier_code": "XLON", "iso_currency_code": ""}
        security = held(owner, **fields, unofficial_currency_code="GBX")
        symbol = SecurityMapping.objects.get(security=security).symbol
        assert symbol is not None
        assert (symbol.asked_as, symbol.currency) == ("VOD:XLON", "GBP")

    def test_then_a_name_that_agrees(self, owner: Any) -> None:
        security = held(owner, name="FIDELITY CONTRAFUND", type="mutual fund")
        search({"FIDELITY CONTRAFUND": [FUND, Listing("FCNKX", "Fidelity Contrafund Class K", "", "USD")]})
        assert mapped(security) == ("FCNTX", "name", 1)

    def test_a_name_that_nearly_agrees_waits_for_review(self, owner: Any) -> None:
        security = held(owner, name="Fidelity Contra Fund Pool CL 3", type="mutual fund")
        search({"Fidelity Contra Fund Pool CL 3": [FUND]})
        assert mapped(security)[0] is None
        review = MappingReview.objects.get(security=security)
        assert review.candidates[0]["symbol"] == "FCNTX"
        assert 0.5 < review.candidates[0]["confidence"] <= 0.9

    def test_two_that_agree_wait_for_review(self, owner: Any) -> None:
        security = held(owner, cusip="037833100")
        search({"037833100": [APPLE, Listing("AAPL2", "Apple Inc.", "NYSE", "USD")]})
        assert mapped(security)[0] is None
        assert len(MappingReview.objects.get(security=security).candidates) == 2

    def test_nobody_is_asked_again_within_a_week_or_once_it_is_settled(self, owner: Any) -> None:
        security = held(owner, cusip="037833100")
        search({})
        assert unpriced_securities(now=NOW + timedelta(days=6)) == []
        assert unpriced_securities(now=NOW + timedelta(days=8)) == [security]
        MappingReview.objects.update(state="ignored")
        assert unpriced_securities(now=NOW + timedelta(days=8)) == []

    def test_options_bonds_and_cash_are_not_searched_for(self, owner: Any) -> None:
        for kind in ("derivative", "fixed income", "cash"):
            held(owner, external_id=f"sec-{kind}", type=kind)
        assert unpriced_securities(now=NOW) == []

    def test_without_a_provider_nothing_is_decided(self, owner: Any) -> None:
        security = held(owner, cusip="037833100")
        assert search_symbols(chain=DataProviderChain([Down()]), now=NOW).failed == 1
        assert unpriced_securities(now=NOW) == [security]

    def test_the_histories_follow(self, owner: Any) -> None:
        security = held(owner, cusip="037833100")
        account = security.holdings.get().account
        AccountHistory.objects.update_or_create(account=account, defaults={"owner": owner, "state": "ready"})
        search({"037833100": [APPLE]})
        assert AccountHistory.objects.get(account=account).stale_from == date.min


@pytest.fixture
def operator(staff: Any, client: Client) -> Client:
    staff.is_superuser = True
    staff.save(update_fields=["is_superuser"])
    client.force_login(staff)
    return client


@pytest.mark.django_db
class TestQueue:
    URL = "/admin/history/mappingreview/"

    def review(self, owner: Any, **fields: Any) -> MappingReview:
        security = held(owner, name="Fidelity Contra Fund Pool CL 3", type="mutual fund", **fields)
        search({security.name: [FUND]})
        return MappingReview.objects.get(security=security)

    def act(self, client: Client, action: str, review: MappingReview) -> Any:
        form = {"action": action, "_selected_action": [review.pk]}
        assert "priced anew" in client.post(self.URL, form).content.decode() or action == "ignore"
        review.refresh_from_db()
        assert review.state == "open", "nothing happens before it is confirmed"
        return client.post(self.URL, {**form, "confirmed": "yes"}, follow=True)

    def test_it_shows_candidates_and_whom_it_concerns(self, operator: Client, owner: Any) -> None:
        self.review(owner)
        page = operator.get(self.URL).content.decode()
        assert "FCNTX" in page
        assert "1 people" in page

    def test_accept(self, operator: Client, owner: Any) -> None:
        review = self.review(owner)
        self.act(operator, "accept", review)
        assert mapped(review.security)[:2] == ("FCNTX", "operator")
        assert MappingReview.objects.get().state == "settled"

    def test_ignore(self, operator: Client, owner: Any) -> None:
        review = self.review(owner)
        self.act(operator, "ignore", review)
        assert mapped(review.security)[:2] == (None, "brokerage")
        assert MappingReview.objects.get().state == "ignored"

    def test_correct(self, operator: Client, owner: Any) -> None:
        review = self.review(owner)
        answer = operator.post(f"{self.URL}{review.pk}/change/", {"symbol": "fcnkx", "exchange": ""})
        assert answer.status_code == 302
        assert mapped(review.security)[:2] == ("FCNKX", "operator")


@pytest.mark.parametrize(
    ("symbol", "expected"),
    [
        # The examples of the OSI symbology: SPX 2014-11-22 put 19.50, LAMR 2015-01-17 call 52.50.
        ("SPX   141122P00019500", OptionSymbol("SPX", date(2014, 11, 22), "put", Decimal("19.5"))),
        ("LAMR  150117C00052500", OptionSymbol("LAMR", date(2015, 1, 17), "call", Decimal("52.5"))),
        ("AAPL220121C00025000", OptionSymbol("AAPL", date(2022, 1, 21), "call", Decimal(25))),
        ("aapl220121c00025000", OptionSymbol("AAPL", date(2022, 1, 21), "call", Decimal(25))),
        ("AAPL", None),
        ("AAPL220231C00025000", None),
        ("AAPL220121X00025000", None),
        ("", None),
    ],
)
def test_option_symbols(symbol: str, expected: OptionSymbol | None) -> None:
    assert parse_option_symbol(symbol) == expected


@given(
    root=st.from_regex(r"[A-Z]{1,6}", fullmatch=True),
    expiry=st.dates(date(2000, 1, 1), date(2099, 12, 31)),
    side=st.sampled_from(["call", "put"]),
    strike=st.decimals(Decimal("0.001"), Decimal("99999.999"), places=3),
)
def test_option_symbols_read_what_they_write(root: str, expiry: date, side: str, strike: Decimal) -> None:
    option = OptionSymbol(root, expiry, side, strike)
    assert parse_option_symbol(str(option)) == option
    assert parse_option_symbol(str(option).replace(" ", "")) == option

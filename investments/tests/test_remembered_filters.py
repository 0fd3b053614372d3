"""Filters last used: a bare address leads back to them, on any device; no one else's, and no part of a page."""

from typing import Any

from tests.fixtures import Portfolio
from tests.pages import signed_in, words_of

LIST = "/transactions/"


def test_a_bare_address_leads_back_to_what_was_last_looked_at(portfolio: Portfolio) -> None:
    signed_in(portfolio.owner).get(LIST, {"type": "buy", "q": "Apple"})
    elsewhere = signed_in(portfolio.owner)
    answer = elsewhere.get(LIST)
    assert (answer.status_code, answer["Location"]) == (302, f"{LIST}?type=buy&q=Apple")
    assert "Buy Apple" in words_of(elsewhere.get(answer["Location"]))


def test_the_account_stays_and_what_is_chosen_wins(portfolio: Portfolio) -> None:
    client = signed_in(portfolio.owner)
    client.get(LIST, {"type": "buy"})
    assert client.get(LIST, {"account": portfolio.ira.pk})["Location"] == f"{LIST}?account={portfolio.ira.pk}&type=buy"
    assert client.get(LIST, {"type": "fee"}).status_code == 200
    assert client.get(LIST)["Location"] == f"{LIST}?type=fee"


def test_clearing_forgets(portfolio: Portfolio) -> None:
    client = signed_in(portfolio.owner)
    filters = client.get(LIST, {"type": "buy"}).context["filters"]
    assert filters.clear_url == "?reset=1"
    assert [chip.url for chip in filters.active] == ["?reset=1"]
    assert client.get(f"{LIST}?reset=1")["Location"] == LIST
    assert client.get(LIST).status_code == 200


def test_a_chip_of_several_takes_one_away(portfolio: Portfolio) -> None:
    chips = signed_in(portfolio.owner).get(LIST, {"type": "buy", "q": "Apple"}).context["filters"].active
    assert [chip.url for chip in chips] == ["?q=Apple", "?type=buy"]


def test_each_page_and_each_user_has_its_own(portfolio: Portfolio, other: Any) -> None:
    client = signed_in(portfolio.owner)
    client.get("/holdings/", {"sort": "name"})
    client.get("/", {"period": "3M"})
    client.get("/performance/", {"measure": "mwrr", "by": "sector"})
    assert client.get("/performance/")["Location"] == "/performance/?by=sector&measure=mwrr"
    assert client.get("/holdings/")["Location"] == "/holdings/?sort=name"
    assert client.get("/")["Location"] == "/?period=3M"
    assert client.get(LIST).status_code == 200
    assert signed_in(other).get("/holdings/").status_code == 200


def test_a_part_of_a_page_is_answered_as_it_is(portfolio: Portfolio) -> None:
    client = signed_in(portfolio.owner)
    client.get("/", {"benchmark": "SPY"})
    assert client.get("/", HTTP_HX_REQUEST="true", HTTP_HX_TARGET="history").status_code == 200
    assert client.get("/").status_code == 200  # that took the benchmark away


def test_what_is_refused_or_too_long_is_not_kept(portfolio: Portfolio) -> None:
    client = signed_in(portfolio.owner)
    client.get(LIST, {"q": "x" * 201})
    client.get("/", {"period": "17Y"})
    portfolio.owner.refresh_from_db()
    assert "transactions" not in portfolio.owner.page_filters
    assert client.get(LIST).status_code == 200


def test_the_same_again_writes_nothing(portfolio: Portfolio, django_assert_num_queries: Any) -> None:
    client = signed_in(portfolio.owner)
    client.get(LIST, {"type": "buy"})
    with django_assert_num_queries(10) as seen:
        client.get(LIST, {"type": "buy"})
    assert not [query for query in seen.captured_queries if query["sql"].startswith("UPDATE")]

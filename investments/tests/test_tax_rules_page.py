from typing import Any

import pytest
from django.test import Client

from investments import ledger, tax
from investments.models import IdenticalGroup, TaxRules
from tests.fixtures import Portfolio
from tests.pages import signed_in, words_of

URL, NEW = "/tax/rules/", "/tax/rules/groups/"
QUERIES = 18


@pytest.fixture
def grouped(portfolio: Portfolio) -> IdenticalGroup:
    securities = [portfolio.securities[name].pk for name in ("sec-aapl", "sec-vti")]
    return ledger.declare_identical(owner=portfolio.owner, name="Two of a kind", security_ids=securities)


def test_nobody_is_sent_to_sign_in(client: Client, db: Any) -> None:
    assert client.get(URL)["Location"] == f"/accounts/login/?next={URL}"


def test_a_group_is_told_in_tickers(portfolio: Portfolio) -> None:
    client = signed_in(portfolio.owner)
    assert "No group yet" in words_of(client.get(URL))
    answer = client.post(NEW, {"name": "Two of a kind", "securities": "aapl, VTI,"})
    assert (answer.status_code, answer["Location"]) == (302, URL)
    assert "Two of a kind AAPL, VTI" in words_of(client.get(URL))
    assert tax.lots_are_behind(owner=portfolio.owner)


@pytest.mark.parametrize(
    ("name", "securities", "wrong"),
    [
        ("", "AAPL, VTI", "This field is required"),
        ("One", "AAPL", "two securities or more"),
        ("One", "AAPL, NOPE", "neither hold nor have traded"),
        ("Two of a kind", "TSLA, VTI", "Another group has this name"),
        ("Three", "TSLA, VTI", "is in the group Two of a kind already"),
    ],
)
def test_what_cannot_be_is_said_in_place(
    grouped: IdenticalGroup, portfolio: Portfolio, name: str, securities: str, wrong: str
) -> None:
    answer = signed_in(portfolio.owner).post(NEW, {"name": name, "securities": securities})
    assert answer.status_code == 422
    assert wrong in words_of(answer)
    assert IdenticalGroup.objects.count() == 1


def test_a_group_is_changed_and_removed(grouped: IdenticalGroup, portfolio: Portfolio) -> None:
    client = signed_in(portfolio.owner)
    assert client.post(f"{NEW}{grouped.pk}/", {"name": "Other", "securities": "AAPL"}).status_code == 422
    assert client.post(f"{NEW}{grouped.pk}/", {"name": "Other", "securities": "AAPL, TSLA"}).status_code == 302
    assert "Other AAPL, TSLA" in words_of(client.get(URL))
    assert client.post(f"{NEW}{grouped.pk}/remove/").status_code == 302
    assert not IdenticalGroup.objects.exists()


def test_the_same_lot_is_a_choice(portfolio: Portfolio) -> None:
    client = signed_in(portfolio.owner)
    assert client.post("/tax/rules/same-lot/", {"same_lot": "on"})["Location"] == URL
    assert TaxRules.objects.get(owner=portfolio.owner).same_lot
    assert "checked" in client.get(URL).content.decode()
    client.post("/tax/rules/same-lot/", {})
    assert not TaxRules.objects.get(owner=portfolio.owner).same_lot


def test_a_group_of_another_is_not_there(grouped: IdenticalGroup, other: Any) -> None:
    client = signed_in(other)
    for address in (f"{NEW}{grouped.pk}/", f"{NEW}{grouped.pk}/remove/"):
        assert client.post(address, {"name": "Mine", "securities": "AAPL, VTI"}).status_code == 404
    assert IdenticalGroup.objects.get().name == "Two of a kind"


def test_queries(grouped: IdenticalGroup, portfolio: Portfolio, django_assert_max_num_queries: Any) -> None:
    client = signed_in(portfolio.owner)
    client.get(URL)
    with django_assert_max_num_queries(QUERIES):
        client.get(URL)

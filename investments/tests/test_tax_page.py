from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from investments.lots import recompute_lots
from investments.models import RealizedLot, Transaction
from investments.tests.test_lots_stored import record, trade
from tests.fixtures import Portfolio
from tests.pages import signed_in, words_of

URL = "/tax/"
QUERIES = 28


@pytest.fixture
def traded(portfolio: Portfolio) -> Portfolio:
    record(
        portfolio,
        trade("a", 0, 100, 1000, security="sec-vti"),
        trade("b", 1, -100, -700, security="sec-vti"),
        trade("c", 20, 40, 290, security="sec-vti", account="ira"),
    )
    recompute_lots(owner_id=portfolio.owner.pk)
    return portfolio


def test_nobody_is_sent_to_sign_in(client: Client, db: Any) -> None:
    assert client.get(URL)["Location"] == "/accounts/login/?next=/tax/"


def test_nothing_yet(owner: Any) -> None:
    assert "Nothing to report yet" in words_of(signed_in(owner).get(URL))


def test_the_form_adds_up_and_shows_the_loss_put_off(traded: Portfolio) -> None:
    answer = signed_in(traded.owner).get(URL, {"year": 2026})
    (part,) = answer.context["parts"]
    assert (part.foot.proceeds, part.foot.basis, part.foot.adjustment, part.foot.gain) == (700, 1000, 120, -180)
    assert answer.context["totals"][0].gain == -180
    words = words_of(answer)
    assert "Part I: short term" in words
    assert "VTI, 3 Feb" in words
    assert "the loss is gone for good" in words


def test_open_lots_say_what_they_lack_to_long_term(traded: Portfolio) -> None:
    answer = signed_in(traded.owner).get(URL)
    apple = next(group for group in answer.context["groups"] if group.label == "AAPL")
    assert [line.lot.cost for line in apple.lots] == [Decimal("1804.95")]
    assert "Long term in" in words_of(answer)


def test_an_account_in_the_address_filters_everything(traded: Portfolio) -> None:
    answer = signed_in(traded.owner).get(URL, {"account": traded.ira.pk})
    assert {group.account_name for group in answer.context["groups"]} == {"Ira"}
    assert not answer.context["parts"]
    assert f"filter_account={traded.ira.pk}" in answer.context["csv_url"]


@pytest.mark.parametrize("year", ["", "1", "nineteen", "99999999999"])
def test_a_year_that_is_none_shows_the_last_one_with_closings(traded: Portfolio, year: str) -> None:
    assert signed_in(traded.owner).get(URL, {"year": year}).context["year"] == 2026


def test_a_purchase_that_is_missing_is_told_in_place(traded: Portfolio) -> None:
    client = signed_in(traded.owner)
    fix = next(
        each for each in client.get(URL).context["fixes"]
        if each.label == "AAPL" and each.difference.account == traded.ira
    )  # fmt: skip
    told = {
        "account": traded.ira.pk, "security": fix.difference.security.pk, "quantity": "4", "date": "2019-03-01",
        "cost": "150.50",
    }  # fmt: skip
    refused = client.post("/tax/opening/", {**told, "date": "2999-01-01"})
    assert refused.status_code == 422
    assert "future" in words_of(refused)
    answer = client.post("/tax/opening/", told)
    assert (answer.status_code, answer["Location"]) == (302, "/tax/")
    row = Transaction.objects.get(owner=traded.owner, subtype="opening balance")
    assert (row.quantity, row.amount, str(row.date)) == (4, Decimal("150.50"), "2019-03-01")
    assert "being worked out anew" in words_of(client.get(URL))
    recompute_lots(owner_id=traded.owner.pk)
    page = client.get(URL)
    assert "being worked out anew" not in words_of(page)
    assert not [each for each in page.context["fixes"] if each.difference == fix.difference]


def test_nobody_adds_to_anothers_account(traded: Portfolio, other: Any) -> None:
    told = {
        "account": traded.ira.pk,
        "security": traded.securities["sec-vti"].pk,
        "quantity": "1",
        "date": "2019-03-01",
    }
    assert signed_in(other).post("/tax/opening/", told).status_code == 404


def test_queries(traded: Portfolio, django_assert_max_num_queries: Any) -> None:
    client = signed_in(traded.owner)
    client.get(URL)
    with django_assert_max_num_queries(QUERIES):
        client.get(URL)


def test_a_short_of_before_what_is_known_is_no_loss(traded: Portfolio) -> None:
    """What it brought nobody knows: it is listed without a gain, and counts in no total."""
    RealizedLot.objects.create(
        owner=traded.owner, account=traded.brokerage, security=traded.securities["sec-tsla"], currency="USD",
        closed=date(2026, 4, 1), quantity=5, proceeds=None, basis=Decimal(900), is_short=True,
    )  # fmt: skip
    answer = signed_in(traded.owner).get(URL, {"year": 2026})
    (part,) = answer.context["parts"]
    assert [(row.proceeds, row.basis, row.gain) for row in part.rows if row.description == "5 TSLA"] == [
        (None, Decimal(900), None)
    ]
    assert (part.foot.gain, part.foot.without_basis) == (-180, 1)
    assert "The proceeds are missing" in words_of(answer)


def test_all_rows_are_a_click_away_from_paper(traded: Portfolio) -> None:
    rows = [
        RealizedLot(
            owner=traded.owner, account=traded.brokerage, security=traded.securities["sec-tsla"], currency="USD",
            closed=date(2026, 4, 1), quantity=1, proceeds=Decimal(2), basis=Decimal(1),
        )
        for _ in range(20)
    ]  # fmt: skip
    RealizedLot.objects.bulk_create(rows)
    client = signed_in(traded.owner)
    page = client.get(URL, {"year": 2026})
    everything = client.get(URL + page.context["all_url"])
    paper = client.get(page.context["print_url"])
    (sheet,) = paper.context["sheets"]
    assert len(sheet[0].rows) == 22
    assert sum(len(part.rows) for part in everything.context["parts"]) == 22  # of the sale a part is washed

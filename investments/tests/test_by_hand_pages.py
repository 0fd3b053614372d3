"""An account that nobody reports: opened, filled, listed with the connections, and closed."""

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from investments.models import Account, Transaction
from tests.fixtures import Portfolio
from tests.pages import signed_in, words_of

OPEN, CONNECTIONS = "/connections/by-hand/", "/connections/"
PLAN = {"name": "Old plan", "subtype": "401k", "currency": "usd"}


def test_nobody_is_sent_to_sign_in(client: Client, db: Any) -> None:
    assert client.get(OPEN)["Location"] == f"/accounts/login/?next={OPEN}"


def test_from_nothing_to_a_value(owner: Any) -> None:
    browser = signed_in(owner)
    assert "keep an account by hand" in words_of(browser.get(CONNECTIONS))
    opened = browser.post(OPEN, PLAN)
    account = Account.objects.get(owner=owner)
    assert (account.source, account.is_tax_advantaged, account.currency) == ("manual", True, "USD")
    assert opened["Location"] == f"/transactions/add/?account={account.pk}"
    form = browser.get(opened["Location"])
    assert "Old plan is open." in words_of(form)
    told = {"account": account.pk, "kind": "cash/deposit", "date": "2026-10-05", "cash": "250"}
    assert browser.post("/transactions/add/", told).status_code == 302
    assert Transaction.objects.get(account=account).amount == Decimal(-250)
    words = words_of(browser.get(CONNECTIONS))
    assert "Kept by you" in words
    assert "Old plan 401(k), by hand $250.00" in words


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"name": " "}, "This field is required."),
        ({"currency": "XYZ"}, "This is not the code of a currency."),
        ({"subtype": "castle"}, "Select a valid choice."),
    ],
)
def test_bad_input_opens_nothing(owner: Any, wrong: dict[str, str], words: str) -> None:
    assert words in words_of(signed_in(owner).post(OPEN, PLAN | wrong))
    assert not Account.objects.exists()


def test_closed_it_is_listed_no_more_and_its_past_stays(owner: Any) -> None:
    browser = signed_in(owner)
    browser.post(OPEN, PLAN)
    account = Account.objects.get(owner=owner)
    answer = browser.post(f"{OPEN}{account.pk}/close/", follow=True)
    assert "Old plan is closed. Its history stays." in words_of(answer)
    assert "Kept by you" not in words_of(answer)
    assert Account.objects.get(pk=account.pk).closed_at is not None


def test_neither_anothers_nor_a_connected_one_is_closed(portfolio: Portfolio, other: Any) -> None:
    signed_in(other).post(OPEN, PLAN)
    theirs = Account.objects.get(owner=other)
    for account in (theirs, portfolio.brokerage):
        assert signed_in(portfolio.owner).post(f"{OPEN}{account.pk}/close/").status_code == 404
    assert not Account.objects.exclude(closed_at=None).exists()

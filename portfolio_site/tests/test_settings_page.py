from typing import Any

from django.test import Client

from investments.models import Account
from tests.fixtures import Portfolio
from tests.pages import signed_in, words_of

URL = "/settings/"
QUERIES = 13


def test_nobody_is_sent_to_sign_in(client: Client, db: Any) -> None:
    assert client.get(URL)["Location"] == "/accounts/login/?next=/settings/"


def test_the_profile_is_saved(owner: Any) -> None:
    form = {"first_name": "Dana", "base_currency": "GBP", "time_zone": "Europe/London"}
    answer = signed_in(owner).post(URL, form, follow=True)
    assert "Saved." in words_of(answer)
    owner.refresh_from_db()
    assert (owner.first_name, owner.base_currency, owner.time_zone) == ("Dana", "GBP", "Europe/London")


def test_an_unknown_currency_is_refused(owner: Any) -> None:
    answer = signed_in(owner).post(URL, {"base_currency": "ABC", "time_zone": "Europe/London"})
    assert "Select a valid choice." in words_of(answer)
    owner.refresh_from_db()
    assert owner.base_currency == "USD"


def test_it_is_ones_own_profile(owner: Any, other: Any) -> None:
    signed_in(owner).post(URL, {"base_currency": "EUR", "time_zone": "Europe/Paris", "user": other.pk, "id": other.pk})
    other.refresh_from_db()
    assert other.base_currency == "USD"


def test_the_benchmark_is_a_symbol(owner: Any) -> None:
    form = {"first_name": "Dana", "base_currency": "USD", "time_zone": "Europe/London"}
    signed_in(owner).post(URL, {**form, "benchmark": " qqq "})
    owner.refresh_from_db()
    assert owner.benchmark == "QQQ"
    assert "Give a symbol" in words_of(signed_in(owner).post(URL, {**form, "benchmark": "the market!"}))
    owner.refresh_from_db()
    assert owner.benchmark == "QQQ"


def test_each_account_has_its_lot_method(portfolio: Portfolio) -> None:
    client = signed_in(portfolio.owner)
    assert "Brokerage, Fidelity" in words_of(client.get(URL))
    form = {f"account-{portfolio.brokerage.pk}": "hifo", f"account-{portfolio.ira.pk}": "fifo"}
    before = Account.objects.get(pk=portfolio.ira.pk).ledger_version
    answer = client.post("/settings/lots/", form, follow=True)
    assert "The lots of 1 account are worked out anew." in words_of(answer)
    methods = dict(Account.objects.values_list("pk", "lot_method"))
    assert methods == {portfolio.brokerage.pk: "hifo", portfolio.ira.pk: "fifo"}
    assert Account.objects.get(pk=portfolio.ira.pk).ledger_version == before
    assert "Nothing to change." in words_of(client.post("/settings/lots/", form, follow=True))


def test_a_lot_method_that_there_is_not_is_refused(portfolio: Portfolio) -> None:
    form = {f"account-{portfolio.brokerage.pk}": "best", f"account-{portfolio.ira.pk}": "fifo"}
    answer = signed_in(portfolio.owner).post("/settings/lots/", form, follow=True)
    assert "Choose a lot method for each account." in words_of(answer)
    assert set(Account.objects.values_list("lot_method", flat=True)) == {"fifo"}


def test_the_accounts_of_another_are_left_alone(portfolio: Portfolio, other: Any) -> None:
    signed_in(other).post("/settings/lots/", {f"account-{portfolio.brokerage.pk}": "hifo"})
    assert set(Account.objects.values_list("lot_method", flat=True)) == {"fifo"}


def test_queries(portfolio: Portfolio, django_assert_num_queries: Any) -> None:
    """Session, user, tenant, two savepoints; sessions of browsers twice, second step, tokens, consents, accounts; four
    for the shell."""
    client = signed_in(portfolio.owner)
    client.get(URL)
    with django_assert_num_queries(QUERIES):
        client.get(URL)

from typing import Any

from django.test import Client

from tests.pages import signed_in, words_of

URL = "/settings/"


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

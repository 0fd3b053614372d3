import re
from typing import Any

import pytest
from django.core import mail
from django.test import Client

from tests.pages import words_of

PASSWORD = "correct horse battery"


def test_signing_in_and_out(client: Client, owner: Any) -> None:
    answer = client.post("/accounts/login/?next=/holdings/", {"login": "OWNER@example.com", "password": PASSWORD})
    assert answer["Location"] == "/holdings/"
    assert client.post("/accounts/logout/")["Location"] == "/accounts/login/"
    assert client.get("/holdings/").status_code == 302


def test_each_field_is_named_once(client: Client, db: Any) -> None:
    words = words_of(client.get("/accounts/login/"))
    assert words.count("Forgot your password?") == 1
    assert "E-mail" in words
    assert "Keep me signed in" in words
    assert "placeholder" not in client.get("/accounts/signup/").content.decode()


def test_signing_out_asks_first(client: Client, owner: Any) -> None:
    client.force_login(owner)
    assert "Sign out?" in words_of(client.get("/accounts/logout/"))
    assert client.get("/holdings/").status_code == 200


@pytest.mark.parametrize("login", ["owner@example.com", "nobody@example.com"])
def test_a_wrong_password_and_a_wrong_address_look_the_same(client: Client, owner: Any, login: str) -> None:
    answer = client.post("/accounts/login/", {"login": login, "password": "wrong"})
    assert "The email address and/or password you specified are not correct." in words_of(answer)


def test_signing_up_with_a_poor_password_says_why(client: Client, db: Any) -> None:
    answer = client.post("/accounts/signup/", {"email": "new@example.com", "password1": "password"})
    assert "This password is too common." in words_of(answer)


def test_an_address_signs_up_once(client: Client, owner: Any, django_user_model: Any) -> None:
    answer = client.post("/accounts/signup/", {"email": "OWNER@example.com", "password1": "a long enough phrase"})
    assert answer.status_code == 200
    assert django_user_model.objects.count() == 1


def test_a_forgotten_password_is_reset_by_mail(client: Client, owner: Any) -> None:
    sent = client.post("/accounts/password/reset/", {"email": owner.email}, follow=True)
    assert "Check your e-mail" in words_of(sent)
    (link,) = re.findall(r"/accounts/password/reset/key/\S+", str(mail.outbox[0].body))
    form = client.get(link, follow=True)
    assert "Choose a new password" in words_of(form)
    new = {"password1": "another long phrase", "password2": "another long phrase"}
    changed = client.post(form.request["PATH_INFO"], new, follow=True)
    assert "Your password is changed" in words_of(changed)
    answer = client.post("/accounts/login/", {"login": owner.email, "password": "another long phrase"})
    assert answer.status_code == 302


def test_a_spent_reset_link_says_so(client: Client, db: Any) -> None:
    assert "This link no longer works" in words_of(client.get("/accounts/password/reset/key/1-bad-key/"))

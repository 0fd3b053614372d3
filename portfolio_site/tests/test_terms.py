"""Who agreed to other terms than those of now is asked before the next page, and may always read, take and leave."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from portfolio_site.models import Consent, User
from tests.pages import signed_in, words_of

TERMS, CONSENTS = "/terms/", "/api/v1/user/consents"


@pytest.fixture
def behind(owner: Any, settings: Any) -> Any:
    """The owner, who agreed to what held before."""
    owner.agree()
    settings.TERMS_VERSION = "2030-01"
    return owner


def consents(user: Any) -> list[str]:
    return list(Consent.objects.filter(owner=user).values_list("version", flat=True))


def test_anybody_may_read_them(client: Client, db: Any) -> None:
    words = words_of(client.get(TERMS))
    assert "Informational only" in words
    assert "I agree" not in words


@pytest.mark.parametrize("page", ["/", "/holdings/?account=7", "/settings/", "/onboarding/connect/"])
def test_changed_terms_come_before_any_page(behind: Any, page: str) -> None:
    client = signed_in(behind)
    answer = client.get(page, follow=True)
    assert answer.redirect_chain[0][0].startswith(f"{TERMS}?next=%2F")
    assert "Our terms have changed" in words_of(answer)
    assert "You agreed to version 2026-11" in words_of(answer)


def test_agreeing_leads_to_where_one_wanted_to(behind: Any) -> None:
    client = signed_in(behind)
    answer = client.post(TERMS, {"terms": "on", "next": "/settings/"})
    assert (answer.status_code, answer["Location"]) == (302, "/settings/")
    settings_page = words_of(client.get("/settings/"))
    assert "version 2030-01" in settings_page
    assert "version 2026-11" in settings_page
    assert consents(behind) == ["2030-01", "2026-11"]


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_agreeing_leads_nowhere_else(behind: Any, elsewhere: str) -> None:
    assert signed_in(behind).post(TERMS, {"terms": "on", "next": elsewhere})["Location"] == "/"


def test_without_the_box_nothing_is_agreed_to(behind: Any) -> None:
    answer = signed_in(behind).post(TERMS, {"next": "/"})
    assert "Longview can only be used with these terms." in words_of(answer)
    assert consents(behind) == ["2026-11"]


def test_a_part_of_a_page_takes_the_whole_page_along(behind: Any) -> None:
    answer = signed_in(behind).get("/holdings/", headers={"HX-Request": "true"})
    assert answer["HX-Redirect"] == "/terms/?next=%2Fholdings%2F"


def test_one_may_take_the_data_and_leave_without_agreeing(behind: Any) -> None:
    client = signed_in(behind)
    assert client.post("/settings/data/")["Location"] == "/settings/"
    assert client.get("/settings/leave/").status_code == 200
    assert client.get("/accounts/logout/").status_code == 200


def test_who_signed_up_and_went_past_the_question_is_led_back(client: Client, db: Any) -> None:
    client.post("/accounts/signup/", {"email": "new@example.com", "password1": "a long enough phrase"})
    assert client.get("/onboarding/skip/")["Location"] == "/onboarding/"
    assert client.get("/holdings/")["Location"] == "/onboarding/"
    assert not User.objects.get().has_agreed


def test_programs_read_what_was_agreed_to(api: Callable[..., Any], behind: Any, other: Any) -> None:
    body = api(behind).get(CONSENTS).json()
    assert (body["terms_version"], body["has_agreed"]) == ("2030-01", False)
    assert [row["version"] for row in body["items"]] == ["2026-11"]
    assert api(other).get(CONSENTS).json()["items"] == []
    assert api().get(CONSENTS).status_code == 401


def test_programs_agree_to_the_version_that_they_name(
    api: Callable[..., Any], behind: Any, django_assert_num_queries: Any
) -> None:
    client = api(behind)
    wrong = client.post(CONSENTS, {"version": "2026-11"})
    assert (wrong.status_code, set(wrong.json()["errors"])) == (400, {"version"})
    for _ in range(2):
        answer = client.post(CONSENTS, {"version": "2030-01"})
        assert (answer.status_code, answer.json()["has_agreed"]) == (201, True)
    assert consents(behind) == ["2030-01", "2026-11"]
    with django_assert_num_queries(QUERIES):
        client.get(CONSENTS)


# Two savepoints, user and tenant, consents.
QUERIES = 4

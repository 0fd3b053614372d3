"""Lock-out after failures, and where one is signed in."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from allauth.usersessions.models import UserSession
from django.core.cache import cache
from django.db import connection
from django.test import Client
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken
from rest_framework_simplejwt.tokens import RefreshToken

from portfolio_site.lib.errors import PROBLEM_JSON
from tests.fixtures import WebClient

PASSWORD, TOKEN, REFRESH = "correct horse battery", "/api/auth/token/", "/api/auth/token/refresh/"
LOGIN, SETTINGS = "/accounts/login/", "/settings/"


@pytest.fixture(autouse=True)
def _clean() -> None:
    cache.clear()


@pytest.fixture
def person(django_user_model: Any, db: Any) -> Any:
    """Somebody whom no other test has signed in."""
    return django_user_model.objects.create_user(email=f"{uuid.uuid4().hex}@example.com", password=PASSWORD)


def sign_in(person: Any, agent: str = "Mozilla/5.0 (X11; Linux) Firefox/140.0") -> Client:
    client = Client(headers={"User-Agent": agent})
    client.post(LOGIN, {"login": person.email, "password": PASSWORD})
    return client


class TestLockOut:
    def test_after_five_failures_the_right_password_is_not_heard(self, api: Any, person: Any) -> None:
        wrong, right = ({"email": person.email, "password": word} for word in ("x", PASSWORD))
        answers = [api().post(TOKEN, wrong) for _ in range(6)]
        assert [answer.status_code for answer in answers[:4]] == [401] * 4
        assert answers[5].status_code == 429
        locked = api().post(TOKEN, right)
        assert (locked.status_code, locked["Content-Type"]) == (429, PROBLEM_JSON)
        assert 0 < int(locked["Retry-After"]) <= 900

    def test_it_ends_by_itself(self, api: Any, person: Any) -> None:
        for _ in range(6):
            api().post(TOKEN, {"email": person.email, "password": "x"})
        with time_machine.travel(datetime.now(UTC) + timedelta(minutes=16), tick=False):
            assert api().post(TOKEN, {"email": person.email, "password": PASSWORD}).status_code == 200

    def test_the_same_counts_on_pages(self, client: Any, person: Any) -> None:
        answers = [client.post(LOGIN, {"login": person.email.upper(), "password": "x"}) for _ in range(5)]
        assert answers[-1].status_code == 429
        assert b"Locked for a while" in answers[-1].content
        assert int(answers[-1]["Retry-After"]) == 900
        client.post(LOGIN, {"login": person.email, "password": PASSWORD})
        assert client.get(SETTINGS).status_code == 302

    def test_others_and_other_places_are_not_locked(self, api: Any, person: Any, other: Any) -> None:
        for _ in range(6):
            api().post(TOKEN, {"email": person.email, "password": "x"})
        assert api().post(TOKEN, {"email": other.email, "password": PASSWORD}).status_code == 200
        elsewhere = api().post(TOKEN, {"email": person.email, "password": PASSWORD}, REMOTE_ADDR="10.1.2.3")
        assert elsewhere.status_code == 200

    def test_from_many_places_ten_a_minute_are_heard(self, api: Any, person: Any) -> None:
        wrong = {"email": person.email, "password": "x"}
        answers = [api().post(TOKEN, wrong, REMOTE_ADDR=f"10.1.3.{number}").status_code for number in range(11)]
        assert answers == [401] * 10 + [429]


class TestRefreshTokens:
    @pytest.mark.django_db(transaction=True)
    def test_used_by_many_at_once_one_works(self, person: Any) -> None:
        refresh = WebClient().post(TOKEN, {"email": person.email, "password": PASSWORD}).json()["refresh"]

        def renew(_number: int) -> int:
            try:
                return int(WebClient().post(REFRESH, {"refresh": refresh}).status_code)
            finally:
                connection.close()

        with ThreadPoolExecutor(8) as crowd:
            answers = sorted(crowd.map(renew, range(8)))
        assert answers == [200] + [401] * 7


class TestSessions:
    def test_each_browser_is_listed(self, person: Any) -> None:
        sign_in(person, "Mozilla/5.0 (iPhone) Safari/605.1")
        page = sign_in(person).get(SETTINGS).content.decode()
        assert page.index("Firefox on Linux · this one") < page.index("Safari on iPhone")

    def test_one_is_ended(self, person: Any) -> None:
        here, there = sign_in(person), sign_in(person)
        (row,) = UserSession.objects.exclude(session_key=here.session.session_key)
        here.post(f"/settings/sessions/{row.pk}/end/")
        assert (here.get(SETTINGS).status_code, there.get(SETTINGS).status_code) == (200, 302)

    def test_anothers_is_not_there(self, person: Any, other: Any) -> None:
        theirs, here = sign_in(other), sign_in(person)
        row = UserSession.objects.get(user=other)
        assert here.post(f"/settings/sessions/{row.pk}/end/").status_code == 404
        assert theirs.get(SETTINGS).status_code == 200

    def test_everywhere_else_is_ended(self, api: Any, person: Any) -> None:
        pair = api().post(TOKEN, {"email": person.email, "password": PASSWORD}).json()
        here, there = sign_in(person), sign_in(person)
        assert b"unless renewed" in here.get(SETTINGS).content
        here.post("/settings/sessions/end/")
        assert (here.get(SETTINGS).status_code, there.get(SETTINGS).status_code) == (200, 302)
        assert api().post(REFRESH, {"refresh": pair["refresh"]}).status_code == 401

    def test_programs_are_ended(self, api: Any, person: Any) -> None:
        pair = api().post(TOKEN, {"email": person.email, "password": PASSWORD}).json()
        sign_in(person).post("/settings/programs/end/")
        assert api().post(REFRESH, {"refresh": pair["refresh"]}).status_code == 401

    def test_one_program_is_ended_and_the_others_go_on(self, api: Any, person: Any, other: Any) -> None:
        kept, ended, foreign = (RefreshToken.for_user(user) for user in (person, person, other))
        here = sign_in(person)
        page = here.get(SETTINGS).content.decode()
        assert [f"Token {token['jti'][:8]}" in page for token in (kept, ended, foreign)] == [True, True, False]
        rows = {row.jti: row.pk for row in OutstandingToken.objects.all()}
        here.post(f"/settings/programs/{rows[ended['jti']]}/end/")
        renewed = [api().post(REFRESH, {"refresh": str(token)}).status_code for token in (kept, ended)]
        assert renewed == [200, 401]
        assert here.post(f"/settings/programs/{rows[foreign['jti']]}/end/").status_code == 404

    @pytest.mark.parametrize("path", ["sessions/1/end/", "sessions/end/", "programs/end/", "programs/1/end/"])
    def test_looking_ends_nothing(self, person: Any, path: str) -> None:
        assert sign_in(person).get(f"/settings/{path}").status_code == 405


class TestOtherOrigins:
    def test_none_may_call_unless_it_is_named(self, api: Any, person: Any, settings: Any) -> None:
        asking = {"HTTP_ORIGIN": "https://app.example.com", "HTTP_ACCESS_CONTROL_REQUEST_METHOD": "GET"}
        assert "Access-Control-Allow-Origin" not in api().options("/api/portfolio/value", **asking)
        settings.CORS_ALLOWED_ORIGINS = ["https://app.example.com"]
        allowed = api().options("/api/portfolio/value", **asking)
        assert allowed["Access-Control-Allow-Origin"] == "https://app.example.com"
        assert "Access-Control-Allow-Credentials" not in allowed
        assert "Access-Control-Allow-Origin" not in api().options(SETTINGS, **asking)

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from portfolio_site.lib.errors import PROBLEM_JSON

TOKEN, REFRESH, LOGOUT = "/api/auth/token/", "/api/auth/token/refresh/", "/api/auth/token/logout/"
HOLDINGS = "/api/investments/holdings"
PASSWORD = "correct horse battery"


@pytest.fixture
def pair(api: Any, owner: Any) -> dict[str, str]:
    tokens: dict[str, str] = api().post(TOKEN, {"email": owner.email, "password": PASSWORD}).json()
    return tokens


def _status(api: Any, access: str) -> int:
    caller = api()
    caller.credentials(HTTP_AUTHORIZATION=f"Bearer {access}")
    return int(caller.get(HOLDINGS).status_code)


def test_a_pair_for_e_mail_and_password(api: Any, pair: dict[str, str]) -> None:
    assert set(pair) == {"access", "refresh"}
    assert _status(api, pair["access"]) == 200


def test_the_address_in_capitals_is_the_same_person(api: Any, owner: Any) -> None:
    answer = api().post(TOKEN, {"email": owner.email.upper(), "password": PASSWORD})
    assert answer.status_code == 200


def test_wrong_credentials_do_not_tell_which(api: Any, owner: Any) -> None:
    wrong = [{"email": owner.email, "password": "x"}, {"email": "nobody@example.com", "password": PASSWORD}]
    bodies = []
    for credentials in wrong:
        answer = api().post(TOKEN, credentials)
        assert (answer.status_code, answer["Content-Type"]) == (401, PROBLEM_JSON)
        bodies.append({**answer.json(), "request_id": ""})
    assert bodies[0] == bodies[1]


def test_a_deactivated_user_gets_none_and_keeps_none(api: Any, owner: Any, pair: dict[str, str]) -> None:
    type(owner).objects.filter(pk=owner.pk).update(is_active=False)
    assert api().post(TOKEN, {"email": owner.email, "password": PASSWORD}).status_code == 401
    assert _status(api, pair["access"]) == 401
    assert api().post(REFRESH, {"refresh": pair["refresh"]}).status_code == 401


def test_missing_fields_are_named(api: Any, db: None) -> None:
    answer = api().post(TOKEN, {})
    assert (answer.status_code, set(answer.json()["errors"])) == (400, {"email", "password"})


def test_a_refresh_token_works_once(api: Any, pair: dict[str, str]) -> None:
    renewed = api().post(REFRESH, {"refresh": pair["refresh"]}).json()
    assert renewed["refresh"] != pair["refresh"]
    assert _status(api, renewed["access"]) == 200
    assert api().post(REFRESH, {"refresh": pair["refresh"]}).status_code == 401
    assert api().post(REFRESH, {"refresh": renewed["refresh"]}).status_code == 200


def test_signing_out_ends_the_refresh_token(api: Any, pair: dict[str, str]) -> None:
    assert api().post(LOGOUT, {"refresh": pair["refresh"]}).status_code == 200
    assert api().post(REFRESH, {"refresh": pair["refresh"]}).status_code == 401


def test_an_access_token_ends_after_fifteen_minutes(api: Any, pair: dict[str, str]) -> None:
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=16), tick=False):
        assert _status(api, pair["access"]) == 401


def test_a_refresh_token_opens_nothing_by_itself(api: Any, pair: dict[str, str]) -> None:
    assert _status(api, pair["refresh"]) == 401

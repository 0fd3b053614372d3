"""Requests a minute, against a real Redis: no burst passes, and whoever waits as told gets through."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import redis
from django.db import connection

from portfolio_site.lib import ratelimit
from portfolio_site.lib.errors import PROBLEM_JSON
from tests.fixtures import WebClient

JOBS, BULK, TOKEN = "/api/v1/lots", "/api/v1/prices/bulk", "/api/auth/token/"


@pytest.fixture(autouse=True)
def _limited(settings: Any) -> None:
    settings.API_REQUESTS_PER_MINUTE, settings.API_BULK_REQUESTS_PER_MINUTE = 5, 2
    server = redis.Redis.from_url(settings.REDIS_URL)
    for name in server.scan_iter("limit:*"):
        server.delete(name)


def backdate(settings: Any, name: str, seconds: float) -> None:
    """As if so much time had passed since each request in the window."""
    server = redis.Redis.from_url(settings.REDIS_URL)
    entered: Any = server.zrange(f"limit:{name}", 0, -1, withscores=True)
    server.zadd(f"limit:{name}", {member: score - seconds * 1e6 for member, score in entered})


def test_beyond_the_limit_one_is_told_how_long_to_wait(api: Any, owner: Any, other: Any) -> None:
    client = api(owner)
    assert [client.get(JOBS).status_code for _ in range(5)] == [200] * 5
    answer = client.get(JOBS)
    assert (answer.status_code, answer["Content-Type"]) == (429, PROBLEM_JSON)
    assert 55 <= int(answer["Retry-After"]) <= 60
    assert api(other).get(JOBS).status_code == 200


def test_the_window_slides(api: Any, owner: Any, settings: Any) -> None:
    client = api(owner)
    assert [client.get(JOBS).status_code for _ in range(3)] == [200] * 3
    backdate(settings, f"api:user-{owner.pk}", 40)
    assert [client.get(JOBS).status_code for _ in range(3)] == [200, 200, 429]
    backdate(settings, f"api:user-{owner.pk}", 20)
    assert [client.get(JOBS).status_code for _ in range(4)] == [200, 200, 200, 429]


def test_waiting_as_long_as_told_is_enough(settings: Any, owner: Any) -> None:
    for _ in range(5):
        assert ratelimit.enter("api", "waiting", per_minute=5) == 0
        backdate(settings, "api:waiting", 3)
    wait = ratelimit.enter("api", "waiting", per_minute=5)
    assert 44 < wait <= 45
    backdate(settings, "api:waiting", wait)
    assert ratelimit.enter("api", "waiting", per_minute=5) == 0


def wrong(number: int) -> dict[str, str]:
    """Somebody else each time: failures of one person are locked out before the address is full."""
    return {"email": f"nobody{number}@example.com", "password": "x"}


def test_nobody_in_particular_is_limited_by_address(api: Any, db: None) -> None:
    assert [api().post(TOKEN, wrong(number)).status_code for number in range(6)] == [401] * 5 + [429]
    assert api().post(TOKEN, wrong(6), REMOTE_ADDR="10.9.8.7").status_code == 401


def test_an_address_is_not_changed_by_a_header(api: Any, db: None) -> None:
    answers = [
        api().post(TOKEN, wrong(number), HTTP_X_FORWARDED_FOR=f"10.0.0.{number}").status_code for number in range(6)
    ]
    assert answers == [401] * 5 + [429]


def test_the_plaid_routes_say_it_in_their_own_shape(api: Any, owner: Any) -> None:
    client = api(owner)
    answers = [client.post("/api/plaid/investments/refresh", {}) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [400] * 5 + [429]
    assert set(answers[-1].json()) == {"error"}
    assert int(answers[-1]["Retry-After"]) > 0


def test_zero_is_no_limit(api: Any, owner: Any, settings: Any) -> None:
    settings.API_REQUESTS_PER_MINUTE = 0
    client = api(owner)
    assert {client.get(JOBS).status_code for _ in range(12)} == {200}


def test_health_is_not_limited(api: Any, db: None) -> None:
    assert {api().get("/health").status_code for _ in range(12)} == {200}


@pytest.mark.django_db(transaction=True)
def test_of_two_hundred_at_once_no_burst_passes(django_user_model: Any, settings: Any) -> None:
    settings.API_REQUESTS_PER_MINUTE = 100
    owner = django_user_model.objects.create_user(email="owner@example.com")

    def ask(_number: int) -> int:
        client = WebClient()
        client.force_authenticate(owner)
        try:
            return int(client.get(JOBS).status_code)
        finally:
            connection.close()

    with ThreadPoolExecutor(20) as crowd:
        answers = Counter(crowd.map(ask, range(200)))
    assert answers == {200: 100, 429: 100}

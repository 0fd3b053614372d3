"""`Idempotency-Key` against PostgreSQL: once, however often, by however many at once."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.utils import timezone

from investments.models import Transaction
from plaid_link.models import ImportBatch
from portfolio_site.lib.errors import PROBLEM_JSON
from portfolio_site.models import IdempotentRequest
from tests.fixtures import Portfolio, WebClient, make_portfolio

LEDGER = "/api/v1/transactions"
KEY = {"HTTP_IDEMPOTENCY_KEY": "7f9d-1"}


def fee(portfolio: Portfolio, amount: str = "4.00") -> dict[str, Any]:
    return {
        "account_id": portfolio.ira.pk,
        "type": "fee",
        "subtype": "account fee",
        "date": "2026-11-02",
        "amount": amount,
    }


def test_the_same_again_is_done_once_and_answered_as_it_was(api: Any, owner: Any, portfolio: Portfolio) -> None:
    before = Transaction.objects.count()
    first, again = (api(owner).post(LEDGER, fee(portfolio), **KEY) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert (again["ETag"], again["Idempotent-Replayed"]) == (first["ETag"], "true")
    assert "Idempotent-Replayed" not in first
    assert Transaction.objects.count() == before + 1


def test_without_a_key_it_is_done_twice(api: Any, owner: Any, portfolio: Portfolio) -> None:
    before = Transaction.objects.count()
    assert [api(owner).post(LEDGER, fee(portfolio)).status_code for _ in range(2)] == [201, 201]
    assert Transaction.objects.count() == before + 2


def test_another_body_under_the_same_key_is_refused(api: Any, owner: Any, portfolio: Portfolio) -> None:
    api(owner).post(LEDGER, fee(portfolio), **KEY)
    before = Transaction.objects.count()
    answer = api(owner).post(LEDGER, fee(portfolio, "5.00"), **KEY)
    assert (answer.status_code, answer["Content-Type"]) == (409, PROBLEM_JSON)
    assert Transaction.objects.count() == before


def test_another_route_under_the_same_key_is_refused(api: Any, owner: Any, portfolio: Portfolio) -> None:
    api(owner).post(LEDGER, fee(portfolio), **KEY)
    assert api(owner).post("/api/investments/sync", fee(portfolio), **KEY).status_code == 409


def test_what_failed_leaves_the_key_free(api: Any, owner: Any, portfolio: Portfolio) -> None:
    assert api(owner).post(LEDGER, {**fee(portfolio), "type": "moon"}, **KEY).status_code == 400
    assert not IdempotentRequest.objects.exists()
    assert api(owner).post(LEDGER, fee(portfolio), **KEY).status_code == 201


def test_keys_of_two_people_are_two(api: Any, owner: Any, other: Any, portfolio: Portfolio) -> None:
    theirs = make_portfolio(other)
    mine = api(owner).post(LEDGER, fee(portfolio), **KEY).json()
    answer = api(other).post(LEDGER, fee(theirs), **KEY)
    assert (answer.status_code, answer.json()["id"] != mine["id"]) == (201, True)


def test_after_a_day_the_key_is_free(api: Any, owner: Any, portfolio: Portfolio) -> None:
    first = api(owner).post(LEDGER, fee(portfolio), **KEY).json()
    IdempotentRequest.objects.update(created_at=timezone.now() - timedelta(hours=24, seconds=1))
    answer = api(owner).post(LEDGER, fee(portfolio, "5.00"), **KEY)
    assert (answer.status_code, answer.json()["id"] != first["id"]) == (201, True)


def test_a_key_is_of_plain_characters_and_not_endless(api: Any, owner: Any, portfolio: Portfolio) -> None:
    for key in ("x" * 256, "\x07", "", "a b"):
        answer = api(owner).post(LEDGER, fee(portfolio), HTTP_IDEMPOTENCY_KEY=key)
        assert (answer.status_code, set(answer.json()["errors"])) == (400, {"Idempotency-Key"})


def test_a_file_sent_again_is_one_import(api: Any, owner: Any, portfolio: Portfolio) -> None:
    """Each time with a boundary of its own, so that the bodies differ and what is in them does not."""

    def sent(content: bytes) -> Any:
        file = SimpleUploadedFile("trades.csv", content, "text/csv")
        body = {"file": file, "account_id": portfolio.ira.pk}
        return api(owner).post("/api/v1/import", body, format="multipart", **KEY)

    first, again = sent(b"Date,Action,Amount\n"), sent(b"Date,Action,Amount\n")
    assert (first.status_code, again.content) == (202, first.content)
    assert ImportBatch.objects.count() == 1
    assert sent(b"Date,Action,Sum\n").status_code == 409


def _at_once(user: Any, body: dict[str, Any], *, posts: int, threads: int) -> Counter[tuple[int, int]]:
    """(status, id of the transaction) by how often, of `posts` with one key by threads that each have a connection."""
    started = threading.Barrier(threads)
    client = threading.local()

    def ready() -> None:
        client.own = WebClient()
        client.own.force_login(user)
        started.wait()

    def post(_number: int) -> tuple[int, int]:
        answer = client.own.post(LEDGER, body, **KEY)
        return answer.status_code, answer.json().get("id", 0)

    def finish(_number: int) -> None:
        started.wait()
        connection.close()

    with ThreadPoolExecutor(threads, initializer=ready) as crowd:
        answers = Counter(crowd.map(post, range(posts)))
        list(crowd.map(finish, range(threads)))
    return answers


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("posts", "threads"), [(80, 16), pytest.param(1000, 32, marks=pytest.mark.slow)], ids=["some", "thousand"]
)
def test_many_at_once_with_one_key_have_one_effect(django_user_model: Any, posts: int, threads: int) -> None:
    portfolio = make_portfolio(django_user_model.objects.create_user(email="owner@example.com"))
    before = Transaction.objects.count()
    answers = _at_once(portfolio.owner, fee(portfolio), posts=posts, threads=threads)
    assert len(answers) == 1, answers
    ((status, _pk),) = answers
    assert (status, answers.total()) == (201, posts)
    assert Transaction.objects.count() == before + 1


@pytest.mark.django_db(transaction=True)
def test_a_twin_of_a_route_that_talks_to_others_is_told_to_wait(django_user_model: Any) -> None:
    owner = django_user_model.objects.create_user(email="owner@example.com")
    client = WebClient()
    client.force_login(owner)
    address, body = "/api/plaid/investments/refresh", {"user_id": owner.pk, "item_id": "none"}
    assert client.post(address, body, **KEY).status_code == 404
    assert not IdempotentRequest.objects.exists(), "a failure gives the key back"
    IdempotentRequest.objects.create(owner=owner, key="7f9d-1", fingerprint="0" * 64)
    assert client.post(address, body, **KEY).status_code == 409
    IdempotentRequest.objects.update(created_at=timezone.now() - timedelta(minutes=6))
    assert client.post(address, body, **KEY).status_code == 404, "abandoned by a process that was killed"
